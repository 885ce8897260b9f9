/** Time and timers, so that a test can hold them in its hand. */
export interface DeviceClock {
  /** Milliseconds since the Unix epoch, by the device. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface DevicePorts {
  readonly clock: DeviceClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Timers take no more. */
const timerMsMax = 2 ** 31 - 1;

/** Nobody sleeps longer at once: whoever waits counts what was slept, since a clock that is set says nothing of how long that was. */
export const sleepMsMax = 3_600_000;

export const systemPorts: DevicePorts = {
  clock: {
    now: () => Date.now(),
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const done = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        // A moment that passed while it was reckoned: of a negative delay Node warns.
        const timer = setTimeout(done, Math.max(0, Math.min(delayMs, timerMsMax)));
        signal?.addEventListener('abort', done, { once: true });
      }),
  },
  random: () => Math.random(),
};
