import { StopError } from '../foundation/index.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Asks a store whether it keeps the one promise that commits rest on, before anything rests on it: some S3-like stores take
 * `If-None-Match` and do as they like, and two archivers would overwrite each other's snapshots there.
 *
 * `probe` is a key of its own each time, such as `metadata/.probe-<uuid>`; it is removed again.
 *
 * @throws StopError `OBJECT_STORE_UNCONDITIONAL`.
 */
export async function checkConditionalWrites(
  store: ObjectStore,
  probe: string,
  signal?: AbortSignal,
): Promise<void> {
  const isFirst = await store.create(probe, Buffer.from('first'), signal);
  const isSecond = await store.create(probe, Buffer.from('second'), signal);
  await store.remove(probe, signal);
  if (isFirst && !isSecond) return;
  throw new StopError(
    'OBJECT_STORE_UNCONDITIONAL',
    `${store.location} ${isFirst ? 'overwrites an object that must not be there' : 'refuses an object that is not there'} (If-None-Match: *): commits would be lost. Use a store with conditional writes, or a REST catalog.`,
  );
}
