import type { Column, ColumnType, ColumnValue, MapEntry } from './columns.ts';
import { type ColumnIdsByPath, columnOfField } from './event-columns.ts';
import type { EventField, EventType, Leaf } from './event-fields.ts';

/** A value as avsc reads it, as its column takes it; null when it cannot. */
export type ReadValue = (value: unknown) => ColumnValue;

const longMax = 2n ** 63n - 1n;
const longMin = -(2n ** 63n);
const microsecondsOfDay = 86_400_000_000n;

/**
 * For each column what takes its value out of an event of these fields; null where the event has none. The columns are such that
 * `planEventColumns` finds nothing more to do.
 */
export function eventReaders(
  fields: readonly EventField[],
  columns: readonly Column[],
  ids: ColumnIdsByPath,
): readonly (ReadValue | null)[] {
  const readers = new Map<number, ReadValue>();
  for (const field of fields) {
    const { column } = columnOfField(field, columns, ids);
    if (column !== null) readers.set(column.id, memberReader(field, column, ids));
  }
  return columns.map((column) => readers.get(column.id) ?? null);
}

function memberReader(field: EventField, column: Column, ids: ColumnIdsByPath): ReadValue {
  const read = reader(field.type, column.type, ids);
  const { name } = field;
  return (record) => {
    const value: unknown = isRecord(record) ? record[name] : null;
    return value === null || value === undefined ? null : read(value);
  };
}

function reader(type: EventType, column: ColumnType, ids: ColumnIdsByPath): ReadValue {
  if (type.kind === 'leaf') return leafReader(type.leaf, column);
  if (type.kind === 'struct' && column.kind === 'struct')
    return structReader(type.fields, column.fields, ids);
  if (type.kind === 'list' && column.kind === 'list')
    return listReader(reader(type.item, column.element.type, ids));
  if (type.kind === 'map' && column.kind === 'map')
    return mapReader(reader(type.value, column.value.type, ids));
  return () => null;
}

function structReader(
  fields: readonly EventField[],
  columns: readonly Column[],
  ids: ColumnIdsByPath,
): ReadValue {
  const readers = eventReaders(fields, columns, ids);
  const names = columns.map((column) => column.name);
  return (record) => {
    const struct: Record<string, ColumnValue> = {};
    for (let index = 0; index < names.length; index += 1)
      struct[names[index] ?? ''] = readers[index]?.(record) ?? null;
    return struct;
  };
}

function listReader(read: ReadValue): ReadValue {
  return (value) => (Array.isArray(value) ? value.map((item) => (item === null ? null : read(item))) : null);
}

function mapReader(read: ReadValue): ReadValue {
  return (value) => {
    if (!isRecord(value)) return null;
    const entries: MapEntry[] = [];
    for (const key in value) {
      const item = value[key];
      entries.push({ key, value: item === null ? null : read(item) });
    }
    return entries;
  };
}

function leafReader({ column: from, microseconds }: Leaf, to: ColumnType): ReadValue {
  switch (from.kind) {
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : null);
    case 'int':
      return to.kind === 'long'
        ? (value) => (typeof value === 'number' ? BigInt(value) : null)
        : (value) => (typeof value === 'number' ? value : null);
    case 'date':
    case 'float':
    case 'double':
      return (value) => (typeof value === 'number' ? value : null);
    case 'long':
      return (value) => (typeof value === 'bigint' ? value : null);
    case 'string':
    case 'uuid':
      return (value) => (typeof value === 'string' ? value : null);
    case 'binary':
    case 'fixed':
      return (value) => (value instanceof Uint8Array ? value : null);
    case 'timestamp':
    case 'timestamptz':
      return timeReader(microseconds, longMin, longMax);
    case 'time':
      return timeReader(microseconds, 0n, microsecondsOfDay - 1n);
    case 'decimal':
      return decimalReader(10n ** BigInt(from.precision));
    default:
      return () => null;
  }
}

/** Beyond the range there is no such time, and readers fail at it: the raw bytes keep what was said. */
function timeReader(microseconds: bigint, min: bigint, max: bigint): ReadValue {
  return (value) => {
    if (typeof value !== 'bigint' && typeof value !== 'number') return null;
    const time = BigInt(value) * microseconds;
    return time < min || time > max ? null : time;
  };
}

/** Avro keeps a decimal's unscaled value in two's complement, big-endian; one of more digits than it says is none. */
function decimalReader(limit: bigint): ReadValue {
  return (value) => {
    if (!(value instanceof Uint8Array) || value.length === 0 || value.length > 64) return null;
    let unsigned = 0n;
    for (const byte of value) unsigned = (unsigned << 8n) | BigInt(byte);
    const unscaled = BigInt.asIntN(value.length * 8, unsigned);
    return unscaled < limit && unscaled > -limit ? unscaled : null;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
