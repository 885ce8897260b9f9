import { brokenBatch } from './kafka-batch-error.ts';

/** Reads what Kafka's records are written with, within its bytes: whoever goes beyond them is told that the batch is damaged. */
export class RecordBytes {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw cutOff();
    this.at += 1;
    return byte;
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#skip(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#skip(8));
  }

  /** A text behind two bytes of length; empty where there is none. */
  text(): string {
    const length = Math.max(0, this.int16());
    const from = this.#skip(length);
    return this.bytes.toString('utf8', from, from + length);
  }

  /** A view of bytes behind four bytes of length; empty where there are none. */
  block(): Buffer {
    const length = Math.max(0, this.int32());
    const from = this.#skip(length);
    return this.bytes.subarray(from, from + length);
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    const value = this.varlong();
    if (typeof value === 'bigint' || Math.abs(value) > 0x80000000) throw brokenBatch('a number is too large');
    return value;
  }

  /** A zigzag varint of 64 bits; a bigint only where a number would not hold it. */
  varlong(): number | bigint {
    const first = this.byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    // 49 bits, which a number holds.
    for (let factor = 2 ** 7; factor <= 2 ** 42; factor *= 2 ** 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    return this.#long(BigInt(value));
  }

  /** A view of bytes behind a varint of length; null where that is -1. */
  bytesOrNull(): Buffer | null {
    const length = this.varint();
    if (length === -1) return null;
    if (length < 0) throw brokenBatch('a length is negative');
    const from = this.#skip(length);
    return this.bytes.subarray(from, from + length);
  }

  #long(low: bigint): bigint {
    let value = low;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (BigInt.asUintN(64, value) >> 1n) ^ -(value & 1n);
    }
    throw brokenBatch('a number is longer than ten bytes');
  }

  #skip(length: number): number {
    const from = this.at;
    if (length > this.end - from) throw cutOff();
    this.at = from + length;
    return from;
  }
}

function cutOff(): Error {
  return brokenBatch('it ends too early');
}
