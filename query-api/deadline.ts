import type { Clock } from '../foundation/index.ts';

/** One for all: `abort` without a reason makes a new one with its stack each time, a twentieth of what a small request costs. */
const over = new DOMException('The request is over.', 'AbortError');

/** One span of time for all the waiting that a request does. */
export class Deadline {
  readonly #ended = new AbortController();
  readonly #passed: Promise<null>;

  constructor(clock: Clock, delayMs: number) {
    this.#passed = clock.sleep(delayMs, this.#ended.signal).then(() => {
      this.#ended.abort(over);
      return null;
    });
  }

  /** Aborts when the deadline passes or the work is over: what runs on beside it is to end then. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** What the work comes to, or null when the deadline passes first; then the work runs on and its result is dropped. */
  async race<T>(work: Promise<T>): Promise<T | null> {
    return await Promise.race([work, this.#passed]);
  }

  /** Releases the timer, and tells what runs on to end; nothing may be raced after it. */
  stop(): void {
    this.#ended.abort(over);
  }
}
