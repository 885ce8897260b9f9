/** One piece of work at a time, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    // Whoever asked for the work hears of its failure; the next one only waits for its end.
    this.#last = mine.then(
      () => undefined,
      () => undefined,
    );
    return await mine;
  }
}
