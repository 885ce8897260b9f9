import type { NodeRef, SourceJson } from '../../graph-store/index.ts';

/**
 * The rows of the audiences' own database:
 *
 *     mformat               version of this layout
 *     mnext                 the next member's number (4)
 *     n<level><type>\0<bucket>  numbers of the members whose places begin with these `level` bits: `<number (4)><length (2)><id>` each. A row for each
 *                           member would cost more than all else that freezing does; a bucket has some dozens
 *     o<block>              the names of `blockMembers` members in the order of their numbers: `<type>\0<id>\0` each
 *     a<id>                 an audience: what it is, as JSON
 *     b<id>                 its members: a roaring bitmap of their numbers, in the portable format
 *     k<key>                the audience that was frozen under this key of a client
 *
 * A member gets its number once and keeps it, whatever audiences come and go. `a`, `b` and `k` of an audience are put together, last: there is all of it or
 * nothing. Numbers that an audience that came to nothing had given out are no harm.
 */
export const audienceFormat = '1';
export const metaKey = {
  format: Buffer.from('mformat'),
  next: Buffer.from('mnext'),
  level: Buffer.from('mlevel'),
} as const;
export const blockMembers = 256;
export const memberNumbersMax = 2 ** 32;
export const audienceRange = { gte: Buffer.from('a'), lt: Buffer.from('b') } as const;

const levelMin = 8;
const levelMax = 24;
const bucketMembers = 64;

/** How many bits of a place tell buckets apart when there are so many members. */
export function levelOf(members: number): number {
  return Math.min(levelMax, Math.max(levelMin, Math.ceil(Math.log2(Math.max(1, members / bucketMembers)))));
}

/** Those that hold the members of one place, the finest first: one that was written when there were fewer members is complete for all that it covers. */
export const levelsFrom = (level: number): readonly number[] =>
  Array.from({ length: level - levelMin + 1 }, (_, i) => level - i);

export function bucketKey(level: number, type: string, place: number): Buffer {
  const key = Buffer.from(`n.${type}\0....`);
  key[1] = level;
  key.writeUInt32BE(place >>> (32 - level), key.length - 4);
  return key;
}

export function decodeBucket(bytes: Buffer): Map<string, number> {
  const members = new Map<string, number>();
  for (let at = 0; at < bytes.length; ) {
    const end = at + 6 + bytes.readUInt16BE(at + 4);
    members.set(bytes.toString('utf8', at + 6, end), bytes.readUInt32BE(at));
    at = end;
  }
  return members;
}

/** Of one member, without a string for each of the others; null when it is not among them. */
export function numberIn(bytes: Buffer, id: Buffer): number | null {
  const last = id[id.length - 1];
  for (let at = 0; at < bytes.length; ) {
    const from = at + 6;
    const to = from + bytes.readUInt16BE(at + 4);
    // Most differ by their last byte, which spares a call that costs more than all else here.
    if (to - from === id.length && bytes[to - 1] === last && bytes.compare(id, 0, id.length, from, to) === 0)
      return bytes.readUInt32BE(at);
    at = to;
  }
  return null;
}

/** Those that were in it, and more ids with their numbers. */
export function encodeBucket(
  before: ReadonlyMap<string, number> | null,
  ids: readonly string[],
  numbers: readonly number[],
): Buffer {
  // A character is three bytes at most.
  let most = 0;
  for (const id of before?.keys() ?? []) most += 6 + 3 * id.length;
  for (const id of ids) most += 6 + 3 * id.length;
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  for (const [id, number] of before ?? []) at = writeMember(bytes, at, id, number);
  for (const [i, id] of ids.entries()) at = writeMember(bytes, at, id, numbers[i] ?? 0);
  return bytes.subarray(0, at);
}

function writeMember(bytes: Buffer, at: number, id: string, number: number): number {
  const end = writeText(bytes, at + 6, id);
  bytes.writeUInt32BE(number, at);
  bytes.writeUInt16BE(end - at - 6, at + 4);
  return end;
}

/** By hand: most are ASCII, and shorter than a call into native code takes. */
function writeText(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 127) return at + bytes.write(text, at);
    bytes[at + i] = code;
  }
  return at + text.length;
}

export function numberValue(number: number): Buffer {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(number);
  return value;
}

export function blockKey(number: number): Buffer {
  return Buffer.concat([Buffer.from('o'), numberValue(Math.floor(number / blockMembers))]);
}

export function encodeBlock(members: readonly NodeRef[]): Buffer {
  let most = 0;
  for (const { type, id } of members) most += 3 * (type.length + id.length) + 2;
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  for (const { type, id } of members) {
    at = writeText(bytes, at, type);
    bytes[at++] = 0;
    at = writeText(bytes, at, id);
    bytes[at++] = 0;
  }
  return bytes.subarray(0, at);
}

export function decodeBlock(bytes: Buffer): NodeRef[] {
  const names = bytes.toString().split('\0');
  const members: NodeRef[] = [];
  for (let at = 0; at + 1 < names.length; at += 2)
    members.push({ type: names[at] ?? '', id: names[at + 1] ?? '' });
  return members;
}

export const audienceKey = (id: string): Buffer => Buffer.from(`a${id}`);
export const bitmapKey = (id: string): Buffer => Buffer.from(`b${id}`);
export const clientKey = (key: string): Buffer => Buffer.from(`k${key}`);

/** What is kept of an audience beside its members. */
export interface AudienceRow {
  readonly id: string;
  readonly name: string;
  /** Under which its client froze it. */
  readonly key: string;
  readonly memberType: string;
  /** As `encodeDefinition` writes it. */
  readonly definition: string;
  readonly askedBy: string | null;
  readonly frozenAtMs: number;
  readonly tookMs: number;
  readonly size: number;
  /** Of the bitmap. */
  readonly bytes: number;
  /** Members of whose edges only the newest were looked at. */
  readonly cutShort: number;
  /** How far each partition was when freezing began, and when it ended: what was applied in between may be in it or not. */
  readonly sources: readonly SourceJson[];
  readonly sourcesAfter: readonly SourceJson[];
}
