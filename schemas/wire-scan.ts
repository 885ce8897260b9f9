import { AssertionError } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import avsc, { type Type } from 'avsc';
import { BadDataError } from '../foundation/index.ts';
import { typeWeight } from './avro-type.ts';
import { type FieldTree, fieldTree } from './field-tree.ts';

/** What one record's Avro bytes may cost. */
export interface WireLimits {
  readonly bytesMax: number;
  /** Values in all arrays and maps together: items times the values in each, nulls included. */
  readonly valuesMax: number;
  /** Records, arrays, maps and unions inside each other. */
  readonly depthMax: number;
}

export const wireLimitsDefault: WireLimits = { bytesMax: 4_194_304, valuesMax: 100_000, depthMax: 64 };

/**
 * Checks the datum between `start` and `end`. Throws `BadDataError`: `AVRO_LIMIT` when it costs more than the limits
 * allow, `AVRO_MALFORMED` when it is not exactly one datum of the schema. Keeps nothing, allocates nothing.
 */
export type WireScan = (bytes: Uint8Array, start: number, end: number) => void;

/** Where the datum that begins at `start` ends, of a row of them. Throws as a scan does, but for text that is not UTF-8. */
export type WireLength = (bytes: Uint8Array, start: number) => number;

interface Cursor {
  bytes: Uint8Array;
  pos: number;
  end: number;
  valuesLeft: number;
  depthLeft: number;
  readonly checksText: boolean;
  /** Of the fields that are asked for, by their numbers. */
  readonly places: Int32Array;
}

type Step = (cursor: Cursor) => void;

/** Collects the path on its way up, so that the common case pays nothing for knowing where it is. */
class WireFault extends Error {
  readonly code: string;
  readonly pos: number;
  readonly path: string[] = [];

  constructor(code: string, pos: number, found: string) {
    super(found);
    this.code = code;
    this.pos = pos;
  }
}

