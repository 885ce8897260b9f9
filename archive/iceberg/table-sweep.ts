import { reachableFiles } from './reachable-files.ts';
import type { TableFiles } from './table-files.ts';
import type { Snapshot, TableMetadata } from './table-metadata.ts';

/** What writers of tables leave; metadata itself is the catalog's. */
const sweepable = /\.(parquet|avro)$/;

export interface Sweep {
  readonly metadata: TableMetadata;
  readonly expired: readonly Snapshot[];
  readonly olderThanMs: number;
  /** Says in the table that uncommitted files from before that time are going, and gives the version that says it. */
  mark(beforeMs: number): Promise<TableMetadata>;
}

/**
 * Removes what only expired snapshots had, and what no snapshot has and was written before that time: a writer may have written
 * a file that it has not committed yet. One that slept for longer commits before the mark, and its files stay, or sees it.
 */
export async function sweepFiles(
  files: TableFiles,
  { metadata, expired, olderThanMs, mark }: Sweep,
  signal?: AbortSignal,
): Promise<{ readonly files: number; readonly orphans: number }> {
  const { location } = metadata;
  const kept = await reachableFiles(files, metadata.snapshots, location, new Set(), signal);
  const freed = await reachableFiles(files, expired, location, kept, signal);
  let removed = 0;
  for (const key of freed) {
    if (kept.has(key)) continue;
    await files.store.remove(key, signal);
    removed += 1;
  }
  const orphans: string[] = [];
  let newestMs = Number.NEGATIVE_INFINITY;
  for await (const { key, modifiedMs } of files.store.list(`${files.paths.folder(location)}/`, signal)) {
    if (kept.has(key) || modifiedMs >= olderThanMs || !sweepable.test(key)) continue;
    orphans.push(key);
    newestMs = Math.max(newestMs, modifiedMs);
  }
  if (orphans.length === 0) return { files: removed, orphans: 0 };
  // Not `olderThanMs`: that is our clock's, and the mark never goes back. One of a clock that is days ahead would fence every writer for days.
  const marked = await mark(Math.min(olderThanMs, Math.floor(newestMs) + 1));
  const had = new Set(metadata.snapshots.map(({ id }) => id));
  const since = marked.snapshots.filter(({ id }) => !had.has(id));
  const committed = await reachableFiles(files, since, location, kept, signal);
  const unused = orphans.filter((key) => !committed.has(key));
  for (const key of unused) await files.store.remove(key, signal);
  return { files: removed, orphans: unused.length };
}
