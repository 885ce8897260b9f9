import type { NodeNames } from './node-names.ts';

/** In front of a row, as 32-bit words: how long, how much room, which group wrote it, how long its node's name is, the name's hash; then the name. */
const headerBytes = 20;
const initialBytes = 4096;
const initialPlaces = 256;
/** In a table: nothing was ever here; what was here is gone. */
const never = 0;
const gone = -1;

interface Generation {
  bytes: Buffer;
  words: Int32Array;
  /** Open addressing by hash: where a row lies in words, plus one. */
  table: Int32Array;
  /** Places of the table that are not `never`. */
  taken: number;
  used: number;
}

/**
 * The writer's rows of nodes by name: what it read, and what it changed. Rows and names lie in two buffers and are merged where they lie, because rows
 * that are strings or buffers of their own are most of what the garbage collector has to do here; and they are found by the hash that
 * the batch brings along, which costs a fifth of finding them by a string.
 *
 * Bounded by policy *forget the least recently used half*: there is a generation of what was used since the last turn and one of what was used before
 * it; when the young one is full it becomes the old one, and the old one is dropped. Rows that some group has changed and LevelDB does not have yet are
 * never dropped: `pinned` names them, and what they take comes on top of the bound.
 *
 * A name is `[start, end)` of some bytes, and its hash is that of `node-hash.ts`.
 */
export class NodeRows {
  readonly #generationBytesMax: number;
  readonly #pinned: () => Iterable<NodeNames>;
  #young = emptyGeneration();
  #old = emptyGeneration();
  #limit: number;

  constructor(bytesMax: number, pinned: () => Iterable<NodeNames>) {
    this.#generationBytesMax = Math.floor(bytesMax / 2);
    this.#limit = this.#generationBytesMax;
    this.#pinned = pinned;
  }

  /** Where the rows lie that `find` answers; both hold until the next call of any method. */
  get bytes(): Buffer {
    return this.#young.bytes;
  }

