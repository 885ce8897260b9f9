/** Delays in bins of a millisecond up to a minute, then of a second: quantiles are right to a bin, and the greatest is exact. */
const fineBins = 60_000;
const coarseBins = 24 * 3_600;

export class WeightedDelays {
  readonly #fine = new Float64Array(fineBins);
  readonly #coarse = new Float64Array(coarseBins);
  #count = 0;
  #maxMs = 0;

  add(delayMs: number, count: number): void {
    const ms = Math.max(0, delayMs);
    if (ms < fineBins) this.#fine[Math.floor(ms)] = (this.#fine[Math.floor(ms)] ?? 0) + count;
    else {
      const bin = Math.min(coarseBins - 1, Math.floor(ms / 1000));
      this.#coarse[bin] = (this.#coarse[bin] ?? 0) + count;
    }
    this.#count += count;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  get count(): number {
    return this.#count;
  }

  /** The delay within which that share of `of` lies; null when so many never came. */
  quantile(share: number, of: number): number | null {
    const wanted = share * of;
    if (of <= 0 || this.#count < wanted - 1e-6) return null;
    if (share >= 1) return this.#maxMs;
    let seen = 0;
    for (let bin = 0; bin < fineBins; bin += 1) {
      seen += this.#fine[bin] ?? 0;
      if (seen >= wanted) return Math.min(bin + 1, this.#maxMs);
    }
    for (let bin = 0; bin < coarseBins; bin += 1) {
      seen += this.#coarse[bin] ?? 0;
      if (seen >= wanted) return Math.min((bin + 1) * 1000, this.#maxMs);
    }
    return this.#maxMs;
  }
}
