import type { Command } from 'commander';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { askGraphql } from '../graphql-client.ts';
import { field } from '../journey-text.ts';
import { renderTable } from '../table.ts';
import { reportErrors } from './query.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface StatusOptions extends ServerOptions {
  readonly watch?: boolean;
}

const columns = [
  'topic',
  'partition',
  'state',
  'position',
  'lag',
  'freshnessMs',
  'consumed',
  'applied',
  'superseded',
  'filtered',
  'deadLettered',
  'reason',
] as const;
const tableColumns = ['topic', 'usable', 'rows', 'bytes', 'missing', 'waits', 'unreadable'] as const;
const retriedColumns = ['topic', 'applied', 'superseded', 'filtered'] as const;
const statusQuery = `{ status { version startedAt nodes edges relativeError
  nodeWrites { written suppressed coalesced } topics { ${columns.join(' ')} } tables { ${tableColumns.join(' ')} } retriedLetters { ${retriedColumns.join(' ')} } } }`;
const watchEveryMs = 1000;

/** `jg status`: how far each topic is, and what became of its records. */
export function addStatusCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addServerOptions(program.command('status'))
    .description(
      'Prints how far each topic is and what became of its records; fails when a pipeline has stopped.',
    )
    .option('--watch', 'Ask again every second until Ctrl-C.')
    .addHelpText(
      'before',
      'Examples:\n  jg status\n  jg status --json\n  jg status --watch --url http://127.0.0.1:4100\n',
    )
    .action(async (options: StatusOptions) => {
      const server = endpoint(options);
      let code: ExitCode;
      do {
        const answer = await askGraphql(server, statusQuery, {});
        const status = field(answer.data, 'status');
        io.out(
          options.json === true
            ? `${printableLines(JSON.stringify(status ?? null, null, 2))}\n`
            : renderStatus(status),
        );
        code = reportErrors(answer, io);
        if (code === exitCodes.ok && hasStopped(status)) code = exitCodes.stopped;
        if (options.watch === true) await io.clock.sleep(watchEveryMs, io.signal);
      } while (options.watch === true && !io.signal.aborted);
      finish(code);
    });
}

function renderStatus(status: unknown): string {
  const topics = field(status, 'topics');
  if (!Array.isArray(topics)) return '';
  const rows = topics.map((topic) => columns.map((column) => String(field(topic, column) ?? '')));
  const error = Math.round(Number(field(status, 'relativeError')) * 1000) / 10;
  const graph = `about ${field(status, 'nodes')} nodes and ${field(status, 'edges')} edges (± ${error} %)\n`;
  return (
    renderTable(columns, rows) +
    renderTables(field(status, 'tables')) +
    renderRetried(field(status, 'retriedLetters')) +
    graph +
    renderWrites(field(status, 'nodeWrites'))
  );
}

function renderWrites(writes: unknown): string {
  const [written, suppressed, coalesced] = ['written', 'suppressed', 'coalesced'].map((name) =>
    Number(field(writes, name) ?? 0),
  );
  return `node changes since the start: ${written} written, ${suppressed} changed nothing, ${coalesced} merged into one of these\n`;
}

/** In which mappings look rows up; nothing where there are none. */
function renderTables(tables: unknown): string {
  if (!Array.isArray(tables) || tables.length === 0) return '';
  const rows = tables.map((table) => tableColumns.map((column) => String(field(table, column) ?? '')));
  return `\n${renderTable(['table', ...tableColumns.slice(1)], rows)}\n`;
}

/** Dead letters that were applied again; nothing where none were. */
function renderRetried(letters: unknown): string {
  if (!Array.isArray(letters) || letters.length === 0) return '';
  const rows = letters.map((one) => retriedColumns.map((column) => String(field(one, column) ?? '')));
  return `\n${renderTable(['retried from', ...retriedColumns.slice(1)], rows)}\n`;
}

function hasStopped(status: unknown): boolean {
  const topics = field(status, 'topics');
  return (
    Array.isArray(topics) && topics.some((topic) => String(field(topic, 'state')).toLowerCase() === 'stopped')
  );
}
