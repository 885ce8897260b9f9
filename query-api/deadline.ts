import type { Clock } from '../foundation/index.ts';

/** One span of time for all the waiting that a request does. */
export class Deadline {
  readonly #stopped = new AbortController();
  readonly #passed: Promise<null>;

  constructor(clock: Clock, delayMs: number) {
    this.#passed = clock.sleep(delayMs, this.#stopped.signal).then(() => null);
  }

  /** What the work comes to, or null when the deadline passes first; then the work runs on and its result is dropped. */
  async race<T>(work: Promise<T>): Promise<T | null> {
    return await Promise.race([work, this.#passed]);
  }

  /** Releases the timer; nothing may be raced after it. */
  stop(): void {
    this.#stopped.abort();
  }
}
