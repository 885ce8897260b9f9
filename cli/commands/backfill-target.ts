import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Settings } from '../../config/index.ts';
import { RefusedError } from '../../foundation/index.ts';
import { type BackfillAsk, backfillBounds, backfillFormats } from '../../query-api/index.ts';
import { BackfillClient, type BackfillTarget, deskTarget } from '../backfill-target.ts';
import type { CommandIo } from '../command-io.ts';
import { addFolderTarget, type FolderOptions, withFolder } from './folder-target.ts';
import { endpoint } from './server-option.ts';

export type BackfillOptions = FolderOptions;

/** A running server unless a data folder is named. */
export function addBackfillTarget(command: Command): Command {
  return addFolderTarget(command);
}

/** Gives `work` the server or the opened folder; what still runs in the folder ends behind it, to go on another time. */
export async function withBackfills<T>(
  options: BackfillOptions,
  io: CommandIo,
  work: (target: BackfillTarget) => Promise<T>,
): Promise<T> {
  if (options.data === undefined) return await work(new BackfillClient(endpoint(options), io.signal));
  return await withFolder(options, io, checkFolder, async ({ backfills }) => {
    try {
      return await work(deskTarget(backfills));
    } finally {
      await backfills.close();
    }
  });
}

/** The graph may be lost, but not by a slip of the pen elsewhere. */
async function checkFolder({ data }: Settings): Promise<void> {
  if (existsSync(data)) return;
  throw new RefusedError(
    'STORE_MISSING',
    `There is no folder ${data}: name the one that \`jg up\` keeps its data in with --data, or make it for a new graph.`,
  );
}

export interface FilterOptions {
  readonly topic?: string;
  readonly topicId?: string;
  readonly source?: string;
  readonly path?: string;
  readonly from?: string;
  readonly until?: string;
  readonly partition?: readonly string[];
  readonly repeat?: string;
  readonly allowGaps?: boolean;
  readonly rewrite?: boolean;
  readonly skipExpired?: boolean;
  readonly into?: string;
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value.split(','),
];

/** What is to be replayed. */
export function addFilter(command: Command): Command {
  return command
    .option('--topic <name>', 'The topic whose history it is.')
    .option('--from <time>', 'Records from this time on, as 2026-11-01T00:00:00Z.')
    .option('--until <time>', 'Records before this time.')
    .option('--partition <numbers>', 'Of these partitions alone, such as 0,3.', collect)
    .addOption(
      new Option('--source <kind>', 'What the archive is made of.')
        .choices(backfillFormats)
        .default('iceberg'),
    )
    .option(
      '--path <path>',
      'A folder or file, or s3://bucket/prefix, of the server (default: the archive of the settings).',
    )
    .option('--topic-id <id>', 'Which topic of that name, where it was made anew.')
    .option('--repeat <number>', 'Another number for each time that the same rows are applied once more.')
    .option('--allow-gaps', 'Go on where files are missing.')
    .option('--rewrite', "Let today's mapping and tables write anew what others wrote.")
    .option('--skip-expired', 'Leave out files of which time to live would hide everything.')
    .option(
      '--into <graph>',
      'The live graph, or the name of one beside it, made when it is missing.',
      'live',
    );
}

/** @throws RefusedError `UNEXPECTED_ARGUMENT`. */
export function askOf(options: FilterOptions, resolvePath: (path: string) => string): BackfillAsk {
  const { topic, topicId = null, path = null, partition, from, until, repeat } = options;
  if (topic === undefined) throw unexpected('--topic names the topic whose history is to be replayed.');
  const source = backfillFormats.find((one) => one === options.source) ?? 'iceberg';
  const [fromMs, untilMs] = [timeOf('--from', from), timeOf('--until', until)];
  if (fromMs !== null && untilMs !== null && untilMs <= fromMs)
    throw unexpected('--until must be later than --from.');
  return {
    ...{ topic, topicId, source, fromMs, untilMs },
    path: path === null || path.startsWith('s3://') ? path : resolvePath(path),
    partitions:
      partition === undefined
        ? null
        : partition.map((one) => numberOf('--partition', one, backfillBounds.partitionMax)),
    repeat: repeat === undefined ? 0 : numberOf('--repeat', repeat, backfillBounds.repeatMax),
    allowGaps: options.allowGaps === true,
    rewrite: options.rewrite === true,
    skipExpired: options.skipExpired === true,
    shadow: options.into === undefined || options.into === 'live' ? null : options.into,
  };
}

function timeOf(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const timeMs = Date.parse(text);
  if (Number.isFinite(timeMs) && timeMs >= 0) return timeMs;
  throw unexpected(`${flag} takes a time such as 2026-11-01T00:00:00Z.`);
}

function numberOf(flag: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw unexpected(`${flag} takes whole numbers from 0 to ${max}.`);
}

function unexpected(message: string): RefusedError {
  return new RefusedError('UNEXPECTED_ARGUMENT', message);
}
