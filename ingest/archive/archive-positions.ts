import {
  carriedSummary,
  positionsProperty,
  positionsSnapshot,
  type TableMetadata,
} from '../../archive/index.ts';
import { StopError } from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';

/** Newest timestamps of archived records, by partition as positions are. */
export const newestProperty = 'jg.newest';
/** `{"<cluster>/<topicId>/<partition>": ["from", "until"]}`: around all that left the log before it was archived and was skipped. */
const skippedProperty = 'jg.skipped';

export interface SkippedOffsets {
  readonly from: bigint;
  readonly until: bigint;
}

/** How far a partition was collected since the last commit. */
export interface Progress {
  readonly source: SourcePartition;
  /** The table's own position of it; null: it has none. */
  readonly from: bigint | null;
  readonly next: bigint;
  /** -1: no record had a timestamp. */
  readonly newestMs: number;
  /** What was skipped on the way; null: nothing. */
  readonly skipped: SkippedOffsets | null;
}

export function positionKey({ cluster, topicId, partition }: SourcePartition): string {
  return `${cluster}/${topicId}/${partition}`;
}

/**
 * Which offset comes next, by partition. They lie in the snapshots, so whatever a table is rolled back to, positions and rows agree.
 *
 * @throws StopError `ARCHIVE_POSITION_LOST` when there are rows and nobody knows up to where.
 */
export function archivedPositions(metadata: TableMetadata, table: string): ReadonlyMap<string, bigint> {
  const snapshot = positionsSnapshot(metadata);
  if (snapshot === null && metadata.currentSnapshotId !== null) throw positionLost(table);
  const positions = new Map<string, bigint>();
  for (const [key, next] of Object.entries(jsonOf(snapshot?.summary[positionsProperty]))) {
    if (typeof next !== 'string' || !/^\d{1,19}$/.test(next)) throw positionLost(table);
    positions.set(key, BigInt(next));
  }
  return positions;
}

export function newestArchivedMs(metadata: TableMetadata): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  const text = positionsSnapshot(metadata)?.summary[newestProperty];
  for (const [key, ms] of Object.entries(jsonOf(text))) if (typeof ms === 'number') newest.set(key, ms);
  return newest;
}

/** By partition as positions are; what lies within need not all have been lost. */
export function skippedOffsets(metadata: TableMetadata): ReadonlyMap<string, SkippedOffsets> {
  const skipped = new Map<string, SkippedOffsets>();
  const text = positionsSnapshot(metadata)?.summary[skippedProperty];
  for (const [key, range] of Object.entries(jsonOf(text))) {
    const [, from, until] = /^(\d{1,19}),(\d{1,19})$/.exec(String(range)) ?? [];
    // What cannot be read may have been anything.
    skipped.set(key, { from: BigInt(from ?? 0n), until: BigInt(until ?? 2n ** 63n) });
  }
  return skipped;
}

export function around(a: SkippedOffsets | null, b: SkippedOffsets | null): SkippedOffsets | null {
  if (a === null || b === null) return a ?? b;
  const first = a.from < b.from ? a : b;
  const last = a.until > b.until ? a : b;
  return { from: first.from, until: last.until };
}

/** Whether the table is still where this progress begins: if not, somebody else has archived the partition. */
export function beginsAt(metadata: TableMetadata, table: string, progress: Iterable<Progress>): boolean {
  const positions = archivedPositions(metadata, table);
  for (const { source, from } of progress)
    if ((positions.get(positionKey(source)) ?? null) !== from) return false;
  return true;
}

/** What a snapshot with that progress says: of all partitions, also those of others and of former lives of the topic. */
export function progressSummary(
  metadata: TableMetadata,
  table: string,
  progress: Iterable<Progress>,
): Readonly<Record<string, string>> {
  const positions = new Map(archivedPositions(metadata, table));
  const newest = new Map(newestArchivedMs(metadata));
  const skipped = new Map(skippedOffsets(metadata));
  for (const { source, next, newestMs, skipped: own } of progress) {
    const key = positionKey(source);
    positions.set(key, next);
    if (newestMs >= 0) newest.set(key, Math.max(newestMs, newest.get(key) ?? 0));
    const range = around(own, skipped.get(key) ?? null);
    if (range !== null) skipped.set(key, range);
  }
  const texts = [...positions].map(([key, next]) => [key, next.toString()] as const);
  const ranges = [...skipped].map(([key, { from, until }]) => [key, [`${from}`, `${until}`]] as const);
  return {
    ...carriedSummary(metadata),
    ...(ranges.length === 0 ? {} : { [skippedProperty]: JSON.stringify(Object.fromEntries(ranges)) }),
    [positionsProperty]: JSON.stringify(Object.fromEntries(texts)),
    [newestProperty]: JSON.stringify(Object.fromEntries(newest)),
  };
}

function jsonOf(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Of positions, the caller says what is lost; of times, they are shown as unknown.
    return { damaged: null };
  }
}

function positionLost(table: string): StopError {
  return new StopError(
    'ARCHIVE_POSITION_LOST',
    `The table ${table} has rows, and no snapshot of it says up to where its topic is archived: another writer made it, or expired what said so. Roll it back to a snapshot whose summary has ${positionsProperty}, or archive into another namespace (archive.namespace).`,
  );
}
