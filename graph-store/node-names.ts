/** Names of nodes with their hashes, side by side in one buffer: as strings they would cost the garbage collector more than all else of a row. */
export class NodeNames {
  #bytes = Buffer.allocUnsafeSlow(1024);
  /** Of each: where it begins, where it ends, its hash. */
  #fields = new Uint32Array(3 * 16);
  #length = 0;
  #used = 0;

  get length(): number {
    return this.#length;
  }

  /** Where the names lie; holds until the next `add`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  start(index: number): number {
    return this.#fields[index * 3] ?? 0;
  }

  end(index: number): number {
    return this.#fields[index * 3 + 1] ?? 0;
  }

  hash(index: number): number {
    return this.#fields[index * 3 + 2] ?? 0;
  }

  add(bytes: Buffer, start: number, end: number, hash: number): void {
    const used = this.#used;
    const after = used + end - start;
    if (after > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(after, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, used);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, used, start, end);
    const at = this.#length * 3;
    if (at === this.#fields.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.#fields);
      this.#fields = grown;
    }
    this.#fields[at] = used;
    this.#fields[at + 1] = after;
    this.#fields[at + 2] = hash;
    this.#length += 1;
    this.#used = after;
  }
}
