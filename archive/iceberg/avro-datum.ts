/** Longs are bigint, ints numbers. A record has the names of its fields. */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | AvroRecord;
export interface AvroRecord {
  readonly [field: string]: AvroValue;
}

/** What is wrong with the bytes or the schema of an Avro file; whoever knows its name catches it and says so. */
export class AvroFault extends Error {
  override readonly name = 'AvroFault';
}

/** Reads Avro's primitives from bytes that anybody may have written: never beyond their end, never more than they can hold. */
export class AvroBytes {
  readonly #view: DataView;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new AvroFault('ends in the middle of a value');
    this.#at += 1;
    return value;
  }

  long(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1));
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new AvroFault('has a number of more than 64 bits');
  }

  int(): number {
    const value = this.long();
    if (BigInt.asIntN(32, value) !== value) throw new AvroFault('has a number of more than 32 bits');
    return Number(value);
  }

  float(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  bytes(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  sized(): Uint8Array {
    return this.bytes(this.length());
  }

  text(): string {
    const bytes = this.sized();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  length(): number {
    const value = this.long();
    if (value < 0n || value > BigInt(this.left)) throw new AvroFault('is shorter than a length in it says');
    return Number(value);
  }

  /** How many items the next block of an array or map has, 0 at its end. Each item takes a byte at least. */
  blockCount(): number {
    let count = this.long();
    if (count < 0n) {
      count = -count;
      this.long();
    }
    if (count > BigInt(this.left)) throw new AvroFault('has a list of more items than bytes');
    return Number(count);
  }

  #advance(count: number): number {
    if (count < 0 || count > this.left) throw new AvroFault('ends in the middle of a value');
    this.#at += count;
    return this.#at - count;
  }
}

/** Writes Avro's primitives. */
export class AvroParts {
  readonly #parts: Uint8Array[] = [];

  long(value: bigint): void {
    let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    const bytes: number[] = [];
    while (left >= 0x80n) {
      bytes.push(Number(left & 0x7fn) | 0x80);
      left >>= 7n;
    }
    bytes.push(Number(left));
    this.#parts.push(Uint8Array.from(bytes));
  }

  byte(value: number): void {
    this.#parts.push(Uint8Array.of(value));
  }

  bytes(value: Uint8Array): void {
    this.#parts.push(value);
  }

  sized(value: Uint8Array): void {
    this.long(BigInt(value.length));
    this.bytes(value);
  }

  text(value: string): void {
    this.sized(Buffer.from(value));
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
