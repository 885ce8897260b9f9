import { crc32 } from 'node:zlib';
import { RefusedError } from '../foundation/index.ts';
import type { SourceHeader, SourceRecord } from './event-source.ts';

export const logFormatVersion = '1';

/** What a producer hands over. */
export type LogRecord = Omit<SourceRecord, 'offset'>;

export interface ChunkHeader {
  readonly count: number;
  /** Bytes of all chunks ever appended to the partition before this one: sizes need no scan. */
  readonly bytesBefore: number;
}

/** crc32, records, bytes before: 4 + 4 + 8. */
const chunkHeaderBytes = 16;
/** Timestamp, key length, value length, number of headers: 8 + 4 + 4 + 2. */
const recordHeaderBytes = 18;
const absent = -1;
/** Counts and lengths of headers are written in two bytes. */
const headersMax = 65_535;
const headerNameBytesMax = 65_535;
/** A row has to fit one buffer, and many times over into memory. */
const recordBytesMax = 2 ** 28;

/** The record's bytes in a chunk. Throws RefusedError LOG_RECORD_TOO_LARGE when it cannot be written in this format. */
export function checkedBytes(
  record: LogRecord,
  context: { readonly topic: string; readonly partition: number },
): number {
  const bytes = recordBytes(record);
  if (bytes > recordBytesMax)
    throw tooLarge(`${bytes} bytes, and at most ${recordBytesMax} are taken`, context);
  const headers = record.headers ?? [];
  if (headers.length > headersMax) {
    throw tooLarge(`${headers.length} headers, and at most ${headersMax} are taken`, context);
  }
  for (const { key } of headers) {
    const length = key.length * 3 <= headerNameBytesMax ? 0 : Buffer.byteLength(key);
    if (length > headerNameBytesMax) {
      throw tooLarge(
        `a header name of ${length} bytes, and at most ${headerNameBytesMax} are taken`,
        context,
      );
    }
  }
  return bytes;
}

function tooLarge(
  what: string,
  context: { readonly topic: string; readonly partition: number },
): RefusedError {
  const { topic, partition } = context;
  return new RefusedError(
    'LOG_RECORD_TOO_LARGE',
    `A record for partition ${partition} of topic ${topic} has ${what}; make it smaller.`,
    { context },
  );
}

export function recordBytes(record: LogRecord): number {
  let bytes = recordHeaderBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const { key, value } of record.headers ?? [])
    bytes += 6 + Buffer.byteLength(key) + (value?.length ?? 0);
  return bytes;
}

export function packChunk(records: readonly LogRecord[], bytesBefore: number): Buffer {
  const bytes = records.reduce((sum, record) => sum + recordBytes(record), chunkHeaderBytes);
  const chunk = Buffer.allocUnsafe(bytes);
  chunk.writeUInt32BE(records.length, 4);
  chunk.writeDoubleBE(bytesBefore, 8);
  let at = chunkHeaderBytes;
  for (const record of records) at = packRecord(chunk, at, record);
  chunk.writeUInt32BE(crc32(chunk.subarray(4)), 0);
  return chunk;
}

function packRecord(chunk: Buffer, start: number, record: LogRecord): number {
  const headers = record.headers ?? [];
  chunk.writeDoubleBE(record.timestampMs, start);
  chunk.writeInt32BE(record.key?.length ?? absent, start + 8);
  chunk.writeInt32BE(record.value?.length ?? absent, start + 12);
  chunk.writeUInt16BE(headers.length, start + 16);
  let at = start + recordHeaderBytes;
  for (const part of [record.key, record.value]) {
    if (part === null) continue;
    chunk.set(part, at);
    at += part.length;
  }
  for (const { key, value } of headers) {
    const keyBytes = chunk.write(key, at + 6, 'utf8');
    chunk.writeUInt16BE(keyBytes, at);
    chunk.writeInt32BE(value?.length ?? absent, at + 2);
    at += 6 + keyBytes;
    if (value !== null) {
      chunk.set(value, at);
      at += value.length;
    }
  }
  return at;
}

/** Null when the bytes are not a chunk as it was written (torn or damaged). */
export function chunkHeader(chunk: Buffer): ChunkHeader | null {
  if (chunk.length < chunkHeaderBytes) return null;
  if (crc32(chunk.subarray(4)) !== chunk.readUInt32BE(0)) return null;
  return { count: chunk.readUInt32BE(4), bytesBefore: chunk.readDoubleBE(8) };
}

/** Appends the chunk's records at or behind `from` to `records`; they are views of the chunk. The checksum was compared before. */
export function unpackChunk(chunk: Buffer, base: bigint, from: bigint, records: SourceRecord[]): void {
  const count = chunk.readUInt32BE(4);
  let at = chunkHeaderBytes;
  const skip = from > base ? Number(from - base) : 0;
  for (let i = 0; i < count; i += 1) {
    const timestampMs = chunk.readDoubleBE(at);
    const keyBytes = chunk.readInt32BE(at + 8);
    const valueBytes = chunk.readInt32BE(at + 12);
    const headerCount = chunk.readUInt16BE(at + 16);
    at += recordHeaderBytes;
    const keyAt = at;
    if (keyBytes > 0) at += keyBytes;
    const valueAt = at;
    if (valueBytes > 0) at += valueBytes;
    let headers: SourceHeader[] | null = null;
    for (let h = 0; h < headerCount; h += 1) {
      const nameEnd = at + 6 + chunk.readUInt16BE(at);
      const length = chunk.readInt32BE(at + 2);
      const end = nameEnd + Math.max(0, length);
      headers ??= [];
      headers.push({
        key: chunk.toString('utf8', at + 6, nameEnd),
        value: length === absent ? null : chunk.subarray(nameEnd, end),
      });
      at = end;
    }
    if (i < skip) continue;
    records.push({
      offset: base + BigInt(i),
      timestampMs,
      key: keyBytes === absent ? null : chunk.subarray(keyAt, keyAt + keyBytes),
      value: valueBytes === absent ? null : chunk.subarray(valueAt, valueAt + valueBytes),
      headers,
    });
  }
}

/** `c`, topic id, partition, base offset: in key order a partition's chunks lie in offset order. */
export function chunkKey(topicId: string, partition: number, base: bigint): Buffer {
  const key = Buffer.alloc(1 + 16 + 4 + 8);
  key.write('c');
  key.set(Buffer.from(topicId.replaceAll('-', ''), 'hex'), 1);
  key.writeUInt32BE(partition, 17);
  key.writeBigUInt64BE(base, 21);
  return key;
}

export function baseOf(key: Buffer): bigint {
  return key.readBigUInt64BE(21);
}

export const offsetMax = 2n ** 64n - 1n;
