import { assert } from '../../foundation/index.ts';

export interface CurveLimits {
  readonly bucketMs: number;
  /** How far ahead is looked; what comes back later is counted as `beyond`. 16 bytes each. */
  readonly buckets: number;
}

export const curveLimitsDefault: CurveLimits = { bucketMs: 10_000, buckets: 8640 };

export interface CurvePoint {
  readonly atMs: number;
  /** On average from then until the next point. */
  readonly perSecond: number;
}

const pointsMax = 500;

/**
 * When copies that were given out come back. A client takes a random part off its time to live, so each comes back somewhere in a stretch of time, all of it being
 * as likely; stretches are kept by where they begin and end, as how much the rate changes there, so that one costs two additions however long it is. A device that
 * comes earlier for another reason is counted twice until then: what is predicted is never too little but by devices that were never here.
 */
export class RefreshCurve {
  readonly #limits: CurveLimits;
  /** How much more comes back a bucket from this one on; slots are used in turn. One more than buckets, for where the last ends. */
  readonly #changes: Float64Array;
  /** Bucket number. */
  #first: number;
  /** Copies that come back within the first bucket. */
  #level = 0;
  #beyond = 0;

  constructor(nowMs: number, limits: CurveLimits = curveLimitsDefault) {
    assert(limits.buckets > 0 && limits.bucketMs > 0, 'a curve has buckets');
    this.#limits = limits;
    this.#changes = new Float64Array(limits.buckets + 1);
    this.#first = Math.floor(nowMs / limits.bucketMs);
  }

  /** Copies that come back later than is looked ahead, when they were given out. */
  get beyond(): number {
    return this.#beyond;
  }

  /** A copy was given out that comes back within `[fromMs, untilMs]`. */
  add(nowMs: number, fromMs: number, untilMs: number): void {
    this.#advance(nowMs);
    const { bucketMs, buckets } = this.#limits;
    const from = Math.max(this.#first, Math.floor(fromMs / bucketMs));
    const until = Math.max(from, Math.floor(untilMs / bucketMs));
    const share = 1 / (until - from + 1);
    const end = this.#first + buckets;
    const kept = Math.max(0, Math.min(until + 1, end) - from);
    this.#beyond += 1 - kept * share;
    if (kept === 0) return;
    if (from === this.#first) this.#level += share;
    else this.#change(from, share);
    this.#change(from + kept, -share);
  }

  /** How many come back in that time. */
  expected(nowMs: number, fromMs: number, untilMs: number): number {
    const { bucketMs } = this.#limits;
    let sum = 0;
    for (const [bucket, level] of this.#levels(nowMs)) {
      const within = Math.min(untilMs, (bucket + 1) * bucketMs) - Math.max(fromMs, bucket * bucketMs);
      if (within > 0) sum += (level * within) / bucketMs;
    }
    return sum;
  }

  /** `points` of equal length at most from `fromMs` until `untilMs`. */
  points(nowMs: number, fromMs: number, untilMs: number, points: number): readonly CurvePoint[] {
    const { bucketMs } = this.#limits;
    const count = Math.max(1, Math.min(points, pointsMax, Math.ceil((untilMs - fromMs) / bucketMs)));
    const stepMs = (untilMs - fromMs) / count;
    const sums = new Float64Array(count);
    for (const [bucket, level] of this.#levels(nowMs)) {
      const begin = Math.max(fromMs, bucket * bucketMs);
      const end = Math.min(untilMs, (bucket + 1) * bucketMs);
      if (begin >= end) continue;
      const last = Math.min(count - 1, Math.floor((end - fromMs) / stepMs));
      for (let i = Math.max(0, Math.floor((begin - fromMs) / stepMs)); i <= last; i += 1) {
        const within = Math.min(end, fromMs + (i + 1) * stepMs) - Math.max(begin, fromMs + i * stepMs);
        if (within > 0) sums[i] = (sums[i] ?? 0) + (level * within) / bucketMs;
      }
    }
    return [...sums].map((sum, i) => ({ atMs: fromMs + i * stepMs, perSecond: (1000 * sum) / stepMs }));
  }

  *#levels(nowMs: number): Generator<readonly [bucket: number, level: number]> {
    this.#advance(nowMs);
    let level = this.#level;
    for (let bucket = this.#first; bucket < this.#first + this.#limits.buckets; bucket += 1) {
      if (bucket > this.#first) level += this.#changes[this.#slot(bucket)] ?? 0;
      // Sums of many shares are off by the last digits.
      yield [bucket, Math.max(0, level)];
    }
  }

  #change(bucket: number, by: number): void {
    const slot = this.#slot(bucket);
    this.#changes[slot] = (this.#changes[slot] ?? 0) + by;
  }

  #advance(nowMs: number): void {
    const now = Math.floor(nowMs / this.#limits.bucketMs);
    if (now - this.#first > this.#limits.buckets) {
      this.#changes.fill(0);
      this.#level = 0;
      this.#first = now;
    }
    while (this.#first < now) {
      this.#first += 1;
      const slot = this.#slot(this.#first);
      this.#level += this.#changes[slot] ?? 0;
      this.#changes[slot] = 0;
    }
  }

  #slot(bucket: number): number {
    return bucket % this.#changes.length;
  }
}