function malformed(cursor: Cursor, found: string): never {
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

function fixedSkip(size: number): Step {
  return (cursor) => {
    if (size > cursor.end - cursor.pos) malformed(cursor, `the end before ${size} bytes`);
    cursor.pos += size;
  };
}

function skipNull(): void {
  // A null has no bytes.
}

function enumSkip(symbols: number): Step {
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

function unionSkip(branches: readonly Step[]): Step {
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

interface NamedStep {
  readonly name: string;
  skip: Step;
}

function notingStep(number: number, skip: Step): Step {
  return (cursor) => {
    cursor.places[number] = cursor.pos;
    skip(cursor);
  };
}

function recordSkip(fields: readonly NamedStep[]): Step {
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
function blocksSkip(item: Step, itemWeight: number, keyed: boolean): Step {
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

/** Stands for the step of a type that is still being compiled: a recursion. */
function unfinished(): void {
  throw new AssertionError({ message: 'a scan step was run before it was compiled' });
}

/** Steps by type: a recursive record refers to itself through the holder that is filled in at the end. */
class ScanCompiler {
  readonly #steps = new Map<Type, NamedStep>();
  readonly #weights = new Map<Type, number>();

  step(type: Type): Step {
    const known = this.#steps.get(type);
    if (known !== undefined) return known.skip === unfinished ? (cursor) => known.skip(cursor) : known.skip;
    const holder: NamedStep = { name: '', skip: unfinished };
    this.#steps.set(type, holder);
    holder.skip = this.#compile(type);
    return holder.skip;
  }

  /** As {@link step}, noting where the fields of the tree begin. A record is compiled for its place, since its type may stand in several. */
  noting(type: Type, tree: FieldTree): Step {
    const skip =
      tree.fields.size > 0 && type instanceof avsc.types.RecordType
        ? recordSkip(type.fields.map((field) => ({ name: field.name, skip: this.#field(field, tree) })))
        : this.step(type);
    return tree.number === null ? skip : notingStep(tree.number, skip);
  }

  #field({ name, type }: avsc.types.RecordType['fields'][number], tree: FieldTree): Step {
    const inner = tree.fields.get(name);
    return inner === undefined ? this.step(type) : this.noting(type, inner);
  }

  #compile(type: Type): Step {
    const { types } = avsc;
    if (type instanceof types.RecordType) {
      return recordSkip(type.fields.map((field) => ({ name: field.name, skip: this.step(field.type) })));
    }
    if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType) {
      return unionSkip(type.types.map((branch) => this.step(branch)));
    }
    if (type instanceof types.ArrayType) {
      return blocksSkip(this.step(type.itemsType), typeWeight(type.itemsType, this.#weights), false);
    }
    if (type instanceof types.MapType) {
      return blocksSkip(this.step(type.valuesType), typeWeight(type.valuesType, this.#weights), true);
    }
    if (type instanceof types.EnumType) return enumSkip(type.symbols.length);
    if (type instanceof types.FixedType) return fixedSkip(type.size);
    return primitiveSkip(type);
  }
}

const primitiveSkips: ReadonlyMap<string, Step> = new Map([
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

function primitiveSkip(type: Type): Step {
  const skip = primitiveSkips.get(type.typeName);
  if (skip !== undefined) return skip;
  throw new BadDataError(
    'SCHEMA_INVALID',
    `The schema holds a ${type.typeName}, which the wire scan does not know.`,
  );
}

/**
 * Compiles the writer's schema to closures that walk a datum before avsc does.
 *
 * avsc reads optimistically: six bytes can make it build 2^31 nulls, five can make it skip for ever. Everything that
 * it would have to take on trust (counts, lengths, branches, nesting) is checked here first.
 */
export function compileWireScan(type: Type, limits: WireLimits = wireLimitsDefault): WireScan {
  const walk = compileWalk(new ScanCompiler().step(type), limits, true, noPlaces);
  return bounded(walk, limits);
}

/** A scan that also says where fields of the datum begin. */
export interface PlacedScan {
  readonly scan: WireScan;
  /** By the numbers of the paths, until the next scan. */
  readonly places: Int32Array;
}

/** As {@link compileWireScan}. Each path is of names of fields, through records alone: see `plainField`. */
export function compilePlacedScan(
  type: Type,
  limits: WireLimits,
  paths: readonly (readonly string[])[],
): PlacedScan {
  const places = new Int32Array(paths.length);
  const step = new ScanCompiler().noting(type, fieldTree(paths));
  return { scan: bounded(compileWalk(step, limits, true, places), limits), places };
}

function bounded(walk: Walk, limits: WireLimits): WireScan {
  return (bytes, start, end) => {
    if (end - start > limits.bytesMax) {
      throw new BadDataError(
        'AVRO_LIMIT',
        `The event has ${end - start} bytes; the limit is ${limits.bytesMax}.`,
      );
    }
    walk(bytes, start, end, true);
  };
}

/** As {@link compileWireScan}, where nothing but the datum itself says how long it is. */
export function compileWireLength(type: Type, limits: Omit<WireLimits, 'bytesMax'>): WireLength {
  const walk = compileWalk(new ScanCompiler().step(type), limits, false, noPlaces);
  return (bytes, start) => walk(bytes, start, bytes.length, false);
}

type Walk = (bytes: Uint8Array, start: number, end: number, isWhole: boolean) => number;

const noPlaces = new Int32Array(0);

function compileWalk(
  step: Step,
  limits: Omit<WireLimits, 'bytesMax'>,
  checksText: boolean,
  places: Int32Array,
): Walk {
  const nothing = new Uint8Array(0);
  const cursor: Cursor = { bytes: nothing, pos: 0, end: 0, valuesLeft: 0, depthLeft: 0, checksText, places };
  return (bytes, start, end, isWhole) => {
    cursor.bytes = bytes;
    cursor.pos = start;
    cursor.end = end;
    cursor.valuesLeft = limits.valuesMax;
    cursor.depthLeft = limits.depthMax;
    try {
      step(cursor);
      if (isWhole && cursor.pos !== end) malformed(cursor, `${end - cursor.pos} bytes too many`);
      return cursor.pos;
    } catch (fault) {
      throw fault instanceof WireFault ? describe(fault, start) : fault;
    } finally {
      // The scan outlives the record: it must not keep a whole fetch alive.
      cursor.bytes = nothing;
    }
  };
}

function describe(fault: WireFault, start: number): BadDataError {
  // A path grows with every level of a recursion: the outermost names say enough.
  const path = fault.path.slice(0, 16).join('.').replaceAll('.[', '[');
  const place = path === '' ? '' : ` in \`${path}\``;
  return new BadDataError(
    fault.code,
    `The event's bytes hold ${fault.message}${place} (byte ${fault.pos - start}).`,
    { context: { path } },
  );
}
