/** Of 16 buckets a doubling each reaches 4.5 % further than it begins. */
const bucketsPerDoubling = 16;
/** 2^30 ms are twelve days; what takes longer counts as that. */
const doublings = 30;
const delayMsMax = 2 ** doublings;
const bucketsMax = bucketsPerDoubling * doublings + 2;

export interface HistogramJson {
  readonly max: number;
  /** Bucket and count, where it is not 0. */
  readonly counts: readonly (readonly [number, number])[];
}

/**
 * Counts delays in logarithmic buckets, so that its size is fixed. A quantile is never below the true one and at most 4.5 % above it; whole milliseconds
 * up to 22, and the largest, are exact.
 */
export class DelayHistogram {
  readonly #counts = new Uint32Array(bucketsMax);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** What is negative, as a clock that runs behind may say, counts as 0. */
  add(delayMs: number): void {
    const delay = Math.min(Math.max(Math.round(delayMs), 0), delayMsMax);
    const bucket = bucketOf(delay);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#max = Math.max(this.#max, delay);
  }

  /** What this share of all delays does not exceed, in milliseconds; null while there is none. */
  quantile(share: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(lastOf(bucket), this.#max);
    }
    return this.#max;
  }

  toJSON(): HistogramJson {
    const counts = [...this.#counts.entries()].filter(([, count]) => count > 0);
    return { max: this.#max, counts };
  }

  static from({ max, counts }: HistogramJson): DelayHistogram {
    const histogram = new DelayHistogram();
    for (const [bucket, count] of counts) {
      histogram.#counts[bucket] = count;
      histogram.#count += count;
    }
    histogram.#max = max;
    return histogram;
  }
}

function bucketOf(delay: number): number {
  return delay === 0 ? 0 : Math.floor(Math.log2(delay) * bucketsPerDoubling) + 1;
}

/** The largest whole number that falls into the bucket. */
function lastOf(bucket: number): number {
  return bucket === 0 ? 0 : Math.ceil(2 ** (bucket / bucketsPerDoubling)) - 1;
}
