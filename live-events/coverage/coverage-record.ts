import { RoaringBitmap32 } from 'roaring-wasm';
import { assert, must } from '../../foundation/index.ts';
import { DelayHistogram, type HistogramJson } from './delay-histogram.ts';

/** Which broadcast, of whom. */
export interface CoverageHead {
  readonly event: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly stage: string;
  readonly at: number;
  /** What delays are counted from: `at`, or for a change within a stage when that was made. */
  readonly fromMs: number;
  readonly beganMs: number;
  /** Whose numbers the bitmaps hold; null: of no audience, and then numbers are hashes of members. */
  readonly audience: string | null;
  readonly audienceCount: number | null;
}

/** A delivery by its member's number. */
export interface NumberedDelivery {
  readonly number: number;
  readonly delayMs: number;
}

const bitmapNames = ['sent', 'applied', 'dropped', 'before', 'prefetched'] as const;
type BitmapName = (typeof bitmapNames)[number];
type Bitmaps = Readonly<Record<BitmapName, RoaringBitmap32>>;

interface StoredHead extends Omit<CoverageHead, 'fromMs'> {
  /** Left out where it is `at`, and by earlier versions. */
  readonly fromMs?: number;
  readonly prefetchKnown: boolean;
  readonly sentDelays: HistogramJson;
  readonly appliedDelays: HistogramJson;
  /** Bytes of each bitmap, in the order of their names. */
  readonly bitmapBytes: readonly number[];
}

/**
 * What is known of one broadcast: who was sent it, who applied it, and how long that took. A member counts once, by what was reported first, so that
 * a report that comes again changes nothing. Its bitmaps lie in WebAssembly's memory: whoever holds it disposes of it.
 */
export class CoverageRecord {
  readonly head: CoverageHead;
  readonly #bitmaps: Bitmaps;
  readonly #sentDelays: DelayHistogram;
  readonly #appliedDelays: DelayHistogram;
  #prefetchKnown: boolean;

  private constructor(
    head: CoverageHead,
    bitmaps: Bitmaps,
    sentDelays: DelayHistogram,
    appliedDelays: DelayHistogram,
    prefetchKnown: boolean,
  ) {
    this.head = head;
    this.#bitmaps = bitmaps;
    this.#sentDelays = sentDelays;
    this.#appliedDelays = appliedDelays;
    this.#prefetchKnown = prefetchKnown;
  }

  /** `last`: the broadcast before it, where that was of the same audience; who was connected then was connected before this one. */
  static begin(head: CoverageHead, last: CoverageRecord | null): CoverageRecord {
    const bitmaps = {
      sent: new RoaringBitmap32(),
      applied: new RoaringBitmap32(),
      dropped: new RoaringBitmap32(),
      before: last === null ? new RoaringBitmap32() : last.known(),
      prefetched: new RoaringBitmap32(),
    };
    return new CoverageRecord(head, bitmaps, new DelayHistogram(), new DelayHistogram(), false);
  }

  get sent(): RoaringBitmap32 {
    return this.#bitmaps.sent;
  }

  get applied(): RoaringBitmap32 {
    return this.#bitmaps.applied;
  }

  /** Closed as too slow while it was on its way to them. */
  get dropped(): RoaringBitmap32 {
    return this.#bitmaps.dropped;
  }

  /** Connected to the event at some time before this broadcast. */
  get before(): RoaringBitmap32 {
    return this.#bitmaps.before;
  }

  /** Null while nobody said who has. */
  get prefetched(): RoaringBitmap32 | null {
    return this.#prefetchKnown ? this.#bitmaps.prefetched : null;
  }

  get sentDelays(): DelayHistogram {
    return this.#sentDelays;
  }

  get appliedDelays(): DelayHistogram {
    return this.#appliedDelays;
  }

  /** All who were connected by now. The caller disposes of it. */
  known(): RoaringBitmap32 {
    const { before, sent, applied, dropped } = this.#bitmaps;
    return RoaringBitmap32.orMany([before, sent, applied, dropped]);
  }

  /** True when something of it was new. Delays as gateways report them, from `at`. */
  add(
    sent: readonly NumberedDelivery[],
    applied: readonly NumberedDelivery[],
    dropped: readonly number[],
  ): boolean {
    const sinceMs = this.head.fromMs - this.head.at;
    let news = count(this.#bitmaps.sent, this.#sentDelays, sent, sinceMs);
    if (count(this.#bitmaps.applied, this.#appliedDelays, applied, sinceMs)) news = true;
    for (const number of dropped) if (this.#bitmaps.dropped.tryAdd(number)) news = true;
    return news;
  }

  /** They were connected while an earlier broadcast held, as a report that came late says. */
  addBefore(numbers: readonly number[]): void {
    this.#bitmaps.before.addMany(numbers);
  }

  setPrefetched(prefetched: RoaringBitmap32): void {
    this.#bitmaps.prefetched.overwrite(prefetched);
    this.#prefetchKnown = true;
  }

  encode(): Buffer {
    const sections = bitmapNames.map((name) => {
      this.#bitmaps[name].runOptimize();
      return this.#bitmaps[name].serialize('portable');
    });
    const head: StoredHead = {
      ...this.head,
      prefetchKnown: this.#prefetchKnown,
      sentDelays: this.#sentDelays.toJSON(),
      appliedDelays: this.#appliedDelays.toJSON(),
      bitmapBytes: sections.map(({ length }) => length),
    };
    const text = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text, ...sections]);
  }

  static decode(bytes: Buffer): CoverageRecord {
    const textEnd = 4 + bytes.readUInt32BE(0);
    const head: StoredHead = JSON.parse(bytes.toString('utf8', 4, textEnd));
    const { prefetchKnown, sentDelays, appliedDelays, bitmapBytes, fromMs = head.at, ...rest } = head;
    assert(bitmapBytes.length === bitmapNames.length, 'the format has so many bitmaps');
    const ends: number[] = [];
    for (const length of bitmapBytes) ends.push((ends.at(-1) ?? textEnd) + length);
    const bitmapOf = (name: BitmapName): RoaringBitmap32 => {
      const at = bitmapNames.indexOf(name);
      const end = must(ends[at], 'each has an end');
      return RoaringBitmap32.deserialize('portable', bytes.subarray(ends[at - 1] ?? textEnd, end));
    };
    const bitmaps = {
      sent: bitmapOf('sent'),
      applied: bitmapOf('applied'),
      dropped: bitmapOf('dropped'),
      before: bitmapOf('before'),
      prefetched: bitmapOf('prefetched'),
    };
    return new CoverageRecord(
      { ...rest, fromMs },
      bitmaps,
      DelayHistogram.from(sentDelays),
      DelayHistogram.from(appliedDelays),
      prefetchKnown,
    );
  }

  dispose(): void {
    for (const name of bitmapNames) this.#bitmaps[name].dispose();
  }
}

function count(
  bitmap: RoaringBitmap32,
  delays: DelayHistogram,
  deliveries: readonly NumberedDelivery[],
  sinceMs: number,
): boolean {
  let news = false;
  for (const [number, delayMs] of firstOfEach(deliveries)) {
    if (!bitmap.tryAdd(number)) continue;
    delays.add(Math.max(0, delayMs - sinceMs));
    news = true;
  }
  return news;
}

/** Of a member's devices the one that came first. */
function firstOfEach(deliveries: readonly NumberedDelivery[]): ReadonlyMap<number, number> {
  const first = new Map<number, number>();
  for (const { number, delayMs } of deliveries) {
    const known = first.get(number);
    if (known === undefined || delayMs < known) first.set(number, delayMs);
  }
  return first;
}
