/** A column as Iceberg types it. Its id stays when it is renamed, and is never given to another one. */
export interface Column {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: ColumnType;
}

export type PlainKind =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | 'uuid'
  | 'binary';

export type ColumnType =
  | { readonly kind: PlainKind }
  | { readonly kind: 'fixed'; readonly bytes: number }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'struct'; readonly fields: readonly Column[] }
  | { readonly kind: 'list'; readonly element: Column }
  | { readonly kind: 'map'; readonly key: Column; readonly value: Column };

/**
 * A value by its column's type:
 * - boolean: boolean; int, float, double: number; date: number of days since 1970; long: bigint;
 * - time: bigint, microseconds of the day; timestamp and timestamptz: bigint, microseconds since 1970;
 * - decimal: bigint, unscaled; string: string; uuid (16 bytes), fixed, binary: Uint8Array;
 * - struct: an object by the names of the column's fields; list: an array; map: an array of entries.
 */
export type ColumnValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ColumnValue[]
  | readonly MapEntry[]
  | StructValue;

export interface StructValue {
  readonly [field: string]: ColumnValue;
}

export interface MapEntry {
  readonly key: ColumnValue;
  readonly value: ColumnValue;
}

/** Values of one column, a row each. Typed arrays have no nulls. */
export type ColumnValues = readonly ColumnValue[] | Int32Array | Float32Array | Float64Array | BigInt64Array;

/** Some rows, column by column; the keys are column ids. */
export interface ColumnBatch {
  readonly rows: number;
  readonly columns: ReadonlyMap<number, ColumnValues>;
}
