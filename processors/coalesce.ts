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
  readonly #occurrencesMax: number;
  /** Places of occurrences, counted from 1, by open addressing: a map keyed by bigint costs several times as much and keeps each alive. */
  #table = new Int32Array(slotsMin);
  #ids = new Uint32Array(slotsMin);
  #latest: Uint8Array[] = [];
  readonly #id = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#id.buffer);

  constructor(occurrencesMax: number) {
    this.#occurrencesMax = occurrencesMax;
  }

  /** False when the occurrence's latest record in the window had the same bytes: superseded. */
  add(occurrence: bigint, bytes: Uint8Array): boolean {
    this.#id[0] = occurrence;
    const low = this.#halves[0] ?? 0;
    const high = this.#halves[1] ?? 0;
    const slot = this.#slotOf(low, high);
    const place = this.#table[slot] ?? 0;
    if (place === 0) {
      if (this.#latest.length < this.#occurrencesMax) this.#remember(slot, low, high, bytes);
      return true;
    }
    const latest = this.#latest[place - 1];
    if (latest !== undefined && Buffer.compare(latest, bytes) === 0) return false;
    this.#latest[place - 1] = bytes;
    return true;
  }

  clear(): void {
    if (this.#latest.length > 0) this.#table.fill(0);
    this.#latest = [];
  }

  get size(): number {
    return this.#latest.length;
  }

  /** Where it is, or where it would be. An occurrence is a hash already. */
  #slotOf(low: number, high: number): number {
    const mask = this.#table.length - 1;
    for (let slot = (low ^ high) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#table[slot] ?? 0;
      if (place === 0) return slot;
      const at = (place - 1) * 2;
      if (this.#ids[at] === low && this.#ids[at + 1] === high) return slot;
    }
  }

  #remember(slot: number, low: number, high: number, bytes: Uint8Array): void {
    const at = this.#latest.length * 2;
    this.#latest.push(bytes);
    this.#ids[at] = low;
    this.#ids[at + 1] = high;
    this.#table[slot] = this.#latest.length;
    // Half of the slots at most, and two numbers an occurrence.
    if (this.#latest.length * 2 >= this.#table.length) this.#grow();
  }

  #grow(): void {
    const ids = new Uint32Array(this.#table.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    this.#table = new Int32Array(this.#table.length * 2);
    for (let place = 1; place <= this.#latest.length; place += 1) {
      const at = (place - 1) * 2;
      this.#table[this.#slotOf(ids[at] ?? 0, ids[at + 1] ?? 0)] = place;
    }
  }
}

/** A power of two. */
const slotsMin = 256;