  /** A place for `start`, `end` and `group`; -1 when there is no such row. */
  find(name: Buffer, start: number, end: number, hash: number): number {
    const young = this.#young;
    const place = placeOf(young, name, start, end, hash);
    const slot = slotAt(young, place);
    if (slot >= 0) return slot;
    const old = this.#old;
    const before = slotAt(old, placeOf(old, name, start, end, hash));
    if (before < 0) return -1;
    const row = rowAt(old, before);
    const length = old.words[before >> 2] ?? 0;
    // What stays behind in the old generation is never looked at while the young one has it.
    return this.#append(
      name,
      start,
      end,
      hash,
      old.bytes,
      row,
      row + length,
      old.words[(before >> 2) + 2] ?? 0,
    );
  }

  start(slot: number): number {
    return rowAt(this.#young, slot);
  }

  end(slot: number): number {
    return rowAt(this.#young, slot) + (this.#young.words[slot >> 2] ?? 0);
  }

  /** Which group changed the row last; 0 when none has since it was read. */
  group(slot: number): number {
    return this.#young.words[(slot >> 2) + 2] ?? 0;
  }

  set(
    name: Buffer,
    start: number,
    end: number,
    hash: number,
    row: Buffer,
    length: number,
    group: number,
  ): void {
    const slot = this.find(name, start, end, hash);
    if (slot >= 0 && this.replace(slot, row, length, group)) return;
    this.#append(name, start, end, hash, row, 0, length, group);
    if (this.#young.used + this.#young.table.byteLength > this.#limit) this.#turn();
  }

  /** Of a row that `find` has just answered; false when the new one needs more room, and nothing is changed then. */
  replace(slot: number, row: Buffer, length: number, group: number): boolean {
    const { bytes, words } = this.#young;
    if (length > (words[(slot >> 2) + 1] ?? 0)) return false;
    row.copy(bytes, rowAt(this.#young, slot), 0, length);
    words[slot >> 2] = length;
    words[(slot >> 2) + 2] = group;
    return true;
  }

  delete(name: Buffer, start: number, end: number, hash: number): void {
    for (const generation of [this.#young, this.#old]) {
      const place = placeOf(generation, name, start, end, hash);
      if (slotAt(generation, place) >= 0) generation.table[place] = gone;
    }
  }

  #append(
    name: Buffer,
    start: number,
    end: number,
    hash: number,
    row: Buffer,
    rowStart: number,
    rowEnd: number,
    group: number,
  ): number {
    const generation = this.#young;
    const length = rowEnd - rowStart;
    // Some room to grow: a newer time or number may take a byte more.
    const capacity = (length + (length >> 3) + 7) & ~3;
    const slot = generation.used;
    const rowAtOnce = slot + headerBytes + padded(end - start);
    reserve(generation, rowAtOnce + capacity, this.#generationBytesMax);
    generation.used = rowAtOnce + capacity;
    const { words } = generation;
    const word = slot >> 2;
    words[word] = length;
    words[word + 1] = capacity;
    words[word + 2] = group;
    words[word + 3] = end - start;
    words[word + 4] = hash | 0;
    name.copy(generation.bytes, slot + headerBytes, start, end);
    row.copy(generation.bytes, rowAtOnce, rowStart, rowEnd);
    const place = placeOf(generation, name, start, end, hash);
    if (generation.table[place] === never) generation.taken += 1;
    generation.table[place] = word + 1;
    if (generation.taken * 2 > generation.table.length) widen(generation);
    return slot;
  }

  #turn(): void {
    const dropped = this.#old;
    this.#old = this.#young;
    dropped.table.fill(never);
    dropped.taken = 0;
    dropped.used = 0;
    this.#young = dropped;
    for (const names of this.#pinned()) {
      for (let i = 0; i < names.length; i += 1) {
        this.find(names.bytes, names.start(i), names.end(i), names.hash(i));
      }
    }
    this.#limit = this.#generationBytesMax + this.#young.used + this.#young.table.byteLength;
  }
}

/** Where the name's row is told, or where it would be: there is always a place that was never taken, so the walk ends. */
function placeOf(
  { table, words, bytes }: Generation,
  name: Buffer,
  start: number,
  end: number,
  hash: number,
): number {
  const mask = table.length - 1;
  let free = -1;
  for (let place = hash & mask; ; place = (place + 1) & mask) {
    const entry = table[place] ?? never;
    if (entry === never) return free < 0 ? place : free;
    if (entry === gone) {
      if (free < 0) free = place;
      continue;
    }
    const word = entry - 1;
    if (words[word + 4] !== (hash | 0) || words[word + 3] !== end - start) continue;
    if (isName(bytes, (word << 2) + headerBytes, name, start, end)) return place;
  }
}

/** Names of one hash differ at their ends, if at all. */
function isName(bytes: Buffer, at: number, name: Buffer, start: number, end: number): boolean {
  for (let i = end - start - 1; i >= 0; i -= 1) if (bytes[at + i] !== name[start + i]) return false;
  return true;
}

function slotAt({ table }: Generation, place: number): number {
  const entry = table[place] ?? never;
  return entry > 0 ? (entry - 1) << 2 : -1;
}

function rowAt({ words }: Generation, slot: number): number {
  return slot + headerBytes + padded(words[(slot >> 2) + 3] ?? 0);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function emptyGeneration(): Generation {
  return { ...buffers(initialBytes), table: new Int32Array(initialPlaces), taken: 0, used: 0 };
}

function buffers(bytes: number): Pick<Generation, 'bytes' | 'words'> {
  const memory = new ArrayBuffer(bytes);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
}

/** Grows by doubling up to what a generation may take: what is beyond are pinned rows, and no room is made for others. */
function reserve(generation: Generation, needed: number, bytesMax: number): void {
  const { length } = generation.bytes;
  if (needed <= length) return;
  const roomy = Math.min(length * 2, bytesMax);
  const wanted = needed <= roomy ? roomy : needed + (needed >> 3);
  const grown = buffers((wanted + 4095) & ~4095);
  generation.bytes.copy(grown.bytes, 0, 0, generation.used);
  generation.bytes = grown.bytes;
  generation.words = grown.words;
}

/** Twice as many places, without those that are gone. */
function widen(generation: Generation): void {
  const { table, words } = generation;
  const wider = new Int32Array(table.length * 2);
  const mask = wider.length - 1;
  generation.taken = 0;
  for (const entry of table) {
    if (entry <= 0) continue;
    let place = (words[entry + 3] ?? 0) & mask;
    while (wider[place] !== never) place = (place + 1) & mask;
    wider[place] = entry;
    generation.taken += 1;
  }
  generation.table = wider;
}
