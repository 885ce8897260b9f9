/** What the root fields of one request gave, to be given again: reading twice could answer otherwise, and would cost twice. */
export class Replay {
  readonly #outcomes: ReadonlyMap<string, PromiseSettledResult<unknown>>;

  /** By the fields' keys in the answer. */
  constructor(outcomes: ReadonlyMap<string, PromiseSettledResult<unknown>>) {
    this.#outcomes = outcomes;
  }

  has(key: string): boolean {
    return this.#outcomes.has(key);
  }

  /** Throws what the field's resolver threw. */
  take(key: string): unknown {
    const outcome = this.#outcomes.get(key);
    if (outcome?.status === 'rejected') throw outcome.reason;
    return outcome?.value;
  }
}
