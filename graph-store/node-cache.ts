/**
 * A byte-bounded cache of node rows in two generations: what was used since the last turn, and what was used before it. When
 * the young one is full it becomes the old one and the old one is dropped, which forgets about the least recently
 * used half at once. Against a linked list it saves a delete and an insert at every hit.
 */
export class NodeCache {
  readonly #generationBytesMax: number;
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#generationBytesMax = Math.floor(bytesMax / 2);
  }

  get(key: string): string | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  delete(key: string): void {
    const row = this.#young.get(key);
    if (row !== undefined) this.#youngBytes -= entryBytes + key.length + row.length;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  set(key: string, row: string): void {
    const before = this.#young.get(key);
    this.#youngBytes +=
      before === undefined ? entryBytes + key.length + row.length : row.length - before.length;
    this.#young.set(key, row);
    if (this.#youngBytes > this.#generationBytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
  }
}

/** What a map entry and two string headers take beside the characters, roughly. */
const entryBytes = 100;
