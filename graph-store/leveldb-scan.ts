import type { Snapshot } from 'classic-level';
import type { Level } from './level.ts';
import { chunkBytesMax, chunkRowsMax } from './leveldb-adjacency.ts';

export type Entry = [key: Buffer, value: Buffer];

export interface ScanRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly reverse: boolean;
}

/** Rows of a range in order; \`rowsWanted\` is how many are likely to be taken. */
export async function* scanRows(
  db: Level,
  range: ScanRange,
  rowsWanted: number,
  snapshot: Snapshot,
): AsyncGenerator<Entry> {
  for await (const entries of chunksOf(db, range, rowsWanted, snapshot)) yield* entries;
}

/** A turn of the event loop for each row would cost about as much as the row. */
async function* chunksOf(
  db: Level,
  range: ScanRange,
  rowsWanted: number,
  snapshot: Snapshot,
): AsyncGenerator<readonly Entry[]> {
  await using iterator = db.iterator({ ...range, snapshot, highWaterMarkBytes: chunkBytesMax });
  for (let size = Math.min(rowsWanted, chunkRowsMax); ; size = chunkRowsMax) {
    const entries = await iterator.nextv(size);
    if (entries.length === 0) return;
    yield entries;
  }
}
