import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';
import { unreachable } from '../../foundation/index.ts';
import type { ColumnType, ColumnValue, ColumnValues } from '../columns.ts';
import type { PhysicalValues } from './page-values.ts';

/** Makes a file's values those of a column; null when no such values can be that column's. */
export type Convert = (values: PhysicalValues) => ColumnValues;

/** How a file's leaf is read as a column of this type, by Iceberg's rules for promotion; null when it cannot be. */
export function conversion(from: SchemaElement, to: ColumnType): Convert | null {
  switch (to.kind) {
    case 'boolean':
      return from.type === 'BOOLEAN' ? same : null;
    case 'int':
      return isInt(from) ? same : null;
    case 'long':
      return longFrom(from);
    case 'float':
      return from.type === 'FLOAT' ? same : null;
    case 'double':
      return from.type === 'DOUBLE' || from.type === 'FLOAT' ? same : null;
    case 'date':
      return isDate(from) ? same : null;
    case 'time':
      return timeFrom(from, 'TIME');
    case 'timestamp':
    case 'timestamptz':
      return from.type === 'INT96' ? fromInt96 : timeFrom(from, 'TIMESTAMP');
    case 'string':
      return from.type === 'BYTE_ARRAY' && !isDecimal(from) ? texts : null;
    case 'uuid':
      return isFixed(from, 16) ? same : null;
    case 'fixed':
      return isFixed(from, to.bytes) ? same : null;
    case 'binary':
      return (from.type === 'BYTE_ARRAY' || from.type === 'FIXED_LEN_BYTE_ARRAY') && !isDecimal(from)
        ? same
        : null;
    case 'decimal':
      return decimalFrom(from, to.precision, to.scale);
    case 'struct':
    case 'list':
    case 'map':
      return null;
    default:
      return unreachable(to);
  }
}

/** A bound of a file's statistics in the unit its column has here; null when it has none that can be compared. */
export function wholeBound(from: SchemaElement, value: unknown, isUpper: boolean): bigint | null {
  if (isDecimal(from) || (from.type !== 'INT32' && from.type !== 'INT64')) return null;
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return null;
  const whole = BigInt(value);
  const unit = unitOf(from);
  if (unit === 'MILLIS') return whole * 1_000n;
  if (unit !== 'NANOS') return whole;
  const floor = floorMicros(whole);
  return isUpper && floor * 1_000n !== whole ? floor + 1n : floor;
}

const same: Convert = (values) => values;

const texts: Convert = (values) =>
  mapped(values, (value) => {
    if (!(value instanceof Uint8Array) || !isUtf8(value)) throw new Error('a text is not UTF-8');
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  });

function mapped(
  values: PhysicalValues,
  change: (value: PhysicalValues[number]) => ColumnValue,
): ColumnValue[] {
  const output = new Array<ColumnValue>(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (value === undefined) throw new Error('its values end early');
    output[index] = change(value);
  }
  return output;
}

function isInt({ type, converted_type, logical_type }: SchemaElement): boolean {
  if (type !== 'INT32') return false;
  if (converted_type !== undefined && !/^U?INT_(8|16)$|^INT_32$/.test(converted_type)) return false;
  return logical_type === undefined || logical_type.type === 'INTEGER'
    ? !(logical_type?.type === 'INTEGER' && !logical_type.isSigned && logical_type.bitWidth === 32)
    : false;
}

function isUnsigned32({ type, converted_type, logical_type }: SchemaElement): boolean {
  if (type !== 'INT32') return false;
  return (
    converted_type === 'UINT_32' ||
    (logical_type?.type === 'INTEGER' && !logical_type.isSigned && logical_type.bitWidth === 32)
  );
}

function longFrom(from: SchemaElement): Convert | null {
  if (isUnsigned32(from)) return (values) => mapped(values, (value) => BigInt(Number(value) >>> 0));
  if (isInt(from))
    return (values) =>
      values instanceof Int32Array
        ? BigInt64Array.from(values, (value) => BigInt(value))
        : mapped(values, (value) => BigInt(Number(value)));
  if (from.type !== 'INT64') return null;
  const { converted_type: converted, logical_type: logical } = from;
  if (converted !== undefined && converted !== 'INT_64') return null;
  return logical === undefined || (logical.type === 'INTEGER' && logical.isSigned) ? same : null;
}

function isDate({ type, converted_type, logical_type }: SchemaElement): boolean {
  return type === 'INT32' && (converted_type === 'DATE' || logical_type?.type === 'DATE');
}

function unitOf({ converted_type, logical_type }: SchemaElement): 'MILLIS' | 'MICROS' | 'NANOS' | null {
  if (logical_type?.type === 'TIMESTAMP' || logical_type?.type === 'TIME') return logical_type.unit;
  if (converted_type === 'TIMESTAMP_MILLIS' || converted_type === 'TIME_MILLIS') return 'MILLIS';
  if (converted_type === 'TIMESTAMP_MICROS' || converted_type === 'TIME_MICROS') return 'MICROS';
  return null;
}

function timeFrom(from: SchemaElement, kind: 'TIME' | 'TIMESTAMP'): Convert | null {
  const { type, converted_type: converted, logical_type: logical } = from;
  const isOfKind = logical === undefined ? converted?.startsWith(`${kind}_`) === true : logical.type === kind;
  if (!isOfKind || (type !== 'INT64' && !(kind === 'TIME' && type === 'INT32'))) return null;
  const unit = unitOf(from);
  if (unit === 'MICROS') return type === 'INT64' ? same : null;
  if (unit === 'MILLIS') return (values) => mapped(values, (value) => whole(value) * 1_000n);
  return unit === 'NANOS' ? (values) => mapped(values, (value) => floorMicros(whole(value))) : null;
}

function whole(value: PhysicalValues[number]): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  throw new Error('a time is no number');
}

function floorMicros(nanos: bigint): bigint {
  const micros = nanos / 1_000n;
  return nanos < 0n && micros * 1_000n !== nanos ? micros - 1n : micros;
}

/** Nanoseconds of the day, then the Julian day, as old writers have it. */
const fromInt96: Convert = (values) =>
  mapped(values, (value) => {
    if (!(value instanceof Uint8Array)) throw new Error('a time has not 12 bytes');
    const view = new DataView(value.buffer, value.byteOffset, 12);
    const days = BigInt(view.getInt32(8, true)) - 2_440_588n;
    return days * 86_400_000_000n + floorMicros(view.getBigInt64(0, true));
  });

function isFixed({ type, type_length, converted_type }: SchemaElement, bytes: number): boolean {
  return type === 'FIXED_LEN_BYTE_ARRAY' && type_length === bytes && converted_type !== 'DECIMAL';
}

function isDecimal({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL';
}

function decimalFrom(from: SchemaElement, precision: number, scale: number): Convert | null {
  if (!isDecimal(from)) return null;
  const said = from.logical_type?.type === 'DECIMAL' ? from.logical_type : from;
  if ((said.scale ?? 0) !== scale || (said.precision ?? 0) > precision) return null;
  return (values) =>
    mapped(values, (value) => {
      if (typeof value === 'number') return BigInt(value);
      if (typeof value === 'bigint') return value;
      if (!(value instanceof Uint8Array) || value.length === 0 || value.length > 32)
        throw new Error('a decimal has an impossible number of bytes');
      const hex = Buffer.from(value).toString('hex');
      return BigInt.asIntN(value.length * 8, BigInt(`0x${hex}`));
    });
}
