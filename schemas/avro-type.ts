import avsc, { type Schema, type Type, type types } from 'avsc';
import { BadDataError } from '../foundation/index.ts';
import { type LogicalType, logicalTypeOf } from './logical-type.ts';
import { SafeRecordType } from './safe-record-type.ts';
import { isObject, parseSchemaText, type SchemaLimits, schemaLimitsDefault } from './schema-text.ts';

/** The part of avsc's cursor that our own types read through. */
interface WireTap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
}

interface MapReader {
  readonly valuesType: { _read(tap: WireTap): unknown };
}

/**
 * A fresh `long` type whose values are bigint, whatever their size: avsc's own reads doubles and refuses values beyond
 * 2^53. Fresh because a timestamp is told from a plain long by the identity of its type.
 */
function bigintLong(): types.LongType {
  const long = avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.allocUnsafe(8);
      buffer.writeBigInt64LE(BigInt(value));
      return buffer;
    },
    fromJSON: (value: number | string | bigint) => BigInt(value),
    toJSON: (value: bigint) => {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    },
    isValid: (value: unknown) => isLong(value),
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  });
  return Object.create(long, { _read: { value: readBigint } });
}

/** Bytes of seven bits that a safe integer holds for certain. */
const safeBytes = 7;
/** Ten bytes of seven bits. */
const longBits = 70n;

/** avsc would unfold each number into a buffer of its own, for `fromBuffer`. Past the end it reads noughts: avsc looks at the place afterwards. */
function readBigint(tap: WireTap): bigint {
  const { buf } = tap;
  const isNegative = ((buf[tap.pos] ?? 0) & 1) === 1;
  let low = 0;
  for (let read = 0, factor = 1; read < safeBytes; read += 1, factor *= 128) {
    const byte = buf[tap.pos++] ?? 0;
    low += (byte & 127) * factor;
    if (byte < 128) return BigInt(isNegative ? -(low + 1) / 2 : low / 2);
  }
  let zigzag = BigInt(low);
  for (let shift = BigInt(7 * safeBytes); shift < longBits; shift += 7n) {
    const byte = buf[tap.pos++] ?? 0;
    zigzag |= BigInt(byte & 127) << shift;
    if (byte < 128) break;
  }
  return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n));
}

/** Whole numbers pass too, so that a time in milliseconds can be encoded as it comes from a clock. */
function isLong(value: unknown): boolean {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value;
  return Number.isSafeInteger(value);
}

/** avsc reads a map into a plain object, where the key `__proto__` vanishes into the prototype. */
function readMap(this: MapReader, tap: WireTap): object {
  const map: Record<string, unknown> = Object.create(null);
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) {
      count = -count;
      tap.skipLong();
    }
    for (; count > 0; count -= 1) {
      const key = tap.readString();
      map[key] = this.valuesType._read(tap);
    }
  }
  return map;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A parsed schema with its avsc type.
 *
 * Values that the type reads: `long` is always a bigint; every logical type (timestamp, uuid, date, decimal, time, duration) is
 * read as the type below it, so nothing is rounded, and {@link AvroSchema.logicalType} says what it means. Unions are
 * read bare where the value alone tells the branch (every `["null", X]` does) and as `{branch: value}` otherwise: avsc's `auto`.
 * Maps have no prototype.
 */
export class AvroSchema {
  readonly text: string;
  /** The JSON as parsed; holds foreign attributes such as `graph`. */
  readonly json: unknown;
  readonly type: Type;
  readonly #logical = new Map<Type, LogicalType>();

  /** Throws `BadDataError`: `SCHEMA_INVALID` or `SCHEMA_TOO_LARGE`. */
  constructor(text: string, limits: SchemaLimits = schemaLimitsDefault) {
    this.text = text;
    this.json = parseSchemaText(text, limits);
    this.type = this.#compile();
    const weight = typeWeight(this.type);
    if (weight > limits.recordValuesMax) {
      throw new BadDataError(
        'SCHEMA_TOO_LARGE',
        `One record of the schema holds ${weight} values; the limit is ${limits.recordValuesMax}.`,
      );
    }
  }

  /** The full name of the record; null when the schema is no named type. */
  get name(): string | null {
    return this.type.name ?? null;
  }

  /** The mapping as declared, unchecked; undefined when the schema carries none. */
  get graph(): unknown {
    return isObject(this.json) ? this.json.graph : undefined;
  }

  /** What a value of this type, which must be one of this schema's, means beyond its bytes; null when nothing. */
  logicalType(type: Type): LogicalType | null {
    return this.#logical.get(type) ?? null;
  }

  #compile(): Type {
    const long = bigintLong();
    const typeHook = (schema: unknown, opts: unknown): Type | undefined => {
      if (schema === 'long') return long;
      if (!isObject(schema)) return undefined;
      const logical = logicalTypeOf(schema);
      if (logical !== null) {
        const type = carrier(schema, opts);
        this.#logical.set(type, logical);
        return type;
      }
      if (schema.type === 'long') return long;
      if (schema.type === 'record') return new SafeRecordType(asSchema(schema), opts);
      if (schema.type === 'map') {
        const map = new avsc.types.MapType({ type: 'map', values: asSchema(schema.values) }, opts);
        return Object.create(map, { _read: { value: readMap } });
      }
      return undefined;
    };
    try {
      // A registry without prototype: else a type named `toString` would be found in it.
      return avsc.Type.forSchema(asSchema(this.json), {
        registry: Object.create(null),
        typeHook,
        omitRecordMethods: true,
      });
    } catch (cause) {
      if (cause instanceof BadDataError) throw cause;
      throw new BadDataError('SCHEMA_INVALID', `The schema is not valid Avro: ${messageOf(cause)}.`, {
        cause,
      });
    }
  }
}

/** A type of its own for each place, because a logical type is told by the identity of its type. */
function carrier(schema: Readonly<Record<string, unknown>>, opts: unknown): Type {
  switch (schema.type) {
    case 'int':
      return new avsc.types.IntType();
    case 'string':
      return new avsc.types.StringType();
    case 'bytes':
      return new avsc.types.BytesType();
    case 'fixed':
      return new avsc.types.FixedType(asSchema(schema), opts);
    default:
      return bigintLong();
  }
}

/** avsc checks the rest of a schema's shape itself. */
function isSchema(json: unknown): json is Schema {
  return typeof json === 'string' || Array.isArray(json) || (isObject(json) && 'type' in json);
}

function asSchema(json: unknown): Schema {
  if (isSchema(json)) return json;
  throw new BadDataError(
    'SCHEMA_INVALID',
    'A type in the schema is neither a name, a union nor an object with a `type`.',
  );
}

/**
 * How many values one datum of this type holds, nulls and records included, items of arrays and maps not. Schemas in which
 * record A holds two B, which hold two C each, … are short and yet their smallest datum is huge: this number shows it.
 */
export function typeWeight(type: Type, known = new Map<Type, number>()): number {
  const before = known.get(type);
  if (before !== undefined) return before;
  // Stands while a recursive type is being weighed: a recursion can only end in a union, an array or a map.
  known.set(type, 1);
  let weight = 1;
  if (type instanceof avsc.types.RecordType) {
    for (const field of type.fields) weight += typeWeight(field.type, known);
  } else if (type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType) {
    for (const branch of type.types) weight = Math.max(weight, typeWeight(branch, known));
  } else if (type instanceof avsc.types.ArrayType) {
    typeWeight(type.itemsType, known);
  } else if (type instanceof avsc.types.MapType) {
    typeWeight(type.valuesType, known);
  }
  known.set(type, weight);
  return weight;
}
