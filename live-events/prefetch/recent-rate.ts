const bucketMs = 10_000;
const buckets = 30;

/** How many a second there were lately: of five minutes at most, in thirty counts. */
export class RecentRate {
  readonly #counts = new Float64Array(buckets);
  #newest = Number.NEGATIVE_INFINITY;
  #firstMs: number | null = null;

  count(nowMs: number): void {
    const at = this.#advance(nowMs);
    this.#firstMs ??= nowMs;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  perSecond(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#firstMs === null) return 0;
    const sum = this.#counts.reduce((all, one) => all + one, 0);
    const windowMs = (buckets - 1) * bucketMs + (nowMs % bucketMs);
    // Of less than one count's time nothing is concluded: the first device would be a flood.
    const spanMs = Math.max(bucketMs, Math.min(windowMs, nowMs - this.#firstMs));
    return (1000 * sum) / spanMs;
  }

  #advance(nowMs: number): number {
    const now = Math.floor(nowMs / bucketMs);
    if (now - this.#newest >= buckets) this.#counts.fill(0);
    else for (let one = this.#newest + 1; one <= now; one += 1) this.#counts[one % buckets] = 0;
    this.#newest = Math.max(this.#newest, now);
    return now % buckets;
  }
}
