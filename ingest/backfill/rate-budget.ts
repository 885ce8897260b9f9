import type { Clock } from '../../foundation/index.ts';
import {
  initialRate,
  type LiveHealth,
  nextRate,
  type RateLimits,
  type RateState,
  type Yielding,
} from './rate-control.ts';

/** How many rows may be applied now. Policy *wait, in order*. */
export interface RateBudget {
  /** Resolves with how many of them may go, one at least; with 0 when `signal` aborted meanwhile. */
  take(rowsMax: number, signal: AbortSignal): Promise<number>;
  /** Of the interval under way. */
  readonly perSecond: number;
  readonly yieldsTo: Yielding | null;
}

/** A share of a second: what was not taken in an interval is lost, so that a pause ends in no burst. */
export class LiveRateBudget implements RateBudget {
  readonly #health: LiveHealth | null;
  readonly #limits: RateLimits;
  readonly #clock: Clock;
  #state: RateState;
  #intervalEndMs: number;
  #rowsLeft: number;
  /** Who came first goes first. */
  #last: Promise<unknown> = Promise.resolve();

  /** Without a live side the rate is what it is set to. */
  constructor(health: LiveHealth | null, limits: RateLimits, clock: Clock) {
    this.#health = health;
    this.#limits = limits;
    this.#clock = clock;
    this.#state = initialRate(limits);
    this.#intervalEndMs = -Infinity;
    this.#rowsLeft = 0;
  }

  get perSecond(): number {
    return this.#state.rowsPerSecond;
  }

  get yieldsTo(): Yielding | null {
    return this.#state.yieldsTo;
  }

  take(rowsMax: number, signal: AbortSignal): Promise<number> {
    const taken = this.#last.then(() => this.#takeNow(rowsMax, signal));
    this.#last = taken;
    return taken;
  }

  async #takeNow(rowsMax: number, signal: AbortSignal): Promise<number> {
    while (!signal.aborted) {
      const now = this.#clock.now();
      // A clock that was set back does not make history wait for it.
      if (now >= this.#intervalEndMs || now < this.#intervalEndMs - this.#limits.intervalMs) this.#begin(now);
      if (this.#rowsLeft >= 1) {
        const taken = Math.min(rowsMax, Math.floor(this.#rowsLeft));
        this.#rowsLeft -= taken;
        return taken;
      }
      await this.#clock.sleep(Math.max(1, this.#intervalEndMs - now), signal);
    }
    return 0;
  }

  #begin(now: number): void {
    const { intervalMs } = this.#limits;
    if (this.#health !== null) {
      const sample = {
        freshnessP99Ms: this.#health.freshnessP99Ms(),
        inFlightBytes: this.#health.inFlightBytes(),
        isPaused: this.#health.isPaused(),
      };
      this.#state = nextRate(this.#state, sample, this.#limits);
    }
    this.#intervalEndMs = now + intervalMs;
    const share = (this.#state.rowsPerSecond * intervalMs) / 1_000;
    // Less than a row an interval adds up; what was left of more does not.
    const kept = share > 0 && share < 1 && this.#rowsLeft < 1 ? this.#rowsLeft : 0;
    this.#rowsLeft = kept + share;
  }
}
