import type { Command } from 'commander';
import { countText, RefusedError } from '../../foundation/index.ts';
import { readMembers } from '../audience-members.ts';
import { audienceQuestions } from '../audience-questions.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql, type GraphqlAnswer } from '../graphql-client.ts';
import { field } from '../journey-text.ts';
import { ProgressLine } from '../progress-line.ts';
import { renderTable } from '../table.ts';
import { reportErrors } from './query.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface WhereOptions extends ServerOptions {
  readonly of: string;
}

interface FreezeOptions extends WhereOptions {
  readonly name: string;
  readonly key?: string;
  readonly detach?: boolean;
}

const examples = `Examples:
  jg audience estimate --of Account '{"did":{"edge":"WATCHED","within":"90d","to":{"type":"Title"}}}'
  jg audience freeze --of Account --name "watched the saga" - < saga.json
  AUDIENCE=$(jg audience freeze --of Account --name "watched the saga" - < saga.json)
  jg audience list
  jg audience show ID
  jg audience members ID > members.ndjson
  jg audience explain ID acc-000001
  jg audience delete ID
`;
const askEveryMs = 250;

type Finish = (code: ExitCode) => void;

/** `jg audience`: who should hear of it; asked, frozen, read and explained. */
export function addAudienceCommand(program: Command, io: CommandIo, finish: Finish): void {
  const audience = program
    .command('audience')
    .description('Estimates, freezes, reads, explains and deletes audiences of a running server.')
    .addHelpText('before', examples);
  addEstimate(audience, io, finish);
  addFreeze(audience, io, finish);
  addList(audience, io, finish);
  addShow(audience, io, finish);
  addMembers(audience, io, finish);
  addExplain(audience, io, finish);
  addDelete(audience, io, finish);
}

function addEstimate(audience: Command, io: CommandIo, finish: Finish): void {
  addWho(audience.command('estimate'))
    .description('Prints how large an audience would be now, with what is sure at 95 %.')
    .action(async (where: string, options: WhereOptions) => {
      const variables = { memberType: options.of, where: await readWhere(where, io) };
      const answer = await askGraphql(endpoint(options), audienceQuestions.estimate, variables);
      show(io, options, answer, 'audienceEstimate', (estimate) => {
        const number = (name: string): string => countText(Number(field(estimate, name)));
        const high = field(estimate, 'high') === null ? 'no upper bound' : number('high');
        const between =
          field(estimate, 'method') === 'COUNTED' ? '' : `, between ${number('low')} and ${high}`;
        return `${number('count')} members${between} (${String(field(estimate, 'method')).toLowerCase()}, ${number('sampled')} looked at)\n`;
      });
      finish(reportErrors(answer, io));
    });
}

function addFreeze(audience: Command, io: CommandIo, finish: Finish): void {
  addWho(audience.command('freeze'))
    .description('Freezes an audience and waits for it; prints its id.')
    .requiredOption('--name <name>', 'What people call it.')
    .option('--key <key>', 'Asked again under the same key it is the same audience (default: a new one).')
    .option('--detach', 'Do not wait until it is ready.')
    .action(async (where: string, options: FreezeOptions) => {
      const { name, key = io.newId(), of: memberType } = options;
      const server = endpoint(options);
      const variables = { memberType, where: await readWhere(where, io), name, key, waitMs: 0 };
      let answer = await askGraphql(server, audienceQuestions.freeze, variables);
      let frozen = field(answer.data, 'freezeAudience');
      const id = field(frozen, 'id');
      const progress = new ProgressLine(io, options.quiet === true);
      while (options.detach !== true && field(frozen, 'state') === 'BUILDING' && !io.signal.aborted) {
        progress.showRows('freezing', Number(field(frozen, 'scanned')));
        await io.clock.sleep(askEveryMs, io.signal);
        answer = await askGraphql(server, audienceQuestions.show, { id });
        frozen = field(answer.data, 'audience');
      }
      progress.end();
      if (frozen !== undefined && frozen !== null) {
        io.out(options.json === true ? jsonText(frozen) : `${printable(String(id))}\n`);
        if (options.json !== true && options.quiet !== true) io.err(`${audienceText(frozen)}\n`);
      }
      const failure = field(frozen, 'failure');
      if (typeof failure === 'string') io.err(`error ${printable(failure)}\n`);
      const code = reportErrors(answer, io);
      finish(code === exitCodes.ok && typeof failure === 'string' ? exitCodes.failed : code);
    });
}

function addList(audience: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(audience.command('list'))
    .description('Prints the audiences there are, newest first.')
    .option('--first <count>', 'At most so many.', '100')
    .option('--after <id>', 'Those that come behind this one.')
    .action(
      async ({
        first,
        after,
        ...options
      }: ServerOptions & { readonly first: string; readonly after?: string }) => {
        const answer = await askGraphql(endpoint(options), audienceQuestions.list, {
          first: Number(first),
          after,
        });
        show(io, options, answer, 'audiences', (audiences) => {
          const columns = ['id', 'name', 'state', 'size', 'memberType', 'frozenAt', 'bytes'];
          const rows = (Array.isArray(audiences) ? audiences : []).map((one: unknown) =>
            columns.map((name) => printable(String(field(one, name) ?? ''))),
          );
          return renderTable(columns, rows);
        });
        finish(reportErrors(answer, io));
      },
    );
}

