/**
 * One attempt for all who ask while it runs, and its outcome for all who ask later. A failure is told to all who waited for it and
 * then forgotten: whoever asks next tries again.
 */
export class SingleFlight<T> {
  readonly #attempt: () => Promise<T>;
  #current: Promise<T> | null = null;

  constructor(attempt: () => Promise<T>) {
    this.#attempt = attempt;
  }

  async get(): Promise<T> {
    const current = this.#current ?? this.#attempt();
    this.#current = current;
    try {
      return await current;
    } catch (error) {
      // It may have been taken, and another begun.
      if (this.#current === current) this.#current = null;
      throw error;
    }
  }

  /** For closing: what there is or is being made, from now on the caller's to let go of. Whoever asks next begins anew. */
  take(): Promise<T> | null {
    const current = this.#current;
    this.#current = null;
    return current;
  }
}
