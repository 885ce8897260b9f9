/**
 * The events already taken into the current batch window, so that an event sent again (at another offset) costs the store
 * nothing. The graph would be the same without it: occurrence ids make every write idempotent.
 *
 * Bounded by policy *let through*: when the window is full, events are no longer remembered and count as new.
 *
 * One per batch window of one pipeline; the pipeline calls `add` for each mapped event and `clear` when it closes a batch.
 */
export class OccurrenceWindow {
  readonly #occurrences = new Set<bigint>();
  readonly #occurrencesMax: number;

  constructor(occurrencesMax: number) {
    this.#occurrencesMax = occurrencesMax;
  }

  /** False when the event is already in the window: superseded. */
  add(occurrence: bigint): boolean {
    const before = this.#occurrences.size;
    if (before >= this.#occurrencesMax) return !this.#occurrences.has(occurrence);
    this.#occurrences.add(occurrence);
    return this.#occurrences.size !== before;
  }

  clear(): void {
    this.#occurrences.clear();
  }

  get size(): number {
    return this.#occurrences.size;
  }
}
