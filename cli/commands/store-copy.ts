import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type SettingFlags, type Settings, settingsFromProcess } from '../../config/index.ts';
import { countText, RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable } from '../command-io.ts';
import { ProgressLine } from '../progress-line.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';
import { type Copied, type CopyRequest, copyFileOf, copyStore, removeCopyFile } from '../store-copy.ts';
import { checkTarget, hasStore, readPlace, type StorePlace } from '../store-place.ts';
import { renderRows, renderSources } from '../store-text.ts';

interface CopyFlags {
  readonly from?: string;
  readonly to?: string;
  readonly file?: string;
  readonly keepFile?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const examples = `Examples:
  jg store copy --from http://127.0.0.1:4000 --to neo4j --neo4j.uri bolt://graph:7687    of a running server
  jg store copy --from ./data --to neo4j --dry-run
  jg store copy --from neo4j --to ./data                                                and back
  jg store copy --from ./data --to cassandra --cassandra.contact.points 10.0.0.1:9042 --cassandra.datacenter dc1
`;
const notes = `
A place is the address of a running server with the embedded store, a data folder that no server has open, or a word of
the setting store (neo4j, cassandra), whose own settings say where it is. The source is read at one position and may go on; the target must
be empty. The snapshot in between lies in --file, as large as \`jg store snapshot\` makes it. Interrupted in any way, the
same command goes on: with that file, which it says, behind the rows that are in the target.
Positions come with the graph: stop what writes the source, then start on the target with the same settings for Kafka,
and what came since is read from the topics.

Exit codes: 0 copied and verified; 1 interrupted, or a disk or a server failed; 2 wrong use, or the target is not empty;
3 the copy differs, the file is damaged, or another graph was being restored there.`;

const shownSettings = new Set([
  'neo4j.uri',
  'neo4j.namespace',
  'neo4j.database',
  'cassandra.contact.points',
  'cassandra.datacenter',
  'cassandra.keyspace',
]);

/** `jg store copy`: a graph from one kind of store to another. */
export function addStoreCopy(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSettingFlags(store.command('copy'), shownSettings)
    .description('Copies a graph from one store to another, with its positions, and compares the two.')
    .option('--from <place>', 'A running server, a data folder, or a kind of store: neo4j or cassandra.')
    .option('--to <place>', 'A data folder, or a kind of store: neo4j or cassandra.')
    .option('--file <file>', 'Where the snapshot lies meanwhile (default: in the current folder).')
    .option('--keep-file', 'Leave the snapshot there when all is done.')
    .option('--dry-run', 'Say what would be done; open nothing, change nothing.')
    .option('--json', 'The answer as one JSON object.')
    .option('--quiet', 'Nothing on standard error but errors.')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (flags: CopyFlags, command: Command) => {
      const request = { ...placesOf(flags), file: flags.file ?? null };
      const settings = settingsFor(request, settingFlags(command));
      if (flags.dryRun === true) {
        await plan(request, settings, flags, io);
        finish(exitCodes.ok);
        return;
      }
      const progress = new ProgressLine(io, flags.quiet === true);
      let copied: Copied;
      try {
        copied = await copyStore(request, settings, io, progress);
      } finally {
        progress.end();
      }
      if (flags.keepFile !== true) await removeCopyFile(copied.file);
      report(copied, request, progress, flags, io);
      finish(exitCodes.ok);
    });
}

/** @throws RefusedError `STORE_COPY_PLACES` or `STORE_COPY_TARGET`. */
function placesOf({ from, to }: CopyFlags): { readonly from: StorePlace; readonly to: StorePlace } {
  if (from === undefined || to === undefined || from === to) {
    const message =
      '`jg store copy` wants two places, such as --from http://127.0.0.1:4000 --to neo4j; --help says what a place is.';
    throw new RefusedError('STORE_COPY_PLACES', message);
  }
  const places = { from: readPlace(from), to: readPlace(to) };
  checkTarget(places.to);
  return places;
}

/** Checked for each shared store that is named, as though it were the one of a server. */
function settingsFor({ from, to }: CopyRequest, { flags }: SettingFlags): Settings {
  for (const place of [from, to]) {
    if (place.kind === 'shared') settingsFromProcess({ flags: { ...flags, store: place.store } });
  }
  return settingsFromProcess({ flags }).settings;
}

async function plan(
  request: CopyRequest,
  settings: Settings,
  { json }: CopyFlags,
  io: CommandIo,
): Promise<void> {
  const { from, to } = request;
  const file = copyFileOf(request, settings);
  const targetHasStore = await hasStore(to);
  if (json === true) {
    io.out(`${JSON.stringify({ from: from.text, to: to.text, file, targetHasStore }, null, 2)}\n`);
    return;
  }
  const target = targetHasStore === true ? ', which has a store: only the same copy can go on there' : '';
  const first = existsSync(file)
    ? `the snapshot ${printable(file)} that an earlier copy left; remove it to take another one`
    : `a snapshot of ${printable(from.text)} into ${printable(file)}`;
  io.out(`1. ${first}\n`);
  io.out(`2. from there into ${printable(to.text)}${target}\n`);
  io.out(`3. ${printable(to.text)} read back, and the digests compared\nNothing was changed.\n`);
}

function report(
  { file, resumed, takenAtMs, footer, sources }: Copied,
  { from, to }: CopyRequest,
  progress: ProgressLine,
  { json, keepFile }: CopyFlags,
  io: CommandIo,
): void {
  const takenAt = new Date(takenAtMs).toISOString();
  if (json === true) {
    const about = { from: from.text, to: to.text, file: keepFile === true ? file : null, takenAt, resumed };
    io.out(`${JSON.stringify({ ...about, ...footer, sources }, null, 2)}\n`);
    return;
  }
  const seconds = (progress.elapsedMs / 1000).toFixed(1);
  io.out(
    `Copied ${printable(from.text)}, as it was at ${takenAt}, to ${printable(to.text)} in ${seconds} s and read it back: ${countText(footer.rows)} rows, digest ${footer.digest}.\n\n`,
  );
  io.out(`${renderRows(footer.rowsByKind)}\n${renderSources(sources)}\n`);
  io.out('Ingestion goes on from these positions: stop what writes the source, then start on the copy.\n');
}
