import { isUtf8 } from 'node:buffer';

/** Where a walk over one datum is, and what it may still cost. */
export interface Cursor {
  bytes: Uint8Array;
  pos: number;
  end: number;
  valuesLeft: number;
  depthLeft: number;
  readonly checksText: boolean;
  /** Of the fields that are asked for, by their numbers. */
  readonly places: Int32Array;
}

/** Moves the cursor over one value, or throws a {@link WireFault}. */
export type Step = (cursor: Cursor) => void;

/** Collects the path on its way up, so that the common case pays nothing for knowing where it is. */
export class WireFault extends Error {
  readonly code: string;
  readonly pos: number;
  readonly path: string[] = [];

  constructor(code: string, pos: number, found: string) {
    super(found);
    this.code = code;
    this.pos = pos;
  }
}

export function malformed(cursor: Cursor, found: string): never {
  throw new WireFault('AVRO_MALFORMED', cursor.pos, found);
}

function within(fault: unknown, name: string): unknown {
  if (fault instanceof WireFault) fault.path.unshift(name);
  return fault;
}

/** A varint of up to 64 bits that need not be looked at. */
function skipLong(cursor: Cursor): void {
  const { bytes, end } = cursor;
  let pos = cursor.pos;
  const last = pos + 9;
  while (pos < end) {
    const byte = bytes[pos] ?? 0;
    if (byte < 0x80) {
      if (pos === last && byte > 1) malformed(cursor, 'a long of more than 64 bits');
      cursor.pos = pos + 1;
      return;
    }
    if (pos === last) malformed(cursor, 'a long of more than ten bytes');
    pos += 1;
  }
  malformed(cursor, 'a long that goes on past the end');
}

function skipInt(cursor: Cursor): void {
  const { bytes, end } = cursor;
  let pos = cursor.pos;
  const last = pos + 4;
  while (pos < end) {
    const byte = bytes[pos] ?? 0;
    if (byte < 0x80) {
      if (pos === last && byte > 0x0f) malformed(cursor, 'an int of more than 32 bits');
      cursor.pos = pos + 1;
      return;
    }
    if (pos === last) malformed(cursor, 'an int of more than five bytes');
    pos += 1;
  }
  malformed(cursor, 'an int that goes on past the end');
}

/** A length, count, branch or symbol number; exact up to 2^53, beyond that only its size matters. */
function readNumber(cursor: Cursor): number {
  const start = cursor.pos;
  if (start >= cursor.end) malformed(cursor, 'the end');
  const first = cursor.bytes[start] ?? 0;
  if (first < 0x80) {
    cursor.pos = start + 1;
    return (first & 1) === 0 ? first >>> 1 : -((first + 1) >>> 1);
  }
  skipLong(cursor);
  let unsigned = 0;
  for (let pos = cursor.pos - 1; pos >= start; pos -= 1) {
    unsigned = unsigned * 128 + ((cursor.bytes[pos] ?? 0) & 0x7f);
  }
  return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
}

function skipBoolean(cursor: Cursor): void {
  if (cursor.pos >= cursor.end) malformed(cursor, 'the end instead of a boolean');
  if ((cursor.bytes[cursor.pos] ?? 0) > 1) malformed(cursor, 'a boolean that is neither 0 nor 1');
  cursor.pos += 1;
}

function skipBytes(cursor: Cursor): void {
  const length = readNumber(cursor);
  if (length < 0 || length > cursor.end - cursor.pos) malformed(cursor, `a length of ${length} bytes`);
  cursor.pos += length;
}

function skipString(cursor: Cursor): void {
  const length = readNumber(cursor);
  const start = cursor.pos;
  if (length < 0 || length > cursor.end - start) malformed(cursor, `a length of ${length} bytes`);
  const { bytes } = cursor;
  const end = start + length;
  for (let pos = start; pos < end; pos += 1) {
    if ((bytes[pos] ?? 0) >= 0x80) {
      if (cursor.checksText && !isUtf8(bytes.subarray(pos, end))) malformed(cursor, 'text that is not UTF-8');
      break;
    }
  }
  cursor.pos = end;
}

export function fixedSkip(size: number): Step {
  return (cursor) => {
    if (size > cursor.end - cursor.pos) malformed(cursor, `the end before ${size} bytes`);
    cursor.pos += size;
  };
}

function skipNull(): void {
  // A null has no bytes.
}

export function enumSkip(symbols: number): Step {
  return (cursor) => {
    const index = readNumber(cursor);
    if (index < 0 || index >= symbols) malformed(cursor, `symbol ${index} of an enum of ${symbols}`);
  };
}

function enter(cursor: Cursor): void {
  cursor.depthLeft -= 1;
  if (cursor.depthLeft < 0)
    throw new WireFault('AVRO_LIMIT', cursor.pos, 'values nested deeper than the limit');
}

export function unionSkip(branches: readonly Step[]): Step {
  return (cursor) => {
    const index = readNumber(cursor);
    const branch = branches[index];
    if (branch === undefined) malformed(cursor, `branch ${index} of a union of ${branches.length}`);
    else {
      enter(cursor);
      branch(cursor);
      cursor.depthLeft += 1;
    }
  };
}

export interface NamedStep {
  readonly name: string;
  skip: Step;
}

export function notingStep(number: number, skip: Step): Step {
  return (cursor) => {
    cursor.places[number] = cursor.pos;
    skip(cursor);
  };
}

export function recordSkip(fields: readonly NamedStep[]): Step {
  return (cursor) => {
    enter(cursor);
    let at = 0;
    try {
      for (; at < fields.length; at += 1) fields[at]?.skip(cursor);
    } catch (fault) {
      throw within(fault, fields[at]?.name ?? '');
    }
    cursor.depthLeft += 1;
  };
}

/** Arrays, and maps with their keys. Charges a block's items before it looks at the first one. */
export function blocksSkip(item: Step, itemWeight: number, keyed: boolean): Step {
  return (cursor) => {
    enter(cursor);
    for (let count = readNumber(cursor); count !== 0; count = readNumber(cursor)) {
      let blockEnd = -1;
      if (count < 0) {
        count = -count;
        const size = readNumber(cursor);
        if (size < 0 || size > cursor.end - cursor.pos) malformed(cursor, `a block of ${size} bytes`);
        blockEnd = cursor.pos + size;
      }
      cursor.valuesLeft -= count * itemWeight;
      if (cursor.valuesLeft < 0)
        throw new WireFault('AVRO_LIMIT', cursor.pos, `a block of ${count} items, too many`);
      skipItems(cursor, item, count, keyed);
      // avsc trusts the size when it skips and ignores it when it reads: only where both agree is the datum one thing.
      if (blockEnd >= 0 && cursor.pos !== blockEnd)
        malformed(cursor, 'a block that does not end where it says');
    }
    cursor.depthLeft += 1;
  };
}

function skipItems(cursor: Cursor, item: Step, count: number, keyed: boolean): void {
  let index = 0;
  try {
    for (; index < count; index += 1) {
      if (keyed) skipString(cursor);
      item(cursor);
    }
  } catch (fault) {
    throw within(fault, `[${index}]`);
  }
}

/** By avsc's names of types. */
export const primitiveSkips: ReadonlyMap<string, Step> = new Map([
  ['null', skipNull],
  ['boolean', skipBoolean],
  ['int', skipInt],
  ['long', skipLong],
  ['abstract:long', skipLong],
  ['float', fixedSkip(4)],
  ['double', fixedSkip(8)],
  ['bytes', skipBytes],
  ['string', skipString],
]);
