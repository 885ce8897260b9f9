/** Each bucket is 5 % wider than the one before: that is the greatest error of a quantile. */
const growth = 1.05;
const logGrowth = Math.log(growth);
/** The last bucket begins beyond 30 years in milliseconds and takes everything above. */
const bucketsMax = 570;

/** Counts of durations in milliseconds in a fixed number of buckets. Durations below 1 ms share the first one. */
export class FreshnessHistogram {
  readonly #counts = new Float64Array(bucketsMax);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(durationMs: number, count = 1): void {
    const bucket = bucketOf(durationMs);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#total += count;
  }

  add(other: FreshnessHistogram): void {
    for (const [bucket, count] of other.#counts.entries())
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#total += other.#total;
  }

  /** The upper bound in milliseconds of the bucket that holds the quantile, `0 < share <= 1`; null when it is empty. */
  quantile(share: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.ceil(this.#total * share);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return growth ** bucket;
    }
    return growth ** (bucketsMax - 1);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > 1)) return 0;
  return Math.min(bucketsMax - 1, Math.ceil(Math.log(durationMs) / logGrowth));
}
