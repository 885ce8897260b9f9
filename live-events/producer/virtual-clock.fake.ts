import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../foundation/index.ts';

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Goes only when it is told to, and can be set as the one of a machine: sleeps go by how much time passed, `now` by what it says. */
export class VirtualClock implements Clock {
  #passedMs = 0;
  #startMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#passedMs;
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { untilMs: this.#passedMs + delayMs, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Somebody sets it, forward or back. */
  set(byMs: number): void {
    this.#startMs += byMs;
  }

  /** Lets time pass, and everybody do what they do at each moment of it. */
  async pass(byMs: number): Promise<void> {
    const endMs = this.#passedMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.untilMs - b.untilMs)[0];
      if (next === undefined || next.untilMs > endMs) break;
      this.#passedMs = Math.max(this.#passedMs, next.untilMs);
      next.wake();
      await settle();
    }
    this.#passedMs = endMs;
    await settle();
  }
}

/** All that follows without time passing. */
export async function settle(): Promise<void> {
  await setImmediate();
}
