/** Time, timers and randomness are passed in, so that every test can hold them in its hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `delayMs` (0: with the event loop's next turn), or at once when `signal` aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Milliseconds since some moment. Nobody sets it forward or back, so durations go by it; what others are told goes by a Clock. */
export type SteadyTime = () => number;

export const steadyTime: SteadyTime = () => performance.now();

/**
 * Whether a moment by the clock is still to come that was set at most `durationMs` ahead: one that is farther off was set before somebody set the clock back, and nobody waits for that.
 */
export function isAhead(untilMs: number, durationMs: number, nowMs: number): boolean {
  const leftMs = untilMs - nowMs;
  return leftMs > 0 && leftMs <= durationMs;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      // A timer of 0 ms takes a whole millisecond.
      if (delayMs === 0) {
        setImmediate(resolve);
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
