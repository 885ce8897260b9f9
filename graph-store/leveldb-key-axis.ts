import type { Snapshot } from 'classic-level';
import type { Level } from './level.ts';
import { eventKeyBytes } from './packed-format.ts';

/** Of one answer from LevelDB's thread. */
const chunkBytesMax = 256 * 1024;

/** Rows of one prefix in their order, at places that are the 128 bits of their event keys, and what LevelDB says of what lies between two of them. */
export class KeyAxis {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #prefix: Buffer;

  constructor(db: Level, snapshot: Snapshot, prefix: Buffer) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#prefix = prefix;
  }

  placeOf(key: Buffer): bigint {
    const place = Buffer.alloc(eventKeyBytes);
    key.copy(place, 0, this.#prefix.length);
    return (place.readBigUInt64BE(0) << 64n) | place.readBigUInt64BE(8);
  }

  /** The first keys from one place on and before another; in reverse the last ones, last first. */
  async keys(from: bigint, to: bigint, limit: number, reverse = false): Promise<readonly Buffer[]> {
    return await readKeys(
      this.#db,
      this.#snapshot,
      { gte: this.#keyOf(from), lt: this.#keyOf(to) },
      limit,
      reverse,
    );
  }

  /** On disk, compressed, of all levels; to a block, which is 4 KiB before compression. What is in memory counts nothing. */
  async bytes(from: bigint, to: bigint): Promise<number> {
    return await this.#db.approximateSize(this.#keyOf(from), this.#keyOf(to));
  }

  /** At most so many bytes of rows are in memory only. */
  memoryBytes(): number {
    return Number(this.#db.getProperty('leveldb.approximate-memory-usage'));
  }

  #keyOf(place: bigint): Buffer {
    const key = Buffer.alloc(this.#prefix.length + eventKeyBytes);
    this.#prefix.copy(key);
    key.writeBigUInt64BE(place >> 64n, this.#prefix.length);
    key.writeBigUInt64BE(BigInt.asUintN(64, place), this.#prefix.length + 8);
    return key;
  }
}

export async function readKeys(
  db: Level,
  snapshot: Snapshot,
  range: { readonly gte: Buffer; readonly lt: Buffer },
  limit: number,
  reverse = false,
): Promise<readonly Buffer[]> {
  return await db.keys({ ...range, limit, reverse, snapshot, highWaterMarkBytes: chunkBytesMax });
}
