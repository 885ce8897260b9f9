import type { Command } from 'commander';
import { serverAddressFromProcess } from '../../config/index.ts';
import { countText, must, OutageError } from '../../foundation/index.ts';
import { encodeSource, type SnapshotReader } from '../../graph-store/index.ts';
import { type CommandIo, type ExitCode, exitCodes } from '../command-io.ts';
import { ProgressLine } from '../progress-line.ts';
import { makeStoreFolder } from '../store-folder.ts';
import { openSnapshot } from '../store-snapshot-file.ts';
import { renderRows, renderSources } from '../store-text.ts';

interface RestoreOptions {
  readonly data?: string;
  readonly graph?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const examples = `Examples:
  jg store restore graph.jgsnapshot --dry-run
  jg store restore graph.jgsnapshot --data ./other
  jg store restore graph.jgsnapshot --data ./data --graph rebuilt   beside the live graph
`;
const codes = `
Positions come with the graph: the next start on this folder goes on reading there, from Kafka or from the embedded log.

Exit codes: 0 restored, or whole; 1 the disk failed; 2 wrong use, or there is a store already; 3 the file is damaged, foreign or
of another version, or the folder is in use.`;

/** `jg store restore`: a snapshot becomes the store of a data folder that has none. */
export function addStoreRestore(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  store
    .command('restore')
    .description(
      'Makes the store of a data folder from a snapshot; there must be none yet, and no server running on it.',
    )
    .argument('<file>', 'The snapshot.')
    .option('--data <folder>', 'The data folder (default: the setting data).')
    .option('--graph <name>', 'A graph of that folder beside the live one, which a server may be using.')
    .option('--dry-run', 'Read and check the whole file, say what it holds, change nothing.')
    .option('--json', 'The answer as one JSON object.')
    .option('--quiet', 'Nothing on standard error but errors.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (path: string, options: RestoreOptions) => {
      const data = options.data ?? serverAddressFromProcess().data;
      const reader = await openSnapshot(path);
      const progress = new ProgressLine(io, options.quiet === true);
      try {
        if (options.dryRun === true) await readAll(reader, io, progress);
        else await restoreInto(data, options.graph ?? null, reader, io, progress);
      } finally {
        progress.end();
        await reader.close();
      }
      report(reader, options.dryRun === true ? null : data, options, io);
      finish(exitCodes.ok);
    });
}

async function readAll(reader: SnapshotReader, io: CommandIo, progress: ProgressLine): Promise<void> {
  for await (const _row of reader.rows()) follow(reader, checking, io, progress);
}

async function restoreInto(
  data: string,
  graph: string | null,
  reader: SnapshotReader,
  io: CommandIo,
  progress: ProgressLine,
): Promise<void> {
  const store = await makeStoreFolder(data, graph, io);
  try {
    const { sources, timeToLive } = reader.header;
    async function* rows(): AsyncGenerator<readonly [Buffer, Buffer]> {
      for await (const row of reader.rows()) {
        follow(reader, restoring, io, progress);
        yield row;
      }
    }
    await store.restore({ sources, timeToLive, rows });
  } finally {
    await store.close();
  }
}

const rowsBetweenLooks = 1024;

/** What the rows are read for, and what people are told when it is interrupted. */
interface Reading {
  readonly what: string;
  readonly interrupted: string;
}

const checking: Reading = { what: 'Checking', interrupted: 'nothing was changed.' };
const restoring: Reading = {
  what: 'Restoring',
  interrupted: 'what was restored so far is no store: remove it.',
};

function follow(
  reader: SnapshotReader,
  { what, interrupted }: Reading,
  io: CommandIo,
  progress: ProgressLine,
): void {
  if (reader.rowsRead % rowsBetweenLooks !== 0) return;
  if (io.signal.aborted) throw new OutageError('INTERRUPTED', `${what} was interrupted; ${interrupted}`);
  progress.showRows(what, reader.rowsRead);
}

function report(reader: SnapshotReader, data: string | null, options: RestoreOptions, io: CommandIo): void {
  const footer = must(reader.footer, 'a snapshot that was read to its end has a footer');
  const { takenAtMs, productVersion } = reader.header;
  const sources = reader.header.sources.map(encodeSource);
  const taken = new Date(takenAtMs).toISOString();
  if (options.json === true) {
    const about = { data, takenAt: taken, productVersion, timeToLive: reader.header.timeToLive };
    io.out(`${JSON.stringify({ ...about, ...footer, sources }, null, 2)}\n`);
    return;
  }
  io.out(
    `Taken at ${taken} by version ${productVersion}; ${countText(footer.rows)} rows, digest ${footer.digest}.\n\n`,
  );
  io.out(`${renderRows(footer.rowsByKind)}\n${renderSources(sources)}\n`);
  if (data === null) {
    io.out('The file is whole; nothing was changed.\n');
    return;
  }
  io.out(
    `Restored into ${data}. The next \`jg up\` on it goes on at these positions: from Kafka as long as the topics still have those records; ` +
      `from the embedded log when the folder "log" of the data folder it belongs to is copied here.\n`,
  );
}
