/**
 * Bytes handed to the store and not settled yet, shared by all partitions of a pipeline. Policy *wait*: a batch waits until there
 * is room. One batch larger than the whole budget passes when nothing else is in flight, so it can never wait for ever.
 *
 * Waiters are woken all together and look again, because what they wait for may also be that their partition was
 * revoked. There is at most one for each partition.
 */
export class InFlightBudget {
  readonly #bytesMax: number;
  #bytes = 0;
  #waiters: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    this.wake();
  }

  /** Resolves at the next `release` or `wake`. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
