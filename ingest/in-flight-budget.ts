interface Waiter {
  readonly bytes: number;
  readonly isWanted: () => boolean;
  readonly answer: (taken: boolean) => void;
}

/**
 * Bytes handed to the store and not settled yet, shared by all partitions of all pipelines of one store. Policy *wait, in order*: a batch
 * waits until there is room, and nobody who came later goes before it, or a large one would wait for ever beside many small
 * ones. One batch larger than the whole budget passes when nothing else is in flight.
 */
export class InFlightBudget {
  readonly #bytesMax: number;
  #bytes = 0;
  #waiters: Waiter[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True once the bytes are taken; false when `isWanted` said that nobody wants them any more, which {@link wake} makes it ask. */
  async take(bytes: number, isWanted: () => boolean): Promise<boolean> {
    if (this.#waiters.length === 0 && this.#hasRoom(bytes)) {
      this.#bytes += bytes;
      return true;
    }
    return await new Promise((answer) => {
      this.#waiters.push({ bytes, isWanted, answer });
    });
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    this.wake();
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (!waiter.isWanted()) {
        waiter.answer(false);
      } else if (this.#waiters.length === 0 && this.#hasRoom(waiter.bytes)) {
        this.#bytes += waiter.bytes;
        waiter.answer(true);
      } else {
        this.#waiters.push(waiter);
      }
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }
}
