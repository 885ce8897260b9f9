import type { RowGroup } from 'hyparquet';
import { assert } from '../../foundation/index.ts';
import type { Column, ColumnType, ColumnValue } from '../columns.ts';
import { leavesOf } from './parquet-schema.ts';
import type { WrittenFile } from './parquet-sink.ts';
import { lowerBound, upperBound } from './single-value.ts';

type Totals = Pick<WrittenFile, 'splitOffsets' | 'bounds' | 'values' | 'nulls' | 'columnBytes'>;

/** Adds up what row groups say of their columns. */
export class FileTotals {
  readonly #columns: readonly Column[];
  readonly #nulls = new Map<number, number>();

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  /** Of a column of the table, counted by us: those without statistics do not say. */
  addNulls(id: number, nulls: number): void {
    this.#nulls.set(id, (this.#nulls.get(id) ?? 0) + nulls);
  }

  of(groups: readonly RowGroup[]): Totals {
    const bounds = new Map<number, { min: Uint8Array; max: Uint8Array }>();
    const values = new Map<number, number>();
    const nulls = new Map<number, number>();
    const columnBytes = new Map<number, number>();
    const leaves = this.#columns.flatMap((column) => leavesOf(column));
    for (const [index, { column, isRepeated }] of leaves.entries()) {
      const sum = sumOf(groups, index);
      values.set(column.id, sum.values);
      columnBytes.set(column.id, sum.bytes);
      const counted = this.#columns.includes(column) ? this.#nulls.get(column.id) : sum.nulls;
      if (counted !== undefined) nulls.set(column.id, counted);
      const bound = isRepeated ? null : boundsOf(column.type, sum);
      if (bound !== null) bounds.set(column.id, bound);
    }
    return { splitOffsets: groups.map(beginning), bounds, values, nulls, columnBytes };
  }
}

interface LeafSum {
  values: number;
  nulls: number | undefined;
  bytes: number;
  min: ColumnValue;
  max: ColumnValue;
}

function sumOf(groups: readonly RowGroup[], index: number): LeafSum {
  const sum: LeafSum = { values: 0, nulls: 0, bytes: 0, min: null, max: null };
  for (const group of groups) {
    const chunk = group.columns[index]?.meta_data;
    assert(chunk !== undefined, 'a row group has each leaf');
    sum.values += Number(chunk.num_values);
    sum.bytes += Number(chunk.total_compressed_size);
    const said = chunk.statistics;
    const nulls = said?.null_count;
    sum.nulls = nulls === undefined || sum.nulls === undefined ? undefined : sum.nulls + Number(nulls);
    const [min, max] = [boundValue(said?.min_value), boundValue(said?.max_value)];
    if (min !== null && (sum.min === null || isLess(min, sum.min))) sum.min = min;
    if (max !== null && (sum.max === null || isLess(sum.max, max))) sum.max = max;
  }
  return sum;
}

function boundValue(value: unknown): ColumnValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return typeof value === 'boolean' || value instanceof Uint8Array ? value : null;
}

function isLess(a: ColumnValue, b: ColumnValue): boolean {
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) < 0;
  return a !== null && b !== null && a < b;
}

function boundsOf(type: ColumnType, sum: LeafSum): { min: Uint8Array; max: Uint8Array } | null {
  const min = lowerBound(type, sum.min);
  const max = upperBound(type, sum.max);
  return min === null || max === null ? null : { min, max };
}

function beginning(group: RowGroup): bigint {
  const first = group.columns[0]?.meta_data;
  assert(first !== undefined, 'a row group has a column');
  return first.dictionary_page_offset ?? first.data_page_offset;
}
