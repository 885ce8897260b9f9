import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { Lineage, SourcePartition } from './graph-store.ts';
import type { EventOrigin } from './model.ts';
import { putUint32, uint32At } from './read-bytes.ts';

/**
 * A row's lineage: id of its origin, partition and offset as varints (1 + n in front of what the row is about; 0 when unknown).
 * Topic, schema and mapping are the same for millions of rows, so they stand in a row of their own:
 *
 *     l<id (4)>    {"cluster", "topic", "topicId", "schemaId", "subject", "version"}
 */
export interface OriginRow extends EventOrigin, Omit<SourcePartition, 'partition'> {}

/** Three varints of 64 bits and their length. */
const lineageBytesMax = 31;
export const originRange = { gte: Buffer.from('l'), lt: Buffer.from('m') } as const;
/** Rows that come of further ones have no lineage. A topic needs one for each schema version and mapping version that met. */
export const originsMax = 65_536;

export function originKey(id: number): Buffer {
  const key = Buffer.from('l....');
  putUint32(key, 1, id);
  return key;
}

export function decodeOrigin(bytes: Buffer): OriginRow {
  return JSON.parse(bytes.toString());
}

/** The writer's side: gives each origin its id. */
export class OriginIds {
  readonly #ids: Map<string, number>;
  /** Of all, numbered or stored. */
  #greatest: number;

  constructor(stored: readonly (readonly [key: Buffer, value: Buffer])[]) {
    this.#ids = new Map(stored.map(([key, value]) => [value.toString(), uint32At(key, 1)]));
    this.#greatest = stored.reduce((greatest, [key]) => Math.max(greatest, uint32At(key, 1)), 0);
  }

  /** `row` is to be written together with what names it, or null when it is there already; null altogether when the numbers are used up. */
  idOf(
    { cluster, topic, topicId }: SourcePartition,
    { schemaId, subject, version }: EventOrigin,
  ): { readonly id: number; readonly row: Buffer | null } | null {
    const text = JSON.stringify({ cluster, topic, topicId, schemaId, subject, version });
    const known = this.#ids.get(text);
    if (known !== undefined) return { id: known, row: null };
    // Behind the greatest, not by their count: where one is missing, the next would be called what another is called, and lineage would name the wrong record.
    if (this.#greatest >= originsMax) return null;
    this.#greatest += 1;
    const id = this.#greatest;
    this.#ids.set(text, id);
    return { id, row: Buffer.from(text) };
  }
}

/** The lineages of a group's events, each with its length in front: written once for an event and copied into all its rows. */
export class LineageBytes {
  bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;

  /** Where it is. `id` is 0 when unknown; the offset is the eight bytes of `packed` at `offsetAt`. */
  add(id: number, partition: number, packed: Buffer, offsetAt: number): number {
    const at = this.#length;
    if (at + 1 + lineageBytesMax > this.bytes.length) this.#grow();
    const end = id === 0 ? at + 1 : writeLineage(this.bytes, at + 1, id, partition, packed, offsetAt);
    this.bytes[at] = end - at - 1;
    this.#length = end;
    return at;
  }

  /** Where the one at `at`, which begins with its length, ends. */
  end(at: number): number {
    return at + 1 + (this.bytes[at] ?? 0);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}

/** Writes it at `start`, the offset from eight bytes of `packed`; answers where it ends. */
function writeLineage(
  bytes: Buffer,
  start: number,
  id: number,
  partition: number,
  packed: Buffer,
  offsetAt: number,
): number {
  const at = writeVarint(bytes, writeVarint(bytes, start, id), partition);
  const offset = uint32At(packed, offsetAt) * 2 ** 32 + uint32At(packed, offsetAt + 4);
  if (Number.isSafeInteger(offset)) return writeVarint(bytes, at, offset);
  let rest = packed.readBigUInt64BE(offsetAt);
  let to = at;
  for (; rest > 127n; rest >>= 7n) bytes[to++] = Number(rest & 127n) | 128;
  bytes[to++] = Number(rest);
  return to;
}

/** As a row holds it, without its length. */
export function encodeLineage(id: number, partition: number, offset: bigint): Buffer {
  const packed = Buffer.alloc(8);
  packed.writeBigUInt64BE(offset);
  const bytes = Buffer.alloc(lineageBytesMax);
  return bytes.subarray(0, writeLineage(bytes, 0, id, partition, packed, 0));
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

/** Bytes of seven bits that a safe integer holds for certain. */
const safeBytes = 7;

/** As a number while it is certainly a safe one: a hop reads hundreds, and bigints are slow. */
function readOffset(reader: ByteReader): bigint {
  let low = 0;
  for (let read = 0, factor = 1; read < safeBytes; read += 1, factor *= 128) {
    const byte = reader.byte();
    low += (byte & 127) * factor;
    if (byte < 128) return BigInt(low);
  }
  let offset = BigInt(low);
  for (let shift = BigInt(7 * safeBytes); ; shift += 7n) {
    const byte = reader.byte();
    offset |= BigInt(byte & 127) << shift;
    if (byte < 128) return offset;
  }
}

/** Null when the row does not say, or its origin is not known to `originOf`. */
export function readLineage(reader: ByteReader, originOf: (id: number) => OriginRow | null): Lineage | null {
  const length = reader.byte();
  const end = reader.at + length;
  if (length === 0) return null;
  const origin = originOf(reader.count());
  const partition = reader.count();
  const offset = readOffset(reader);
  must(reader.at === end ? end : null, 'a lineage ends where it says');
  if (origin === null) return null;
  const { topic, schemaId, subject, version } = origin;
  return { topic, partition, offset, schemaId, mapping: { subject, version } };
}

/** Where what the row is about begins. `originOf` is asked for its origin, so that one that remembers its answers has this one from then on. */
export function skipLineage(value: Buffer, originOf: (id: number) => OriginRow | null): number {
  const reader = new ByteReader(value);
  const length = reader.byte();
  if (length > 0) originOf(reader.count());
  return 1 + length;
}

/** What the row is about. */
export function withoutLineage(value: Buffer): Buffer {
  return value.subarray(1 + must(value[0], 'a row has a lineage'));
}
