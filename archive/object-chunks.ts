import { BadDataError } from '../foundation/index.ts';
import type { ObjectStore } from './object-store.ts';

const chunkBytes = 1_048_576;

/** An object's bytes from its beginning, a mebibyte at a time. */
export async function* objectChunks(
  store: ObjectStore,
  key: string,
  bytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += chunkBytes) {
    const end = Math.min(bytes, at + chunkBytes);
    const chunk = await store.read(key, at, end, signal);
    if (chunk.length !== end - at)
      throw new BadDataError(
        'OBJECT_CUT',
        `${store.location}/${key} ends before byte ${end}: it was replaced or cut.`,
      );
    yield chunk;
  }
}
