import type { SchemaElement } from 'hyparquet';
import { assert, unreachable } from '../../foundation/index.ts';
import type { Column, ColumnType, PlainKind } from '../columns.ts';

/** A column that has values of its own, not only children. */
export interface Leaf {
  readonly column: Column;
  /** In a list or a map: several values a row, or none. */
  readonly isRepeated: boolean;
}

/** What Iceberg's table of types says of each, with field ids. */
export function parquetSchema(columns: readonly Column[]): SchemaElement[] {
  return [{ name: 'table', num_children: columns.length }, ...columns.flatMap(elementsOf)];
}

/** In the order in which a row group has them. */
export function leavesOf(column: Column, isRepeated = false): readonly Leaf[] {
  const { type } = column;
  if (type.kind === 'struct') return type.fields.flatMap((field) => leavesOf(field, isRepeated));
  if (type.kind === 'list') return leavesOf(type.element, true);
  if (type.kind === 'map') return [...leavesOf(type.key, true), ...leavesOf(type.value, true)];
  return [{ column, isRepeated }];
}

function elementsOf(column: Column): SchemaElement[] {
  const { name, type } = column;
  assert(name !== '__proto__', 'a column cannot be named __proto__: the writer looks names up in objects');
  const head: SchemaElement = {
    name,
    repetition_type: column.required ? 'REQUIRED' : 'OPTIONAL',
    field_id: column.id,
  };
  switch (type.kind) {
    case 'struct':
      assert(type.fields.length > 0, `Parquet has no struct without fields, as ${name} is`);
      return [{ ...head, num_children: type.fields.length }, ...type.fields.flatMap(elementsOf)];
    case 'list':
      return [
        { ...head, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...elementsOf({ ...type.element, name: 'element' }),
      ];
    case 'map':
      return [
        { ...head, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        ...elementsOf({ ...type.key, name: 'key', required: true }),
        ...elementsOf({ ...type.value, name: 'value' }),
      ];
    default:
      return [{ ...head, ...storedAs(type) }];
  }
}

type LeafType = Exclude<ColumnType, { readonly kind: 'struct' | 'list' | 'map' }>;

function storedAs(type: LeafType): Partial<SchemaElement> {
  if (type.kind === 'fixed') return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: type.bytes };
  if (type.kind === 'decimal') return decimalAs(type.precision, type.scale);
  return plainAs(type.kind);
}

function plainAs(kind: PlainKind): Partial<SchemaElement> {
  switch (kind) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'int':
      return { type: 'INT32' };
    case 'long':
      return { type: 'INT64' };
    case 'float':
      return { type: 'FLOAT' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
      return {
        type: 'INT64',
        converted_type: 'TIME_MICROS',
        logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' },
      };
    case 'timestamp':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamptz':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      };
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'binary':
      return { type: 'BYTE_ARRAY' };
    default:
      return unreachable(kind);
  }
}

function decimalAs(precision: number, scale: number): Partial<SchemaElement> {
  const annotation = {
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  } as const;
  if (precision <= 9) return { type: 'INT32', ...annotation };
  if (precision <= 18) return { type: 'INT64', ...annotation };
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: decimalBytes(precision), ...annotation };
}

/** As many bytes as the largest number of so many digits needs, with its sign. */
function decimalBytes(precision: number): number {
  return Math.ceil(((10n ** BigInt(precision)).toString(2).length + 1) / 8);
}
