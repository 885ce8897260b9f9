import { AssertionError } from 'node:assert';
import avsc, { type Type } from 'avsc';
import { BadDataError } from '../foundation/index.ts';
import { typeWeight } from './avro-type.ts';
import { type FieldTree, fieldTree } from './field-tree.ts';
import {
  blocksSkip,
  type Cursor,
  enumSkip,
  fixedSkip,
  malformed,
  type NamedStep,
  notingStep,
  primitiveSkips,
  recordSkip,
  type Step,
  unionSkip,
  WireFault,
} from './wire-steps.ts';

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
