import { Backoff, type BackoffLimits, type Clock, type Random } from '../../foundation/index.ts';

export interface SubscriptionRepeatsParts {
  readonly limits: BackoffLimits;
  readonly clock: Clock;
  readonly random: Random;
  /** Subscribes once more; false when it has to be tried yet again. */
  readonly again: (event: string) => Promise<boolean>;
}

/**
 * Events that a router did not take though it is there: asked for again, ever more rarely, until it takes them. Another router may
 * have taken the event, so no device would come and have it asked for again. One at most for an event, so there are no more than events.
 */
export class SubscriptionRepeats {
  readonly #parts: SubscriptionRepeatsParts;
  readonly #under = new Map<string, AbortController>();

  constructor(parts: SubscriptionRepeatsParts) {
    this.#parts = parts;
  }

  /** Nothing when it is being repeated. True when it is the only one: the first of a trouble, which people are told of. */
  start(event: string): boolean {
    if (this.#under.has(event)) return false;
    const stopped = new AbortController();
    this.#under.set(event, stopped);
    void this.#run(event, stopped);
    return this.#under.size === 1;
  }

  stop(event: string): void {
    this.#under.get(event)?.abort();
    this.#under.delete(event);
  }

  stopAll(): void {
    for (const event of [...this.#under.keys()]) this.stop(event);
  }

  async #run(event: string, stopped: AbortController): Promise<void> {
    const { limits, clock, random, again } = this.#parts;
    const waits = new Backoff(limits, clock, random);
    const { signal } = stopped;
    while (!signal.aborted) {
      await waits.wait(signal);
      if (signal.aborted || (await again(event))) break;
    }
    if (this.#under.get(event) === stopped) this.#under.delete(event);
  }
}
