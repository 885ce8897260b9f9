import { reachableFiles } from './reachable-files.ts';
import type { TableFiles } from './table-files.ts';
import type { Snapshot, TableMetadata } from './table-metadata.ts';

/** What writers of tables leave; metadata itself is the catalog's. */
const sweepable = /\.(parquet|avro)$/;

/**
 * Removes what only expired snapshots had, and what no snapshot has and was written before that time: a writer may have written
 * a file that it has not committed yet.
 */
export async function sweepFiles(
  files: TableFiles,
  metadata: TableMetadata,
  expired: readonly Snapshot[],
  olderThanMs: number,
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
  let orphans = 0;
  for await (const { key, modifiedMs } of files.store.list(`${files.paths.folder(location)}/`, signal)) {
    if (kept.has(key) || modifiedMs >= olderThanMs || !sweepable.test(key)) continue;
    await files.store.remove(key, signal);
    orphans += 1;
  }
  return { files: removed, orphans };
}
