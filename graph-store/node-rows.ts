/** How long, how much room, which group wrote it: in front of a row, as 32-bit words. */
const slotBytes = 12;
/** What a map entry and its key take beside the key's characters, roughly. */
const entryBytes = 80;
const initialBytes = 4096;

interface Generation {
  bytes: Buffer;
  words: Int32Array;
  slots: Map<string, number>;
  used: number;
  keyBytes: number;
}

/**
 * The writer's rows of nodes by name: what it read, and what it changed. Rows lie in two buffers and are merged where they lie, because rows
 * that are strings or buffers of their own are most of what the garbage collector has to do here.
 *
 * Bounded by policy *forget the least recently used half*: there is a generation of what was used since the last turn and one of what was used before
 * it; when the young one is full it becomes the old one, and the old one is dropped. Rows that some group has changed and LevelDB does not have yet are
 * never dropped: `pinned` names them, and what they take comes on top of the bound.
 */
export class NodeRows {
  readonly #generationBytesMax: number;
  readonly #pinned: () => Iterable<string>;
  #young = emptyGeneration();
  #old = emptyGeneration();
  #limit: number;

  constructor(bytesMax: number, pinned: () => Iterable<string>) {
    this.#generationBytesMax = Math.floor(bytesMax / 2);
    this.#limit = this.#generationBytesMax;
    this.#pinned = pinned;
  }

  /** Where the rows lie that `find` answers; both hold until the next call of any method. */
  get bytes(): Buffer {
    return this.#young.bytes;
  }

  /** A place for `start`, `end` and `group`; -1 when there is no such row. */
  find(name: string): number {
    const slot = this.#young.slots.get(name);
    if (slot !== undefined) return slot;
    const before = this.#old.slots.get(name);
    if (before === undefined) return -1;
    const { bytes, words } = this.#old;
    const start = before + slotBytes;
    this.#old.slots.delete(name);
    return this.#append(name, bytes, start, start + (words[before >> 2] ?? 0), words[(before >> 2) + 2] ?? 0);
  }

  start(slot: number): number {
    return slot + slotBytes;
  }

  end(slot: number): number {
    return slot + slotBytes + (this.#young.words[slot >> 2] ?? 0);
  }

  /** Which group changed the row last; 0 when none has since it was read. */
  group(slot: number): number {
    return this.#young.words[(slot >> 2) + 2] ?? 0;
  }

  set(name: string, row: Buffer, length: number, group: number): void {
    const slot = this.find(name);
    const { bytes, words } = this.#young;
    if (slot >= 0 && length <= (words[(slot >> 2) + 1] ?? 0)) {
      row.copy(bytes, slot + slotBytes, 0, length);
      words[slot >> 2] = length;
      words[(slot >> 2) + 2] = group;
      return;
    }
    this.#append(name, row, 0, length, group);
    if (this.#young.used + this.#young.keyBytes > this.#limit) this.#turn();
  }

  delete(name: string): void {
    this.#young.slots.delete(name);
    this.#old.slots.delete(name);
  }

  #append(name: string, row: Buffer, start: number, end: number, group: number): number {
    const generation = this.#young;
    const length = end - start;
    // Some room to grow: a newer time or number may take a byte more.
    const capacity = (length + (length >> 3) + 7) & ~3;
    const slot = generation.used;
    reserve(generation, slot + slotBytes + capacity);
    generation.used = slot + slotBytes + capacity;
    generation.words[slot >> 2] = length;
    generation.words[(slot >> 2) + 1] = capacity;
    generation.words[(slot >> 2) + 2] = group;
    row.copy(generation.bytes, slot + slotBytes, start, end);
    if (!generation.slots.has(name)) generation.keyBytes += entryBytes + name.length;
    generation.slots.set(name, slot);
    return slot;
  }

  #turn(): void {
    const dropped = this.#old;
    this.#old = this.#young;
    dropped.slots = new Map();
    dropped.used = 0;
    dropped.keyBytes = 0;
    this.#young = dropped;
    for (const name of this.#pinned()) this.find(name);
    this.#limit = this.#generationBytesMax + this.#young.used + this.#young.keyBytes;
  }
}

function emptyGeneration(): Generation {
  return { ...buffers(initialBytes), slots: new Map(), used: 0, keyBytes: 0 };
}

function buffers(bytes: number): Pick<Generation, 'bytes' | 'words'> {
  const memory = new ArrayBuffer(bytes);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
}

function reserve(generation: Generation, needed: number): void {
  if (needed <= generation.bytes.length) return;
  const grown = buffers(Math.max(generation.bytes.length * 2, (needed + 4095) & ~4095));
  generation.bytes.copy(grown.bytes, 0, 0, generation.used);
  generation.bytes = grown.bytes;
  generation.words = grown.words;
}
