import { fnv1a, mixed } from './node-hash.ts';

/** Ids of nodes of one type, one behind the other: they go from thread to thread in one piece, and leave no garbage behind. */
export interface PackedIds {
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each ends; the first begins at 0. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** `placeOf` of each. */
  readonly places: Uint32Array<ArrayBuffer>;
}

const bytesPerIdGuess = 24;

export class PackedIdsWriter {
  /** Of the type and its NUL: every name begins with these. */
  readonly #typeHash: number;
  #count = 0;
  #at = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #ends: Uint32Array<ArrayBuffer>;
  #places: Uint32Array<ArrayBuffer>;

  /** `idsGuess`: more than these may come. */
  constructor(type: string, idsGuess: number) {
    const name = Buffer.from(`${type}\0`);
    this.#typeHash = fnv1a(name, 0, name.length);
    this.#bytes = new Uint8Array(idsGuess * bytesPerIdGuess);
    this.#ends = new Uint32Array(idsGuess);
    this.#places = new Uint32Array(idsGuess);
  }

  /** Of an id in UTF-8 at `[start, end)`. */
  add(source: Uint8Array, start: number, end: number): void {
    let at = this.#at;
    if (at + end - start > this.#bytes.length) this.#bytes = grown(this.#bytes, at + end - start);
    const bytes = this.#bytes;
    for (let i = start; i < end; i += 1) bytes[at++] = source[i] ?? 0;
    this.#at = at;
    // The NUL behind it: only multiplied.
    const hash = mixed(fnv1a(nul, 0, 1, fnv1a(source, start, end, this.#typeHash)));
    if (this.#count === this.#ends.length) {
      this.#ends = grown32(this.#ends);
      this.#places = grown32(this.#places);
    }
    this.#ends[this.#count] = at;
    this.#places[this.#count++] = hash;
  }

  packed(): PackedIds {
    const count = this.#count;
    return {
      count,
      bytes: this.#bytes.subarray(0, this.#at),
      ends: this.#ends.subarray(0, count),
      places: this.#places.subarray(0, count),
    };
  }
}

export function packIds(type: string, ids: readonly string[]): PackedIds {
  const writer = new PackedIdsWriter(type, ids.length);
  for (const id of ids) {
    const bytes = Buffer.from(id);
    writer.add(bytes, 0, bytes.length);
  }
  return writer.packed();
}

export function unpackedIds({ count, bytes, ends }: PackedIds): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ids: string[] = [];
  for (let i = 0, start = 0; i < count; i += 1) {
    const end = ends[i] ?? 0;
    ids.push(text.toString('utf8', start, end));
    start = end;
  }
  return ids;
}

const nul = new Uint8Array(1);

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.max(64, 2 * bytes.length, needed));
  more.set(bytes);
  return more;
}

function grown32(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(Math.max(16, 2 * numbers.length));
  more.set(numbers);
  return more;
}
