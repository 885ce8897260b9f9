const bucketsPerDoubling = 64;
const doublings = 40;

/**
 * Counts positive values in logarithmic buckets: quantiles are exact to 1.1 %, memory is fixed, recording allocates
 * nothing. Values below 0.001 count as 0.001, values above 2^40 times that as the largest.
 */
export class Histogram {
  readonly #counts = new Float64Array(bucketsPerDoubling * doublings);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact. */
  get max(): number {
    return this.#max;
  }

  record(value: number): void {
    const position = Math.floor(Math.log2(Math.max(value, 0.001) / 0.001) * bucketsPerDoubling);
    const bucket = Math.min(position, this.#counts.length - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#max = Math.max(this.#max, value);
  }

  /** The value that `share` (such as 0.99) of all values do not exceed; NaN when nothing was recorded. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(this.#max, 0.001 * 2 ** ((bucket + 1) / bucketsPerDoubling));
    }
    return this.#max;
  }
}
