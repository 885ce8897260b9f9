import {
  eventColumnsOf,
  type IcebergTable,
  leftOutFields,
  millisecondsOfDay,
  positionsSnapshot,
} from '../../archive/index.ts';
import type { SourceEnd } from '../event-source.ts';
import type { LogRetention, LogState } from '../log-retention.ts';
import { archivedPositions, newestArchivedMs, positionKey } from './archive-positions.ts';
import { archivedFile } from './archived-file.ts';

export interface ReportedPartition {
  readonly partition: number;
  readonly topicId: string;
  readonly archived: string | null;
  readonly low: string;
  readonly end: string;
  readonly lag: number;
  /** Records that left the log before they were archived. */
  readonly missed: number;
}

/** A topic's archive beside its log, as `jg archive status` prints it. */
export interface TopicArchiveReport {
  readonly topic: string;
  readonly table: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly snapshots: number;
  readonly columns: number;
  readonly leftOut: Readonly<Record<string, string>>;
  /** Of the first and the last day that has rows, such as `2026-11-21`. */
  readonly days: { readonly first: string; readonly last: string } | null;
  readonly lastCommitMs: number | null;
  /** Null: the log could not be asked. */
  readonly log: {
    readonly retention: LogRetention;
    readonly partitions: readonly ReportedPartition[];
    readonly lagRecords: number;
    /** Since the newest archived record, where there are others to come; null: nothing was archived yet. */
    readonly lagMs: number | null;
    /** How long archiving may still stand before records are lost; null: the log bounds no time, or there is no lag. */
    readonly roomMs: number | null;
  } | null;
  readonly archiveRetentionMs: number | null;
}

export async function reportTopic(
  topic: string,
  named: { readonly name: string; readonly table: IcebergTable },
  log: LogState | null,
  archiveRetentionMs: number | null,
  nowMs: number,
): Promise<TopicArchiveReport> {
  const { metadata } = await named.table.load();
  const { files } = await named.table.files();
  const days = files.flatMap((file) => archivedFile(file)?.day ?? []);
  const text = (day: number): string => new Date(day * millisecondsOfDay).toISOString().slice(0, 10);
  const first = days.reduce((least, day) => Math.min(least, day), Number.POSITIVE_INFINITY);
  const last = days.reduce((most, day) => Math.max(most, day), Number.NEGATIVE_INFINITY);
  const positions = archivedPositions(metadata, named.name);
  const newest = newestArchivedMs(metadata);
  return {
    topic,
    table: named.name,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    snapshots: metadata.snapshots.length,
    columns: eventColumnsOf(metadata).length,
    leftOut: Object.fromEntries(leftOutFields(metadata)),
    days: days.length === 0 ? null : { first: text(first), last: text(last) },
    lastCommitMs: positionsSnapshot(metadata)?.timestampMs ?? null,
    log: log === null ? null : logReport(log, positions, newest, nowMs),
    archiveRetentionMs,
  };
}

function logReport(
  { ends, retention }: LogState,
  positions: ReadonlyMap<string, bigint>,
  newest: ReadonlyMap<string, number>,
  nowMs: number,
): NonNullable<TopicArchiveReport['log']> {
  const partitions = ends.map((each) => reportedPartition(each, positions));
  const behind = ends.filter((_, index) => (partitions[index]?.lag ?? 0) > 0);
  const ages = behind.map(({ source }) => {
    const ms = newest.get(positionKey(source));
    return ms === undefined ? null : Math.max(0, nowMs - ms);
  });
  const known = ages.filter((age) => age !== null);
  const lagMs = behind.length === 0 ? 0 : known.length === 0 ? null : Math.max(...known);
  const hasRoom = behind.length > 0 && retention.ms !== null && lagMs !== null;
  return {
    retention,
    partitions,
    lagRecords: partitions.reduce((sum, { lag }) => sum + lag, 0),
    lagMs,
    roomMs: hasRoom ? Math.max(0, (retention.ms ?? 0) - (lagMs ?? 0)) : null,
  };
}

function reportedPartition(
  { source, low, end }: SourceEnd,
  positions: ReadonlyMap<string, bigint>,
): ReportedPartition {
  const archived = positions.get(positionKey(source)) ?? null;
  const from = archived ?? low;
  const next = from < low ? low : from;
  return {
    partition: source.partition,
    topicId: source.topicId,
    archived: archived?.toString() ?? null,
    low: low.toString(),
    end: end.toString(),
    lag: Number(end > next ? end - next : 0n),
    missed: Number(low > from ? low - from : 0n),
  };
}
