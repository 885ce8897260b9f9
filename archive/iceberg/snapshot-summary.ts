import type { DataFile } from './data-file.ts';
import { ancestors, type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';

/** Summary properties of ours; they go on from snapshot to snapshot. */
const ownPrefix = 'jg.';
/** `{"<cluster>/<topicId>/<partition>": "next offset"}`, of all partitions. */
export const positionsProperty = 'jg.positions';
/** Rows were taken out of the table: said for good, for the snapshot that did it expires. */
const removedProperty = 'jg.removed';
/** Operations after which every row is still there. */
const keeping = new Set(['append', 'replace']);

/** Snapshots of other writers do not have it: theirs is what the newest one before them says. */
export function positionsSnapshot(metadata: TableMetadata): Snapshot | null {
  for (const snapshot of ancestors(metadata)) {
    if (snapshot.summary[positionsProperty] !== undefined) return snapshot;
  }
  return null;
}

/** What a commit that says nothing of its own carries on. */
export function carriedSummary(metadata: TableMetadata): Readonly<Record<string, string>> {
  const summary = positionsSnapshot(metadata)?.summary ?? {};
  const own = Object.entries(summary).filter(([key]) => key.startsWith(ownPrefix));
  return { ...Object.fromEntries(own), ...(hasRemovedRows(metadata) ? { [removedProperty]: 'true' } : {}) };
}

/** Whether rows were ever taken out of it, as far as its snapshots say: then what is missing need not have been missing in the topic. */
export function hasRemovedRows(metadata: TableMetadata): boolean {
  for (const { operation, summary } of ancestors(metadata))
    if (!keeping.has(operation) || summary[removedProperty] !== undefined) return true;
  return false;
}

/** The counts that engines plan by. */
export function countedSummary(
  base: TableMetadata,
  added: readonly DataFile[],
  removed: readonly DataFile[],
): Readonly<Record<string, string>> {
  const previous = snapshotOf(base, base.currentSnapshotId);
  const totals = (key: string, plus: number, minus: number): Readonly<Record<string, string>> => {
    const before = previous === null ? '0' : previous.summary[key];
    // A total that the parent does not say cannot be gone on from.
    if (before === undefined || !/^\d{1,18}$/.test(before)) return {};
    return { [key]: String(BigInt(before) + BigInt(plus) - BigInt(minus)) };
  };
  const rows = (files: readonly DataFile[]): number => sum(files, (file) => file.rows);
  const bytes = (files: readonly DataFile[]): number => sum(files, (file) => file.bytes);
  const partitions = new Set(
    [...added, ...removed].map((file) => JSON.stringify([...file.partition.values()].map(String))),
  );
  return {
    ...count('added-data-files', added.length),
    ...count('added-records', rows(added)),
    ...count('added-files-size', bytes(added)),
    ...count('deleted-data-files', removed.length),
    ...count('deleted-records', rows(removed)),
    ...count('removed-files-size', bytes(removed)),
    'changed-partition-count': String(partitions.size),
    ...totals('total-data-files', added.length, removed.length),
    ...totals('total-records', rows(added), rows(removed)),
    ...totals('total-files-size', bytes(added), bytes(removed)),
    ...totals('total-delete-files', 0, 0),
    ...totals('total-position-deletes', 0, 0),
    ...totals('total-equality-deletes', 0, 0),
  };
}

function count(key: string, value: number): Readonly<Record<string, string>> {
  return value === 0 ? {} : { [key]: String(value) };
}

function sum(files: readonly DataFile[], of: (file: DataFile) => number): number {
  return files.reduce((total, file) => total + of(file), 0);
}
