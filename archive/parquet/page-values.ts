import type { Encoding, ParquetType, SchemaElement } from 'hyparquet';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { byteStreamSplit } from 'hyparquet/src/encoding.js';
import { decodeHybrid } from './hybrid.ts';

/** Values as a page has them, nulls left out. INT96 and byte arrays are parts of the page's own memory. */
export type PhysicalValues =
  | readonly boolean[]
  | readonly Uint8Array[]
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** What values that share their beginnings may grow to. */
const sharedBytesMax = 268_435_456;
const deltaBlockMax = 65_536;

/** Exactly `count` values of a page's bytes, whatever these are; throws where they do not hold so many. */
export function decodeValues(
  bytes: Uint8Array,
  encoding: Encoding,
  element: SchemaElement,
  count: number,
): PhysicalValues {
  const type = element.type;
  if (type === undefined) throw new Error('a column has no type');
  if (count === 0) return [];
  if (encoding === 'PLAIN') return plainValues(bytes, type, element.type_length ?? 0, count);
  if (encoding === 'RLE' && type === 'BOOLEAN') return runsOfBooleans(bytes, count);
  if (encoding === 'DELTA_BINARY_PACKED' && (type === 'INT32' || type === 'INT64'))
    return deltaNumbers(readerOf(bytes), type, count);
  if (encoding === 'DELTA_LENGTH_BYTE_ARRAY' && type === 'BYTE_ARRAY') return deltaLengths(bytes, count);
  if (encoding === 'DELTA_BYTE_ARRAY' && (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY'))
    return deltaBytes(bytes, count);
  if (encoding === 'BYTE_STREAM_SPLIT') return splitStreams(bytes, type, element.type_length, count);
  throw new Error(`its values are encoded as ${encoding}, which is not read here for ${type}`);
}

function plainValues(bytes: Uint8Array, type: ParquetType, length: number, count: number): PhysicalValues {
  switch (type) {
    case 'BOOLEAN':
      return plainBooleans(bytes, count);
    case 'INT32':
      return new Int32Array(copied(bytes, count * 4));
    case 'INT64':
      return new BigInt64Array(copied(bytes, count * 8));
    case 'FLOAT':
      return new Float32Array(copied(bytes, count * 4));
    case 'DOUBLE':
      return new Float64Array(copied(bytes, count * 8));
    case 'INT96':
      return fixedBytes(bytes, 12, count);
    case 'FIXED_LEN_BYTE_ARRAY':
      return fixedBytes(bytes, length, count);
    default:
      return plainBytes(bytes, count);
  }
}

/** In memory of its own, so that it is aligned. */
function copied(bytes: Uint8Array, length: number): ArrayBuffer {
  if (length > bytes.length) throw new Error('its values end early');
  const copy = new ArrayBuffer(length);
  new Uint8Array(copy).set(bytes.subarray(0, length));
  return copy;
}

function plainBooleans(bytes: Uint8Array, count: number): boolean[] {
  if (Math.ceil(count / 8) > bytes.length) throw new Error('its values end early');
  return Array.from({ length: count }, (_, index) => (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1);
}

function runsOfBooleans(bytes: Uint8Array, count: number): boolean[] {
  const length = lengthAt(bytes, 0);
  if (length > bytes.length - 4) throw new Error('its values end early');
  return Array.from(decodeHybrid(bytes, 4, 4 + length, 1, count), (bit) => bit === 1);
}

function plainBytes(bytes: Uint8Array, count: number): Uint8Array[] {
  if (count * 4 > bytes.length) throw new Error('its values end early');
  const values = new Array<Uint8Array>(count);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const length = lengthAt(bytes, at);
    at += 4;
    if (length > bytes.length - at) throw new Error('its values end early');
    // A third of what `subarray` costs, which asks for the class of what it makes.
    values[index] = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
    at += length;
  }
  return values;
}

function fixedBytes(bytes: Uint8Array, length: number, count: number): Uint8Array[] {
  if (length <= 0 || length * count > bytes.length) throw new Error('its values end early');
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
}

function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new Error('its values end early');
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return low + (bytes[at + 3] ?? 0) * 0x1000000;
}

interface Reader {
  readonly view: DataView;
  offset: number;
}

function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

function deltaNumbers(reader: Reader, type: 'INT32' | 'INT64', count: number): Int32Array | BigInt64Array {
  const head = { view: reader.view, offset: reader.offset };
  const [block, parts, total] = [varint(head), varint(head), varint(head)];
  if (block === 0 || block > deltaBlockMax || block % 128 !== 0 || parts === 0 || parts > block / 32)
    throw new Error('its differences come in blocks of an impossible size');
  if (total !== count) throw new Error(`a page has ${total} differences, not ${count}`);
  const output = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
  deltaBinaryUnpack(reader, count, output);
  return output;
}

function varint(reader: Reader): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.view.getUint8(reader.offset);
    reader.offset += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new Error('it holds a number that is too long');
}

function deltaLengths(bytes: Uint8Array, count: number): Uint8Array[] {
  const reader = readerOf(bytes);
  const lengths = deltaLengthsOf(reader, count);
  return partsOf(bytes, reader.offset, lengths);
}

function deltaLengthsOf(reader: Reader, count: number): readonly number[] {
  return Array.from<number | bigint, number>(deltaNumbers(reader, 'INT32', count), Number);
}

function partsOf(bytes: Uint8Array, start: number, lengths: readonly number[]): Uint8Array[] {
  let at = start;
  return lengths.map((length) => {
    if (length < 0 || length > bytes.length - at) throw new Error('its values end early');
    at += length;
    return bytes.subarray(at - length, at);
  });
}

function deltaBytes(bytes: Uint8Array, count: number): Uint8Array[] {
  const reader = readerOf(bytes);
  const shared = deltaLengthsOf(reader, count);
  const lengths = deltaLengthsOf(reader, count);
  const suffixes = partsOf(bytes, reader.offset, lengths);
  let before = new Uint8Array();
  let grown = 0;
  return suffixes.map((suffix, index) => {
    const kept = shared[index] ?? 0;
    if (kept < 0 || kept > before.length) throw new Error('a value begins as one that is not there');
    grown += kept + suffix.length;
    if (grown > sharedBytesMax) throw new Error(`a page unfolds beyond ${sharedBytesMax} bytes`);
    const value = new Uint8Array(kept + suffix.length);
    value.set(before.subarray(0, kept));
    value.set(suffix, kept);
    before = value;
    return value;
  });
}

function splitStreams(
  bytes: Uint8Array,
  type: ParquetType,
  length: number | undefined,
  count: number,
): PhysicalValues {
  const width =
    type === 'FIXED_LEN_BYTE_ARRAY' ? (length ?? 0) : type === 'INT32' || type === 'FLOAT' ? 4 : 8;
  if (width * count > bytes.length) throw new Error('its values end early');
  const values = byteStreamSplit(readerOf(bytes), count, type, length);
  if (values instanceof Uint8Array || values instanceof Uint32Array || values instanceof BigUint64Array)
    throw new Error(`its values are encoded in a way that is not read here for ${type}`);
  return values;
}
