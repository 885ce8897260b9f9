/** Hands parts from a writer to the store that reads them, one at a time: the writer waits until its part is wanted. */
export class PartChannel implements AsyncIterable<Uint8Array> {
  #state: 'open' | 'ended' | { readonly failure: unknown } = 'open';
  #part: Uint8Array | null = null;
  #wake: (() => void) | null = null;

  /** Throws what the store failed with. */
  async push(part: Uint8Array): Promise<void> {
    await this.#until(() => this.#part === null);
    this.#part = part;
    this.#changed();
    await this.#until(() => this.#part === null);
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#changed();
  }

  /** Both sides get this error. */
  fail(failure: unknown): void {
    if (this.#state === 'open') this.#state = { failure };
    this.#changed();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      await this.#until(() => this.#part !== null || this.#state === 'ended');
      const part = this.#part;
      if (part === null) return;
      this.#part = null;
      this.#changed();
      yield part;
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      if (typeof this.#state === 'object') throw this.#state.failure;
      if (holds()) return;
      await new Promise<void>((resolve) => {
        const before = this.#wake;
        this.#wake = () => {
          before?.();
          resolve();
        };
      });
    }
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
