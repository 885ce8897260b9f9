import type { ClassicLevel } from 'classic-level';
import { must, StopError } from '../../foundation/index.ts';
import { type NodeRef, placeOf } from '../../graph-store/index.ts';
import {
  blockKey,
  blockMembers,
  bucketKey,
  decodeBlock,
  decodeBucket,
  encodeBlock,
  encodeBucket,
  levelOf,
  levelsFrom,
  memberNumbersMax,
  metaKey,
  numberIn,
  numberValue,
} from './audience-rows.ts';

type AudienceLevel = ClassicLevel<Buffer, Buffer>;

interface Bucket {
  readonly key: Buffer;
  readonly place: number;
  /** That have a number; null while there is nobody. */
  before: Map<string, number> | null;
  /** That got theirs now, from `numbers` of the same place. */
  readonly ids: string[];
  readonly numbers: number[];
}

/** Members, numbered once: a number is never given to another, nor taken away. One caller at a time gives numbers out. */
export class MemberNumbers {
  readonly #db: AudienceLevel;
  #next: number;
  /** The finest that a bucket was ever written at. Never a coarser one again: looks begin here, and what lies in finer buckets would be numbered twice. */
  #level: number;
  /** Of the block that is not full yet. */
  #last: readonly NodeRef[];

  private constructor(db: AudienceLevel, next: number, level: number, last: readonly NodeRef[]) {
    this.#db = db;
    this.#next = next;
    this.#level = level;
    this.#last = last;
  }

  static async open(db: AudienceLevel): Promise<MemberNumbers> {
    const [stored, finest] = await db.getMany([metaKey.next, metaKey.level]);
    const next = stored === undefined ? 0 : stored.readUInt32BE(0);
    const level = finest === undefined ? levelOf(next) : finest.readUInt32BE(0);
    const block = next % blockMembers === 0 ? undefined : await db.get(blockKey(next));
    return new MemberNumbers(
      db,
      next,
      level,
      block === undefined ? [] : decodeBlock(block).slice(0, next % blockMembers),
    );
  }

  get count(): number {
    return this.#next;
  }

  /** The numbers of those that have one. Nothing of a bucket is decoded but what is asked for: this is asked for each device that fetches. */
  async known(type: string, ids: readonly string[]): Promise<readonly (number | null)[]> {
    const found: (number | null)[] = ids.map(() => null);
    if (this.#next === 0) return found;
    let left = ids.map((id, i) => ({ i, id: Buffer.from(id), place: placeOf({ type, id }) }));
    for (const level of levelsFrom(this.#level)) {
      if (left.length === 0) break;
      const keys = new Map<number, Buffer>();
      for (const { place } of left) {
        const at = place >>> (32 - level);
        if (!keys.has(at)) keys.set(at, bucketKey(level, type, place));
      }
      const stored = await this.#db.getMany([...keys.values()]);
      const buckets = new Map([...keys.keys()].map((at, i) => [at, stored[i]]));
      left = left.filter(({ i, id, place }) => {
        const bucket = buckets.get(place >>> (32 - level));
        if (bucket === undefined) return true;
        found[i] = numberIn(bucket, id);
        return false;
      });
    }
    return found;
  }

  /**
   * Numbers of all, given out where there is none yet, in one write. Ids are distinct; those that lie near each other by `placeOf` share rows. `expected`: how
   * many the caller will ask for in all, a guess.
   */
  async give(type: string, ids: readonly string[], expected: number): Promise<Uint32Array> {
    const level = Math.max(this.#level, levelOf(this.#next + expected));
    const buckets = await this.#buckets(type, ids, level);
    const numbers = new Uint32Array(ids.length);
    const changed: Bucket[] = [];
    const batch = this.#db.batch();
    let next = this.#next;
    let block = [...this.#last];
    for (const [i, id] of ids.entries()) {
      const bucket = must(buckets[i], 'each has a bucket');
      const number = bucket.before?.get(id) ?? next;
      numbers[i] = number;
      if (number !== next) continue;
      if (bucket.ids.length === 0) changed.push(bucket);
      bucket.ids.push(id);
      bucket.numbers.push(number);
      block.push({ type, id });
      if (block.length === blockMembers) {
        batch.put(blockKey(next), encodeBlock(block));
        block = [];
      }
      next += 1;
    }
    if (next > memberNumbersMax) throw exhausted();
    if (next === this.#next) {
      await batch.close();
      return numbers;
    }
    for (const bucket of changed)
      batch.put(bucket.key, encodeBucket(bucket.before, bucket.ids, bucket.numbers));
    if (block.length > 0) batch.put(blockKey(next - 1), encodeBlock(block));
    batch.put(metaKey.next, numberValue(next));
    if (level !== this.#level) batch.put(metaKey.level, numberValue(level));
    await batch.write();
    this.#next = next;
    this.#level = level;
    this.#last = block;
    return numbers;
  }

  /** Of each id the bucket of this level, with all that coarser ones said when there were fewer members. */
  async #buckets(type: string, ids: readonly string[], level: number): Promise<readonly Bucket[]> {
    const shift = 32 - level;
    const found = new Map<number, Bucket>();
    let last: Bucket | null = null;
    const buckets = ids.map((id) => {
      const place = placeOf({ type, id });
      // Neighbours mostly have the bucket of the one before.
      if (last !== null && last.place >>> shift === place >>> shift) return last;
      const bucket: Bucket = found.get(place >>> shift) ?? newBucket(level, type, place);
      found.set(place >>> shift, bucket);
      last = bucket;
      return bucket;
    });
    let missing = [...found.values()];
    for (const one of this.#next === 0 ? [] : levelsFrom(level)) {
      if (missing.length === 0) break;
      const stored = await this.#db.getMany(missing.map(({ place }) => bucketKey(one, type, place)));
      for (const [i, bytes] of stored.entries()) {
        const bucket = must(missing[i], 'as many answers as keys');
        if (bytes === undefined) continue;
        const members = decodeBucket(bytes);
        for (const id of one === level ? [] : [...members.keys()])
          if (placeOf({ type, id }) >>> shift !== bucket.place >>> shift) members.delete(id);
        bucket.before = members;
      }
      missing = missing.filter((_bucket, i) => stored[i] === undefined);
    }
    return buckets;
  }

  /** Whose they are, in their order; sorted ones are cheapest. */
  async members(numbers: readonly number[]): Promise<readonly NodeRef[]> {
    const keys = new Map<number, Buffer>();
    for (const number of numbers) keys.set(Math.floor(number / blockMembers), blockKey(number));
    const stored = await this.#db.getMany([...keys.values()]);
    const blocks = new Map(
      [...keys.keys()].map((at, i) => [at, decodeBlock(must(stored[i], 'a number has its block'))]),
    );
    return numbers.map((number) =>
      must(blocks.get(Math.floor(number / blockMembers))?.[number % blockMembers], 'a number has its member'),
    );
  }
}

function newBucket(level: number, type: string, place: number): Bucket {
  return { key: bucketKey(level, type, place), place, before: null, ids: [], numbers: [] };
}

function exhausted(): StopError {
  return new StopError(
    'AUDIENCES_NUMBERS_EXHAUSTED',
    `There have been ${memberNumbersMax} members of audiences; move the folder of audiences away and start again.`,
  );
}
