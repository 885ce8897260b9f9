const idsMin = 32;
const bytesMin = 512;
/** Slots that are looked at for one id. Places can be foretold: of ids that were made to meet, those beyond are found by their text. */
const probesMax = 64;
/** Of ids that are put in order together: their number stands beside a place in one double. */
const inOrderMax = 2 ** 20;

/** A table of ids by their places, with open addressing; half of it is free at least. Ids are known by numbers in the order in which they came. */
export class IdShard {
  /** A place, and the number plus one of the id that has it; 0 where nobody has. */
  #slots = new Uint32Array(4 * idsMin);
  #bytes = new Uint8Array(bytesMin);
  /** Where each ends; the first begins at 0. */
  #ends = new Uint32Array(idsMin);
  #places = new Uint32Array(idsMin);
  #size = 0;
  /** Those for which there was no slot. */
  #crowded: Map<string, number> | null = null;
  /** How often those came that came more than once: most come once. */
  #counts: Map<number, number> | null = null;

  get size(): number {
    return this.#size;
  }

  /** Of an id in UTF-8 at `[start, end)`: whether it is new. */
  add(place: number, source: Uint8Array, start: number, end: number): boolean {
    const slot = this.#slotOf(place, source, start, end);
    const found = this.#foundAt(slot, source, start, end);
    if (found >= 0) {
      this.#counts ??= new Map();
      this.#counts.set(found, (this.#counts.get(found) ?? 1) + 1);
      return false;
    }
    const number = this.#size++;
    const at = this.#startOf(number);
    if (at + end - start > this.#bytes.length) this.#growBytes(at + end - start);
    const bytes = this.#bytes;
    for (let i = start; i < end; i += 1) bytes[at + i - start] = source[i] ?? 0;
    this.#ends[number] = at + end - start;
    this.#places[number] = place;
    this.#put(slot, number);
    if (this.#size === this.#ends.length) this.#grow();
    return true;
  }

  /** How often it came. */
  count(place: number, id: Uint8Array): number {
    const found = this.#foundAt(this.#slotOf(place, id, 0, id.length), id, 0, id.length);
    return found < 0 ? 0 : (this.#counts?.get(found) ?? 1);
  }

  /** Numbers of those that came as often, in the order of their places: neighbours share blocks of the store and of whoever numbers them. */
  *inOrder(atLeast: number): Generator<readonly number[]> {
    // Ids that were made to meet in one shard come in several parts.
    for (let base = 0; base < this.#size; base += inOrderMax) {
      const order = new Float64Array(Math.min(this.#size - base, inOrderMax));
      let count = 0;
      for (let i = 0; i < order.length; i += 1)
        if (atLeast <= 1 || (this.#counts?.get(base + i) ?? 1) >= atLeast)
          order[count++] = (this.#places[base + i] ?? 0) * inOrderMax + i;
      yield Array.from(order.subarray(0, count).sort(), (place) => base + (place % inOrderMax));
    }
  }

  /** Writes an id, and answers where it ends. */
  copy(number: number, to: Uint8Array, at: number): number {
    const end = this.#ends[number] ?? 0;
    let next = at;
    for (let i = this.#startOf(number); i < end; i += 1) to[next++] = this.#bytes[i] ?? 0;
    return next;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  /** Of the id, or the free one that it would have; -1 when there is none near. */
  #slotOf(place: number, source: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const last = slots.length - 2;
    // All places of a shard begin with the same bits.
    let slot = (2 * place) & last;
    for (let probes = 0; probes < probesMax; probes += 1) {
      const found = slots[slot + 1] ?? 0;
      if (found === 0 || (slots[slot] === place && this.#isAt(found - 1, source, start, end))) return slot;
      slot = (slot + 2) & last;
    }
    return -1;
  }

  /** The number of the id whose slot this is; -1 of one that is new. */
  #foundAt(slot: number, source: Uint8Array, start: number, end: number): number {
    if (slot >= 0) return (this.#slots[slot + 1] ?? 0) - 1;
    return this.#crowded?.get(textOf(source, start, end)) ?? -1;
  }

  #put(slot: number, number: number): void {
    if (slot >= 0) {
      this.#slots[slot] = this.#places[number] ?? 0;
      this.#slots[slot + 1] = number + 1;
      return;
    }
    this.#crowded ??= new Map();
    this.#crowded.set(textOf(this.#bytes, this.#startOf(number), this.#ends[number] ?? 0), number);
  }

  #isAt(number: number, source: Uint8Array, start: number, end: number): boolean {
    const at = this.#startOf(number);
    if ((this.#ends[number] ?? 0) - at !== end - start) return false;
    for (let i = start; i < end; i += 1) if (this.#bytes[at + i - start] !== source[i]) return false;
    return true;
  }

  #growBytes(needed: number): void {
    const more = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
    more.set(this.#bytes);
    this.#bytes = more;
  }

  #grow(): void {
    const [ends, places] = [this.#ends, this.#places];
    this.#ends = new Uint32Array(2 * ends.length);
    this.#ends.set(ends);
    this.#places = new Uint32Array(2 * places.length);
    this.#places.set(places);
    this.#slots = new Uint32Array(2 * this.#slots.length);
    this.#crowded = null;
    for (let number = 0; number < this.#size; number += 1) {
      const [start, end] = [this.#startOf(number), this.#ends[number] ?? 0];
      this.#put(this.#slotOf(this.#places[number] ?? 0, this.#bytes, start, end), number);
    }
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
