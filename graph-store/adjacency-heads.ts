import type { Snapshot } from 'classic-level';
import type { Level } from './leveldb-group.ts';
import { NodeRows } from './node-rows.ts';
import type { WriteStamps } from './write-stamps.ts';

/** Keys of one adjacency that are kept: the newest ones. */
const keysMax = 64;
/** Fewer would be read anew too often. */
const keysMin = 8;
/** Of one adjacency; longer ones are not kept. */
const headBytesMax = 16 * 1024;
/** In front of the keys: up to which batch it holds (6 bytes), how many keys there are, whether they are all. */
const headerBytes = 6 + 2 + 1;
const lengthBytes = 2;
/** Node's hash, as every key of a graph row has it. */
const hashAt = 1;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** The newest keys of an adjacency, newest first, and whether there are no others. */
interface Head {
  readonly keys: readonly Buffer[];
  readonly isWhole: boolean;
}

/** One moment of the store: its snapshot, and up to which batch everything is in it. */
export interface StampedSnapshot {
  readonly snapshot: Snapshot;
  readonly settled: number;
}

interface KeyIterator extends AsyncDisposable {
  nextv(size: number): Promise<readonly Buffer[]>;
}

/**
 * The newest edges of nodes that were asked for lately, by their keys: a hop from hundreds of nodes is as many searches in LevelDB, of some fifty microseconds each, and the
 * nodes that were active last are asked for again and again. What hides edges (tombstones, time to live) is looked at with each answer, as for rows that come from LevelDB.
 *
 * Invariant: an answer is what an iterator on the moment's snapshot would give. What is kept was read at some snapshot, and is used only while no batch that names the node was handed over since.
 * Policy of the bound: the half that was not used lately is forgotten.
 */
export class AdjacencyHeads {
  readonly #db: Level;
  readonly #stamps: WriteStamps;
  readonly #rows: NodeRows;
  #isEmpty = true;

  constructor(db: Level, stamps: WriteStamps, bytesMax: number) {
    this.#db = db;
    this.#stamps = stamps;
    this.#rows = new NodeRows(bytesMax, () => []);
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether that many are worth keeping. */
  static isFor(limit: number): boolean {
    return limit <= keysMax;
  }

  /** The keys of the range, which lies behind the adjacency's prefix, as an iterator gives them; of the first `limit` it is known that they will be wanted. */
  async open(prefix: Buffer, range: KeyRange, limit: number, moment: StampedSnapshot): Promise<KeyIterator> {
    const kept = this.#kept(prefix, limit, moment.settled);
    const head = kept ?? (await this.#read(prefix, Math.max(keysMin, limit), moment));
    return new HeadIterator(this.#db, head, range, moment.snapshot);
  }

  /** Null where nothing is kept that holds still, or too little. */
  #kept(prefix: Buffer, limit: number, settled: number): Head | null {
    const hash = prefix.readUInt32BE(hashAt);
    const slot = this.#rows.find(prefix, 0, prefix.length, hash);
    if (slot < 0) return null;
    // A copy: what the table hands out holds until its next change only.
    const row = Buffer.from(this.#rows.bytes.subarray(this.#rows.start(slot), this.#rows.end(slot)));
    // Nor for a moment from before it was read: a batch in between may be in it.
    if (!this.#stamps.holds(hash, Math.min(row.readUIntBE(0, 6), settled))) return null;
    const count = row.readUInt16BE(6);
    const isWhole = row[8] === 1;
    if (!isWhole && count < limit) return null;
    const keys: Buffer[] = [];
    for (let i = 0, at = headerBytes; i < count; i += 1) {
      const end = at + lengthBytes + row.readUInt16BE(at);
      keys.push(row.subarray(at + lengthBytes, end));
      at = end;
    }
    return { keys, isWhole };
  }

  async #read(prefix: Buffer, limit: number, { snapshot, settled }: StampedSnapshot): Promise<Head> {
    await using iterator = this.#db.keys({
      gte: prefix,
      lt: behind(prefix),
      snapshot,
      highWaterMarkBytes: headBytesMax,
    });
    const keys = await iterator.nextv(limit);
    const bytes = keys.reduce((sum, key) => sum + lengthBytes + key.length, headerBytes);
    const head = { keys, isWhole: keys.length < limit && bytes <= headBytesMax };
    if (bytes <= headBytesMax) {
      const row = encoded(head, settled, bytes);
      this.#rows.set(prefix, 0, prefix.length, prefix.readUInt32BE(hashAt), row, row.length, 0);
      this.#isEmpty = false;
    }
    return head;
  }
}

/** What is kept, cut to the range, and then LevelDB behind it. */
class HeadIterator implements KeyIterator {
  readonly #db: Level;
  readonly #head: Head;
  readonly #range: KeyRange;
  readonly #snapshot: Snapshot;
  #at = 0;
  #isOver = false;
  #rest: KeyIterator | null = null;

  constructor(db: Level, head: Head, range: KeyRange, snapshot: Snapshot) {
    this.#db = db;
    this.#head = head;
    this.#range = range;
    this.#snapshot = snapshot;
  }

  async nextv(size: number): Promise<readonly Buffer[]> {
    if (this.#rest !== null) return await this.#rest.nextv(size);
    const { keys, isWhole } = this.#head;
    const { gte, lt } = this.#range;
    const found: Buffer[] = [];
    for (; !this.#isOver && this.#at < keys.length && found.length < size; this.#at += 1) {
      const key = keys[this.#at] ?? gte;
      if (key.compare(gte) < 0) continue;
      if (key.compare(lt) >= 0) this.#isOver = true;
      else found.push(key);
    }
    if (found.length > 0 || this.#isOver || isWhole) return found;
    this.#rest = this.#db.keys({ ...this.#behindHead(), snapshot: this.#snapshot });
    return await this.#rest.nextv(size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest?.[Symbol.asyncDispose]();
  }

  #behindHead(): KeyRange {
    const { gte, lt } = this.#range;
    const last = this.#head.keys.at(-1);
    const next = last === undefined ? gte : Buffer.concat([last, Buffer.of(0)]);
    return { gte: next.compare(gte) > 0 ? next : gte, lt };
  }
}

function encoded({ keys, isWhole }: Head, settled: number, bytes: number): Buffer {
  const row = Buffer.allocUnsafe(bytes);
  row.writeUIntBE(settled, 0, 6);
  row.writeUInt16BE(keys.length, 6);
  row[8] = isWhole ? 1 : 0;
  let at = headerBytes;
  for (const key of keys) {
    row.writeUInt16BE(key.length, at);
    key.copy(row, at + lengthBytes);
    at += lengthBytes + key.length;
  }
  return row;
}

/** The first key that does not begin with the prefix, which ends in a NUL. */
function behind(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  next[next.length - 1] = 1;
  return next;
}
