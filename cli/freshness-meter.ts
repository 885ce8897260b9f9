import type { Clock } from '../foundation/index.ts';
import { FreshnessHistogram, type FreshnessObserver } from '../ingest/index.ts';

const windowMs = 30_000;

/**
 * Freshness over the last half to whole minute: two histograms take turns, so that a burst of history at the start does not
 * colour the figure for ever and nothing grows.
 */
export class FreshnessMeter implements FreshnessObserver {
  readonly #clock: Clock;
  #current = new FreshnessHistogram();
  #previous = new FreshnessHistogram();
  #turnMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  recordFreshness(eventTimesMs: readonly number[], _fetchedMs: number, durableMs: number): void {
    this.#turn();
    for (const eventTimeMs of eventTimesMs) this.#current.record(durableMs - eventTimeMs);
  }

  /** Milliseconds from event time to durable; null when nothing was applied lately. Within 5 %. */
  quantile(share: number): number | null {
    this.#turn();
    const histogram = this.#current.total > this.#previous.total ? this.#current : this.#previous;
    return histogram.quantile(share);
  }

  #turn(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#turnMs < windowMs) return;
    const idle = nowMs - this.#turnMs >= 2 * windowMs;
    this.#previous = idle ? new FreshnessHistogram() : this.#current;
    this.#current = new FreshnessHistogram();
    this.#turnMs = nowMs;
  }
}
