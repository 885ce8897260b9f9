import { hasRemovedRows, positionsSnapshot, type TableMetadata } from '../archive/index.ts';
import { archivedPositions, type IsExplained, skippedOffsets } from '../ingest/index.ts';

export interface ArchivedPosition {
  readonly cluster: string;
  readonly topicId: string;
  readonly partition: number;
  readonly next: bigint;
}

/** Up to where the archiver has archived each partition, as it says in the table itself; none of a table of others. */
export function positionsIn(metadata: TableMetadata): readonly ArchivedPosition[] {
  if (positionsSnapshot(metadata) === null) return [];
  return [...archivedPositions(metadata, metadata.location)].flatMap(([key, next]) => {
    const place = placeOf(key);
    return place === null ? [] : [{ ...place, next }];
  });
}

/** What a partition's key among the positions says; null: nothing. */
function placeOf(key: string): Omit<ArchivedPosition, 'next'> | null {
  const [, cluster = '', topicId = '', number = ''] = /^(.*)\/([^/]*)\/(\d{1,9})$/.exec(key) ?? [];
  return number === '' ? null : { cluster, topicId, partition: Number(number) };
}

/**
 * The archiver moves its position together with the rows: what is missing below it was never in the topic (compaction, aborted transactions), but for what it
 * skipped because the log had lost it. Null when nobody knows: the table has no such positions, or rows were removed from it. Of several lives of a topic the least position counts, since a plan is of one.
 */
export function explainedBy(metadata: TableMetadata): IsExplained | null {
  const positions = positionsIn(metadata);
  if (positions.length === 0) return null;
  if (hasRemovedRows(metadata)) return null;
  const ends = new Map<number, bigint>();
  for (const { partition, next } of positions) {
    const before = ends.get(partition);
    ends.set(partition, before === undefined || next < before ? next : before);
  }
  const skipped = [...skippedOffsets(metadata)].flatMap(([key, range]) => {
    const place = placeOf(key);
    return place === null ? [] : [{ ...range, partition: place.partition }];
  });
  return (partition, from, until) =>
    (ends.get(partition) ?? 0n) >= until &&
    !skipped.some((one) => one.partition === partition && one.from < until && one.until > from);
}