function addShow(audience: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(audience.command('show'))
    .description('Prints what an audience is, when it was frozen and at which positions.')
    .argument('<id>', 'The audience.')
    .action(async (id: string, options: ServerOptions) => {
      const answer = await askGraphql(endpoint(options), audienceQuestions.show, { id });
      show(io, options, answer, 'audience', jsonText);
      finish(notThere(io, id, field(answer.data, 'audience'), reportErrors(answer, io)));
    });
}

function addMembers(audience: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(audience.command('members'))
    .description('Prints all members, one JSON object a line; fails when the answer was cut off.')
    .argument('<id>', 'The audience.')
    .action(async (id: string, options: ServerOptions) => {
      const progress = new ProgressLine(io, options.quiet === true || io.outIsTerminal);
      let count = 0;
      for await (const line of readMembers(endpoint(options), id, io.signal)) {
        io.out(`${printable(line)}\n`);
        count += 1;
        progress.showRows('reading', count);
      }
      progress.end();
      finish(exitCodes.ok);
    });
}

function addExplain(audience: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(audience.command('explain'))
    .description('Says why a node is in an audience or not: what was true when it was frozen, what is now.')
    .argument('<id>', 'The audience.')
    .argument('<member>', 'Id of the node.')
    .action(async (id: string, member: string, options: ServerOptions) => {
      const answer = await askGraphql(endpoint(options), audienceQuestions.explain, { id, member });
      show(io, options, answer, 'audience', (found) => explanationText(found, member));
      finish(notThere(io, id, field(answer.data, 'audience'), reportErrors(answer, io)));
    });
}

function addDelete(audience: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(audience.command('delete'))
    .description('Deletes an audience, or ends one that is being built.')
    .argument('<id>', 'The audience.')
    .action(async (id: string, options: ServerOptions) => {
      const answer = await askGraphql(endpoint(options), audienceQuestions.delete, { id });
      const isDeleted = field(answer.data, 'deleteAudience');
      show(io, options, answer, 'deleteAudience', () =>
        isDeleted === true ? `${printable(id)} is deleted.\n` : '',
      );
      finish(notThere(io, id, isDeleted === false ? null : isDeleted, reportErrors(answer, io)));
    });
}

function addWho(command: Command): Command {
  return addServerOptions(command)
    .argument(
      '<where>',
      'Who belongs to it: the input AudienceWhere as JSON; - reads it from standard input.',
    )
    .requiredOption('--of <type>', 'Node type of the members, such as Account.');
}

async function readWhere(text: string, io: CommandIo): Promise<unknown> {
  try {
    return JSON.parse(text === '-' ? await io.readStdin() : text);
  } catch (cause) {
    const message =
      'The condition is no JSON; it looks like {"did":{"edge":"WATCHED","within":"90d","to":{"type":"Title"}}}.';
    throw new RefusedError('INVALID_WHERE', message, { cause });
  }
}

function show(
  io: CommandIo,
  options: ServerOptions,
  { data }: GraphqlAnswer,
  name: string,
  render: (value: unknown) => string,
): void {
  const value = field(data, name);
  if (value === undefined || value === null) return;
  io.out(options.json === true ? `${printableLines(JSON.stringify(value, null, 2))}\n` : render(value));
}

function jsonText(value: unknown): string {
  return `${printableLines(JSON.stringify(value, null, 2))}\n`;
}

/** Beside the id, which stands alone on standard output for the command that takes it. */
function audienceText(audience: unknown): string {
  const state = String(field(audience, 'state'));
  if (state !== 'READY') return `The audience is ${printable(state.toLowerCase())}.`;
  const seconds = (Number(field(audience, 'tookMs')) / 1000).toFixed(1);
  return `${countText(Number(field(audience, 'size')))} members, frozen in ${seconds} s.`;
}

function explanationText(audience: unknown, member: string): string {
  const explained = field(audience, 'explain');
  const was = field(explained, 'wasMember') === true;
  const now = field(explained, 'holdsNow') === true;
  const conditions = field(explained, 'conditions');
  const rows = (Array.isArray(conditions) ? conditions : []).map((one: unknown) => [
    String(field(one, 'path')) || 'all of it',
    field(one, 'holdsNow') === true ? 'yes' : 'no',
    printable(String(field(one, 'condition'))),
    field(one, 'found') === null ? '' : printable(JSON.stringify(field(one, 'found'))),
  ]);
  const then = `${printable(member)} ${was ? 'is' : 'is not'} in it since ${String(field(audience, 'frozenAt'))}`;
  const change =
    was === now
      ? 'and the conditions say the same now'
      : `and the conditions ${now ? 'hold' : 'do not hold'} now`;
  return `${then}, ${change}.\n${renderTable(['condition', 'holds now', 'says', 'found'], rows)}`;
}

function notThere(io: CommandIo, id: string, found: unknown, code: ExitCode): ExitCode {
  if (code !== exitCodes.ok || (found !== null && found !== undefined)) return code;
  io.err(
    `error AUDIENCE_UNKNOWN: There is no audience ${printable(id)}; \`jg audience list\` has those there are.\n`,
  );
  return exitCodes.failed;
}
