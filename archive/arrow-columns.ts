import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import { assert, unreachable } from '../foundation/index.ts';
import type { Column, ColumnValue, PlainKind } from './columns.ts';

const offsetMax = 2_147_483_647;

export function arrowField({ name, required, type }: Column): Field {
  return new Field(name, arrowType(type), !required);
}

function arrowType(type: Column['type']): DataType {
  switch (type.kind) {
    case 'fixed':
      return new FixedSizeBinary(type.bytes);
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128);
    case 'struct':
      return new Struct(type.fields.map(arrowField));
    case 'list':
      return new List(arrowField({ ...type.element, name: 'element' }));
    case 'map':
      return new Map_(new Field('entries', entryType(type.key, type.value), false));
    default:
      return plainType(type.kind);
  }
}

function entryType(key: Column, value: Column): Struct<{ key: DataType; value: DataType }> {
  const fields = [
    arrowField({ ...key, name: 'key', required: true }),
    arrowField({ ...value, name: 'value' }),
  ];
  return new Struct<{ key: DataType; value: DataType }>(fields);
}

function plainType(kind: PlainKind): DataType {
  switch (kind) {
    case 'boolean':
      return new Bool();
    case 'int':
      return new Int32();
    case 'long':
      return new Int64();
    case 'float':
      return new Float32();
    case 'double':
      return new Float64();
    case 'date':
      return new DateDay();
    case 'time':
      return new TimeMicrosecond();
    case 'timestamp':
      return new TimestampMicrosecond();
    case 'timestamptz':
      return new TimestampMicrosecond('UTC');
    case 'string':
      return new Utf8();
    case 'uuid':
      return new FixedSizeBinary(16);
    case 'binary':
      return new Binary();
    default:
      return unreachable(kind);
  }
}

/**
 * Values in Arrow's memory. The library's own builders go through doubles and milliseconds for times, and lose microseconds.
 */
export function arrowData(column: Column, values: readonly ColumnValue[]): Data {
  const { type } = column;
  const length = values.length;
  const nulls = nullBits(values);
  switch (type.kind) {
    case 'string': {
      const { valueOffsets, data } = concatenated(values.map((value) => Buffer.from(String(value ?? ''))));
      return makeData({ type: new Utf8(), length, ...nulls, valueOffsets, data });
    }
    case 'binary': {
      const { valueOffsets, data } = concatenated(values.map(bytesOf));
      return makeData({ type: new Binary(), length, ...nulls, valueOffsets, data });
    }
    case 'uuid':
      return fixedData(values, 16, nulls);
    case 'fixed':
      return fixedData(values, type.bytes, nulls);
    case 'decimal': {
      const data = new Uint32Array(new BigUint64Array(values.flatMap(words)).buffer);
      return makeData({ type: new Decimal(type.scale, type.precision, 128), length, ...nulls, data });
    }
    case 'struct':
      return structData(new Struct(type.fields.map(arrowField)), type.fields, values);
    case 'list': {
      const { items, valueOffsets } = flattened(values);
      const child = arrowData(type.element, items);
      return makeData({
        type: new List(arrowField({ ...type.element, name: 'element' })),
        length,
        ...nulls,
        valueOffsets,
        child,
      });
    }
    case 'map': {
      const { items, valueOffsets } = flattened(values);
      const entries = entryType(type.key, type.value);
      const parts = [
        { ...type.key, name: 'key' },
        { ...type.value, name: 'value' },
      ];
      const child = structData(entries, parts, items);
      return makeData({
        type: new Map_(new Field('entries', entries, false)),
        length,
        ...nulls,
        valueOffsets,
        child,
      });
    }
    default:
      return fixedWidthData(type.kind, values, nulls);
  }
}

type FixedWidthKind = Exclude<PlainKind, 'string' | 'binary' | 'uuid'>;

