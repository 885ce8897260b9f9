import { type Clock, must } from '../foundation/index.ts';
import { FreshnessHistogram, type FreshnessObserver } from '../ingest/index.ts';

const slotMs = 2_000;
const slots = 30;
/** What a person watches: the slot under way and the one before it. */
const latelySlots = 2;

/**
 * Freshness over the last minute, in slots of two seconds that take turns: a burst of history at the start does not colour the
 * figures for ever, and nothing grows.
 */
export class FreshnessMeter implements FreshnessObserver {
  readonly #clock: Clock;
  /** By slot number modulo their count. */
  readonly #ring = Array.from({ length: slots }, () => new FreshnessHistogram());
  #slot: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#slot = this.#slotNow();
  }

  recordFreshness(eventTimesMs: readonly number[], _fetchedMs: number, durableMs: number): void {
    this.#turn();
    const histogram = this.#at(this.#slot);
    for (const eventTimeMs of eventTimesMs) histogram.record(durableMs - eventTimeMs);
  }

  /** Milliseconds from event time to durable over the last minute; null when nothing was applied in it. Within 5 %. */
  quantile(share: number): number | null {
    return this.#over(slots, share);
  }

  /** The same over the last two to four seconds. */
  quantileLately(share: number): number | null {
    return this.#over(latelySlots, share);
  }

  #over(count: number, share: number): number | null {
    this.#turn();
    const sum = new FreshnessHistogram();
    for (let back = 0; back < count; back += 1) sum.add(this.#at(this.#slot - back));
    return sum.quantile(share);
  }

  #turn(): void {
    const now = this.#slotNow();
    // A clock that was set back stays in the slot that it was in.
    for (let turns = 0; this.#slot < now && turns < slots; turns += 1) {
      this.#slot += 1;
      this.#at(this.#slot).clear();
    }
    this.#slot = Math.max(this.#slot, now);
  }

  #at(slot: number): FreshnessHistogram {
    return must(this.#ring[((slot % slots) + slots) % slots], 'a ring has all its slots');
  }

  #slotNow(): number {
    return Math.floor(this.#clock.now() / slotMs);
  }
}
