import type { Clock, Random } from './clock.ts';

export interface BackoffLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Decorrelated jitter: each delay is uniform between the base and three times the one before, capped.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #clock: Clock;
  readonly #random: Random;
  #previousMs: number;

  constructor(limits: BackoffLimits, clock: Clock, random: Random) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#previousMs = limits.baseMs;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const { baseMs, maxMs } = this.#limits;
    const ceiling = Math.max(baseMs, this.#previousMs * 3);
    this.#previousMs = Math.min(maxMs, baseMs + this.#random() * (ceiling - baseMs));
    return this.#previousMs;
  }

  async wait(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.next(), signal);
  }

  /** Called after a success. */
  reset(): void {
    this.#previousMs = this.#limits.baseMs;
  }
}
