/** Time and dice, so that a test can hold them in its hand. */
export interface ClientPorts {
  /** Resolves after so many milliseconds, or when the signal aborts. */
  sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemPorts: ClientPorts = {
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
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done, { once: true });
    }),
  random: Math.random,
};
