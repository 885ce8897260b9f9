import type { ArchiveFilter, PlannedFile } from './archive-reader.ts';
import type { ObjectStore } from './object-store.ts';

/** Files below a prefix that no table lists. */
export interface ListedArchive {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly topicId: string;
}

/** What a look at a file finds. */
export type FoundRows = Pick<PlannedFile, 'rows' | 'partition' | 'firstOffset' | 'lastOffset'>;

/**
 * Those that may hold rows the filter lets through, by partition and first offset. Each of ours is looked at, with its number in the order of
 * keys; null stands for one that need not be.
 */
export async function listFiles(
  { store, prefix, topicId }: ListedArchive,
  isOurs: (key: string) => boolean,
  look: (key: string, bytes: number, number: number) => Promise<FoundRows | null>,
  filter: ArchiveFilter,
  signal: AbortSignal | undefined,
): Promise<readonly PlannedFile[]> {
  const files: PlannedFile[] = [];
  let number = 0;
  for await (const { key, bytes } of store.list(prefix, signal)) {
    if (!isOurs(key)) continue;
    const found = await look(key, bytes, number);
    number += 1;
    if (found === null || found.rows === 0 || filter.partitions?.includes(found.partition) === false)
      continue;
    if ((filter.fromOffset ?? 0n) > found.lastOffset) continue;
    files.push({ key, bytes, topicId, ...found, deletes: [], sequence: 0n });
  }
  return files.sort((a, b) => a.partition - b.partition || (a.firstOffset < b.firstOffset ? -1 : 1));
}
