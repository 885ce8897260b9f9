import type { Command } from 'commander';
import type { Settings } from '../../config/index.ts';
import {
  Archiver,
  type ArchiverLimits,
  type ArchiverParts,
  type ArchiverStatus,
  archiveToEnd,
} from '../../ingest/index.ts';
import { openArchiveSession } from '../archive-session.ts';
import { archiverCounts, renderArchived } from '../archive-text.ts';
import { keepUpArchive } from '../archive-upkeep.ts';
import { archivedTopics, archiverLimits, archiverParts } from '../archivers.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { makeDataFolder } from '../data-folder.ts';
import { reportFailure } from '../failure.ts';
import { ProgressLine } from '../progress-line.ts';
import { type ArchiveOptions, addArchiveFlags, archiveSettings } from './archive-options.ts';

const examples = `Examples:
  jg archive run --bootstrap.servers localhost:9092 --topics plays --schema.registry.url http://localhost:8081
  jg archive run --archive.warehouse s3://bucket/archive --config jg.yaml
  jg archive run --once --json         what the topics have now, then ends: for a job by the hour
`;
const codes = `
Exit codes: 0 stopped cleanly, or all was archived; 1 the log or the archive did not answer; 2 wrong use or settings;
3 a topic has stopped, and a person has to act. Other topics go on until the end.`;
const lookMs = 250;

interface RunOptions extends ArchiveOptions {
  readonly once?: boolean;
}

/** `jg archive run`: archives until Ctrl-C, or what is there. */
export function addArchiveRun(archive: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addArchiveFlags(archive.command('run'))
    .description('Archives topics, each into a table of its own, until Ctrl-C.')
    .option('--once', 'Archive what the topics have now, then end.')
    .option('--quiet', 'No progress line.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: RunOptions, command: Command) => {
      finish(await runArchive(archiveSettings(command), options, io));
    });
}

export async function runArchive(settings: Settings, options: RunOptions, io: CommandIo): Promise<ExitCode> {
  await makeDataFolder(settings.data);
  await using session = await openArchiveSession(settings, io);
  const { archive, events, log } = session;
  const topics = archivedTopics(settings, events);
  const quiet = options.quiet === true;
  if (!quiet) io.err(`Archiving ${events.description} into ${archive.location}\n`);
  const limits = archiverLimits(settings, topics.length);
  const works = topics.map((topic) => {
    const parts = archiverParts(topic, settings, session, io, log);
    return options.once === true ? onceOf(parts, limits, io.signal) : untilToldOf(parts, limits, io.signal);
  });
  const over = new AbortController();
  const ending = AbortSignal.any([io.signal, over.signal]);
  const beside = Promise.allSettled([
    showProgress(works, quiet, io, over.signal),
    ...(options.once === true ? [] : [keepUpArchive(settings, archive, topics, io, log, ending)]),
  ]);
  const runs = Promise.allSettled(works.map(({ running }) => running));
  const results = await endsInTime(runs, settings['shutdown.timeout.ms'], io);
  over.abort();
  printArchived(works, options, io);
  if (results === null) {
    io.err('Stopping took too long; what was not committed is archived again by the next start.\n');
    return exitCodes.failed;
  }
  let code: ExitCode = exitCodes.ok;
  for (const result of [...results, ...(await beside)])
    if (result.status === 'rejected') code = reportFailure(result.reason, io);
  return code;
}

/** One topic's. */
interface Work {
  readonly running: Promise<void>;
  status(): ArchiverStatus | null;
}

function untilToldOf(parts: ArchiverParts, limits: ArchiverLimits, signal: AbortSignal): Work {
  const archiver = new Archiver(parts, limits);
  return { running: archiver.run(signal), status: () => archiver.status() };
}

function onceOf(parts: ArchiverParts, limits: ArchiverLimits, signal: AbortSignal): Work {
  let last: ArchiverStatus | null = null;
  const note = (status: ArchiverStatus): void => {
    last = status;
  };
  return { running: archiveToEnd(parts, limits, signal, note).then(note), status: () => last };
}

function statusesOf(works: readonly Work[]): readonly ArchiverStatus[] {
  return works.map((work) => work.status()).filter((status) => status !== null);
}

function printArchived(works: readonly Work[], options: RunOptions, io: CommandIo): void {
  const statuses = statusesOf(works);
  io.out(
    options.json === true
      ? `${printableLines(JSON.stringify(statuses.map(archiverCounts), null, 2))}\n`
      : renderArchived(statuses),
  );
}

async function showProgress(
  works: readonly Work[],
  quiet: boolean,
  io: CommandIo,
  over: AbortSignal,
): Promise<void> {
  const progress = new ProgressLine(io, quiet);
  while (!over.aborted) {
    progress.showRows(
      'Archived',
      statusesOf(works).reduce((sum, status) => sum + status.rows, 0),
    );
    await io.clock.sleep(lookMs, over);
  }
  progress.end();
}

/** Null: it was told to end and did not in time. */
async function endsInTime<T>(work: Promise<T>, timeoutMs: number, io: CommandIo): Promise<T | null> {
  const done = new AbortController();
  const late = async (): Promise<null> => {
    await new Promise<void>((resolve) => {
      const told = (): void => resolve();
      if (io.signal.aborted) told();
      io.signal.addEventListener('abort', told, { once: true });
      done.signal.addEventListener('abort', told, { once: true });
    });
    await io.clock.sleep(timeoutMs, done.signal);
    return null;
  };
  try {
    return await Promise.race([work, late()]);
  } finally {
    done.abort();
  }
}
