/**
 * The events already taken into the current batch window, so that an event sent again (at another offset) costs the store
 * nothing. The graph is the same without it: only a repeat to the byte is left out. A record that shares an event's id and says
 * something else must reach the store, or what the graph holds would depend on where a window happened to end, and a replay
 * after a crash ends them elsewhere.
 *
 * Bounded by policy *let through*: when the window is full, events are no longer remembered and count as new. The bytes are
 * those of the records that the batch holds anyway.
 *
 * One per batch window of one partition; the lane calls `add` for each mapped event and `clear` when it closes a batch.
 */
export class OccurrenceWindow {
  readonly #latest = new Map<bigint, Uint8Array>();
  readonly #occurrencesMax: number;

  constructor(occurrencesMax: number) {
    this.#occurrencesMax = occurrencesMax;
  }

  /** False when the occurrence's latest record in the window had the same bytes: superseded. */
  add(occurrence: bigint, bytes: Uint8Array): boolean {
    const latest = this.#latest.get(occurrence);
    if (latest === undefined) {
      if (this.#latest.size < this.#occurrencesMax) this.#latest.set(occurrence, bytes);
      return true;
    }
    if (Buffer.compare(latest, bytes) === 0) return false;
    this.#latest.set(occurrence, bytes);
    return true;
  }

  clear(): void {
    this.#latest.clear();
  }

  get size(): number {
    return this.#latest.size;
  }
}
