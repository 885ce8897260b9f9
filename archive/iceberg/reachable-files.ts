import { StopError } from '../../foundation/index.ts';
import type { TableFiles } from './table-files.ts';
import type { Snapshot } from './table-metadata.ts';

/** Of one table, at a time in memory. */
export const filesMax = 4_000_000;

/**
 * Keys of all files that snapshots have: lists, manifests, data and delete files. Each manifest is read once; those of `seen`
 * not at all.
 */
export async function reachableFiles(
  files: TableFiles,
  snapshots: readonly Snapshot[],
  location: string,
  seen: ReadonlySet<string> = new Set(),
  signal?: AbortSignal,
): Promise<Set<string>> {
  const reached = new Set<string>();
  for (const snapshot of snapshots) {
    reached.add(files.paths.keyOf(snapshot.manifestList, location));
    for (const manifest of await files.manifests(snapshot, location, signal)) {
      const key = files.paths.keyOf(manifest.path, location);
      if (reached.has(key) || seen.has(key)) continue;
      reached.add(key);
      for await (const { file, status } of files.entries(manifest, location, signal)) {
        // What a manifest says is deleted it does not hold on to.
        if (status !== 'deleted') reached.add(files.paths.keyOf(file.path, location));
        if (reached.size > filesMax) throw tooMany();
      }
    }
  }
  return reached;
}

function tooMany(): StopError {
  return new StopError(
    'TABLE_TOO_LARGE',
    `The table has more than ${filesMax} files: compact it, or expire snapshots in smaller steps.`,
  );
}
