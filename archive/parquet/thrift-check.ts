/** Nested as deep as Parquet's own structures never are. */
const depthMax = 32;

/**
 * Walks over one struct of Thrift's compact protocol and returns where it ends. Whatever this lets through can be parsed in
 * time and memory proportional to its bytes: hyparquet's parser by itself follows any depth, count and length of a number.
 */
export function thriftEnd(bytes: Uint8Array, start: number): number {
  const walk = new ThriftWalk(bytes, start);
  walk.struct(0);
  return walk.at;
}

class ThriftWalk {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  struct(depth: number): void {
    if (depth > depthMax) throw new Error('its metadata is nested too deep');
    for (;;) {
      const head = this.#byte();
      if ((head & 0x0f) === 0) return;
      if (head >> 4 === 0) this.#varint();
      this.#value(head & 0x0f, depth);
    }
  }

  #value(type: number, depth: number): void {
    if (type === 1 || type === 2) return;
    if (type === 3) this.#skip(1);
    else if (type >= 4 && type <= 6) this.#varint();
    else if (type === 7) this.#skip(8);
    else if (type === 8) this.#skip(this.#varint());
    else if (type === 9) this.#list(depth + 1);
    else if (type === 12) this.struct(depth + 1);
    else throw new Error(`its metadata holds a value of the unknown type ${type}`);
  }

  #list(depth: number): void {
    if (depth > depthMax) throw new Error('its metadata is nested too deep');
    const head = this.#byte();
    const type = head & 0x0f;
    const size = head >> 4 === 15 ? this.#varint() : head >> 4;
    if (size > this.#bytes.length - this.at) throw new Error('its metadata holds a list longer than itself');
    // A true or false of a list takes a byte of its own.
    for (let done = 0; done < size; done += 1) this.#value(type === 1 || type === 2 ? 3 : type, depth);
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new Error('its metadata ends early');
    this.at += 1;
    return byte;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('its metadata holds a number of more than 64 bits');
  }

  #skip(count: number): void {
    if (count > this.#bytes.length - this.at) throw new Error('its metadata ends early');
    this.at += count;
  }
}
