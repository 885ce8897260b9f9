/** How often something may be done: a bucket that fills again with time. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #atMs: number;
  /** When the last of those who were sent away may come back. */
  #promisedMs = 0;

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** False when there is none left. */
  take(nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /**
   * How long one who was refused should wait, in milliseconds. Each gets the next free place, one after the other, so that those of a
   * storm come back one by one instead of together; beyond `maxMs` they share the last places.
   */
  waitMs(nowMs: number, maxMs: number): number {
    this.#promisedMs = Math.min(Math.max(nowMs, this.#promisedMs) + 1 / this.#perMs, nowMs + maxMs);
    return Math.ceil(this.#promisedMs - nowMs);
  }
}