function fixedWidthData(kind: FixedWidthKind, values: readonly ColumnValue[], nulls: Nulls): Data {
  const length = values.length;
  switch (kind) {
    case 'boolean':
      return makeData({ type: new Bool(), length, ...nulls, data: bits(values, (value) => value === true) });
    case 'int':
      return makeData({ type: new Int32(), length, ...nulls, data: Int32Array.from(values, numberOf) });
    case 'long':
      return makeData({ type: new Int64(), length, ...nulls, data: BigInt64Array.from(values, wholeOf) });
    case 'float':
      return makeData({ type: new Float32(), length, ...nulls, data: Float32Array.from(values, numberOf) });
    case 'double':
      return makeData({ type: new Float64(), length, ...nulls, data: Float64Array.from(values, numberOf) });
    case 'date':
      return makeData({ type: new DateDay(), length, ...nulls, data: Int32Array.from(values, numberOf) });
    case 'time':
      return makeData({
        type: new TimeMicrosecond(),
        length,
        ...nulls,
        data: BigInt64Array.from(values, wholeOf),
      });
    case 'timestamp':
    case 'timestamptz': {
      const zone = kind === 'timestamptz' ? 'UTC' : null;
      const data = BigInt64Array.from(values, wholeOf);
      return makeData({ type: new TimestampMicrosecond(zone), length, ...nulls, data });
    }
    default:
      return unreachable(kind);
  }
}

function structData(type: Struct, fields: readonly Column[], values: readonly ColumnValue[]): Data {
  const children = fields.map((field) =>
    arrowData(
      field,
      values.map((value) => fieldOf(value, field.name)),
    ),
  );
  return makeData({ type, length: values.length, ...nullBits(values), children });
}

function fieldOf(value: ColumnValue, name: string): ColumnValue {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
  const found = Object.getOwnPropertyDescriptor(value, name)?.value;
  return found ?? null;
}

function fixedData(values: readonly ColumnValue[], width: number, nulls: Nulls): Data {
  const data = new Uint8Array(values.length * width);
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const bytes = bytesOf(value);
    assert(bytes.length === width, `a value has ${width} bytes`);
    data.set(bytes, index * width);
  }
  return makeData({ type: new FixedSizeBinary(width), length: values.length, ...nulls, data });
}

interface Nulls {
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array | null;
}

function nullBits(values: readonly ColumnValue[]): Nulls {
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  return { nullCount, nullBitmap: nullCount === 0 ? null : bits(values, (value) => value !== null) };
}

function bits(values: readonly ColumnValue[], isSet: (value: ColumnValue) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 64) * 8);
  for (const [index, value] of values.entries())
    if (isSet(value)) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
  return bytes;
}

function concatenated(parts: readonly Uint8Array[]): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = new Int32Array(parts.length + 1);
  let at = 0;
  for (const [index, part] of parts.entries()) {
    at += part.length;
    assert(at <= offsetMax, 'a page of rows holds less than two gigabytes');
    valueOffsets[index + 1] = at;
  }
  const data = new Uint8Array(at);
  for (const [index, part] of parts.entries()) data.set(part, valueOffsets[index] ?? 0);
  return { valueOffsets, data };
}

function flattened(values: readonly ColumnValue[]): { items: ColumnValue[]; valueOffsets: Int32Array } {
  const valueOffsets = new Int32Array(values.length + 1);
  const items: ColumnValue[] = [];
  for (const [index, value] of values.entries()) {
    if (Array.isArray(value)) for (const item of value) items.push(item);
    valueOffsets[index + 1] = items.length;
  }
  return { items, valueOffsets };
}

function words(value: ColumnValue): readonly bigint[] {
  const whole = wholeOf(value);
  return [BigInt.asUintN(64, whole), BigInt.asUintN(64, whole >> 64n)];
}

function numberOf(value: ColumnValue): number {
  assert(value === null || typeof value === 'number', 'a number is one');
  return value ?? 0;
}

function wholeOf(value: ColumnValue): bigint {
  assert(value === null || typeof value === 'bigint', 'a long is a bigint');
  return value ?? 0n;
}

function bytesOf(value: ColumnValue): Uint8Array {
  assert(value === null || value instanceof Uint8Array, 'bytes are a Uint8Array');
  return value ?? new Uint8Array();
}
