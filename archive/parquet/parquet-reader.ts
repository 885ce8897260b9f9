import { AssertionError } from 'node:assert';
import type { FileMetaData, RowGroup } from 'hyparquet';
import { BadDataError, JourneyGraphError } from '../../foundation/index.ts';
import type { Column, ColumnBatch, ColumnType, ColumnValues } from '../columns.ts';
import type { ObjectStore } from '../object-store.ts';
import { type LeafEntries, readChunk } from './column-chunk.ts';
import { type FileColumn, type FileSchema, fileSchema } from './file-schema.ts';
import { checkGroups, chunkRange, exactly, readFooter } from './footer.ts';
import { type Convert, conversion, wholeBound } from './leaf-conversion.ts';
import type { ParquetExpectations, ParquetFile, ParquetGroup } from './parquet-file.ts';
import { assembled, type ColumnPlan, leavesOfPlan } from './record-assembly.ts';

/** Columns of a group that lie as close are read at once, with what is between them. */
const gapBytesMax = 65_536;
const rangeBytesMax = 33_554_432;

/**
 * Reads a file's footer and judges it.
 *
 * @throws BadDataError `PARQUET_DAMAGED` naming the file; RefusedError `OBJECT_MISSING`.
 */
export async function openParquet(
  store: ObjectStore,
  key: string,
  expected: ParquetExpectations = {},
  signal?: AbortSignal,
): Promise<ParquetFile> {
  const bytes = expected.bytes ?? (await store.size(key, signal));
  return await named(`${store.location}/${key}`, async () => {
    const metadata = await readFooter(store, key, bytes, signal);
    const schema = fileSchema(metadata.schema, expected.idOf ?? (() => null));
    checkGroups(metadata, schema.leaves, bytes);
    if (expected.rows !== undefined && BigInt(expected.rows) !== metadata.num_rows)
      throw new Error(`it has ${metadata.num_rows} rows, not ${expected.rows}`);
    return new OpenParquetFile(store, key, metadata, schema);
  });
}

class OpenParquetFile implements ParquetFile {
  readonly key: string;
  readonly rows: number;
  readonly fieldIds: ReadonlySet<number>;
  readonly groups: readonly ParquetGroup[];
  readonly #store: ObjectStore;
  readonly #metadata: FileMetaData;
  readonly #schema: FileSchema;

  constructor(store: ObjectStore, key: string, metadata: FileMetaData, schema: FileSchema) {
    this.key = key;
    this.rows = Number(metadata.num_rows);
    this.fieldIds = schema.fieldIds;
    this.#store = store;
    this.#metadata = metadata;
    this.#schema = schema;
    let rowStart = 0;
    this.groups = metadata.row_groups.map((group) => {
      const rows = Number(group.num_rows);
      rowStart += rows;
      return {
        rowStart: rowStart - rows,
        rows,
        bounds: (fieldId) => boundsOf(group, schema.columns, fieldId),
        isEmpty: (fieldId) => isEmpty(group, schema, fieldId),
      };
    });
  }

  async read(index: number, columns: readonly Column[], signal?: AbortSignal): Promise<ColumnBatch> {
    const group = this.#metadata.row_groups[index];
    const at = `${this.#store.location}/${this.key}, row group ${index}`;
    if (group === undefined) throw new RangeError(`${at}: there are ${this.groups.length} row groups`);
    const converts = new Map<number, Convert>();
    const planner = new Planner(at, converts);
    const plans = columns.map((column) => ({ column, plan: planner.among(this.#schema.columns, column) }));
    const rows = Number(group.num_rows);
    return await named(at, async () => {
      const leaves = await this.#leaves(group, plans, converts, at, signal);
      const values = new Map<number, ColumnValues>();
      for (const { column, plan } of plans) {
        const ofColumn = (): Promise<ColumnValues> => Promise.resolve(assembled(plan, leaves, rows));
        values.set(column.id, await named(`${at}, column ${column.name}`, ofColumn));
      }
      return { rows, columns: values };
    });
  }

  async #leaves(
    group: RowGroup,
    plans: readonly { readonly plan: ColumnPlan }[],
    converts: ReadonlyMap<number, Convert>,
    at: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<number, LeafEntries>> {
    const wanted = new Set<number>();
    for (const { plan } of plans) leavesOfPlan(plan, wanted);
    const read = new Map<number, LeafEntries>();
    for (const range of rangesOf(group, wanted)) {
      const bytes = await exactly(this.#store, this.key, range.start, range.end, signal);
      for (const index of range.leaves) {
        const leaf = this.#schema.leaves[index];
        const chunk = group.columns[index]?.meta_data;
        if (leaf === undefined || chunk === undefined) throw new Error('lacks a column');
        const { start, end } = chunkRange(chunk);
        const ofLeaf = (): Promise<LeafEntries> => {
          const part = bytes.subarray(start - range.start, end - range.start);
          return Promise.resolve(readChunk(part, chunk, leaf, converts.get(index) ?? nothing));
        };
        read.set(index, await named(`${at}, column ${leaf.path.join('.')}`, ofLeaf));
      }
    }
    return read;
  }
}

/** Of a leaf that is only looked at to know whether what holds it is there. */
const nothing: Convert = (values) => new Array<null>(values.length).fill(null);

/** Finds the table's columns in a file, by id. */
class Planner {
  readonly #at: string;
  readonly #converts: Map<number, Convert>;

  constructor(at: string, converts: Map<number, Convert>) {
    this.#at = at;
    this.#converts = converts;
  }

  among(files: readonly FileColumn[], column: Column): ColumnPlan {
    const file = files.find(({ id }) => id === column.id);
    if (column.name === '__proto__') throw this.#differs(column, 'a column cannot be named so');
    if (file !== undefined) return this.#plan(file, column);
    if (column.required) throw this.#differs(column, 'it is required, and the file has none of this id');
    return { kind: 'none' };
  }

  #plan(file: FileColumn, column: Column): ColumnPlan {
    const { shape } = file;
    const { type } = column;
    if (shape.kind === 'leaf') {
      const convert = conversion(shape.element, type);
      if (convert === null) throw this.#differs(column, `the file has ${described(shape.element)}`);
      this.#converts.set(file.firstLeaf, convert);
      return { kind: 'leaf', leaf: file.firstLeaf };
    }
    if (shape.kind === 'struct' && type.kind === 'struct') {
      const fields = type.fields.map((field) => ({ column: field, plan: this.among(shape.fields, field) }));
      return { kind: 'struct', file, fields };
    }
    if (shape.kind === 'list' && type.kind === 'list')
      return { kind: 'list', file, items: shape, element: this.among([shape.element], type.element) };
    if (shape.kind === 'map' && type.kind === 'map') {
      const [key, value] = [this.among([shape.key], type.key), this.among([shape.value], type.value)];
      return { kind: 'map', file, items: shape, key, value };
    }
    throw this.#differs(column, `the file has a ${shape.kind}`);
  }

  #differs(column: Column, why: string): BadDataError {
    const message = `${this.#at}, column ${column.name} (id ${column.id}) cannot be read as ${spelled(column.type)}: ${why}.`;
    return new BadDataError('PARQUET_SCHEMA_DIFFERS', message);
  }
}

function spelled(type: ColumnType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision}, ${type.scale})`;
  return type.kind === 'fixed' ? `fixed(${type.bytes})` : type.kind;
}

function described(element: {
  type?: string;
  converted_type?: string;
  logical_type?: { type: string };
}): string {
  const means = element.logical_type?.type ?? element.converted_type;
  return means === undefined ? `${element.type}` : `${element.type} meant as ${means}`;
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
  readonly leaves: readonly number[];
}

function rangesOf(group: RowGroup, wanted: ReadonlySet<number>): readonly ByteRange[] {
  const single: ByteRange[] = [];
  for (const [index, { meta_data: chunk }] of group.columns.entries())
    if (wanted.has(index) && chunk !== undefined) single.push({ ...chunkRange(chunk), leaves: [index] });
  single.sort((a, b) => a.start - b.start);
  const ranges: ByteRange[] = [];
  for (const next of single) {
    const last = ranges.at(-1);
    const isNear = last !== undefined && next.start - last.end <= gapBytesMax;
    if (isNear && next.end - last.start <= rangeBytesMax) {
      const end = Math.max(last.end, next.end);
      ranges[ranges.length - 1] = { start: last.start, end, leaves: [...last.leaves, ...next.leaves] };
    } else ranges.push(next);
  }
  return ranges;
}

function boundsOf(
  group: RowGroup,
  columns: readonly FileColumn[],
  fieldId: number,
): { readonly min: bigint; readonly max: bigint } | null {
  const column = leafOf(columns, fieldId);
  if (column === null || column.shape.kind !== 'leaf' || column.rep > 0) return null;
  const said = group.columns[column.firstLeaf]?.meta_data?.statistics;
  const min = wholeBound(column.shape.element, said?.min_value ?? said?.min, false);
  const max = wholeBound(column.shape.element, said?.max_value ?? said?.max, true);
  return min === null || max === null || min > max ? null : { min, max };
}

/** Each row has one entry in each leaf, and that is a null. */
function isEmpty(group: RowGroup, { columns, leaves }: FileSchema, fieldId: number): boolean {
  const column = columns.find(({ id }) => id === fieldId);
  if (column === undefined) return false;
  const end = columns.find(({ firstLeaf }) => firstLeaf > column.firstLeaf)?.firstLeaf ?? leaves.length;
  return group.columns.slice(column.firstLeaf, end).every(({ meta_data: chunk }) => {
    const nulls = chunk?.statistics?.null_count;
    return chunk?.num_values === group.num_rows && nulls !== undefined && BigInt(nulls) === group.num_rows;
  });
}

function leafOf(columns: readonly FileColumn[], fieldId: number): FileColumn | null {
  for (const column of columns) {
    if (column.id === fieldId) return column;
    const inner = column.shape.kind === 'struct' ? leafOf(column.shape.fields, fieldId) : null;
    if (inner !== null) return inner;
  }
  return null;
}

/** Whatever fails on a file's bytes says where. What is no fault of the bytes (the store, a bug) goes on as it is. */
async function named<Value>(where: string, act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (cause) {
    const isOurs = cause instanceof JourneyGraphError || cause instanceof AssertionError;
    if (isOurs || !(cause instanceof Error) || cause.name === 'AbortError') throw cause;
    const why = cause.message.slice(0, 200);
    throw new BadDataError('PARQUET_DAMAGED', `${where}: ${why}.`, { cause });
  }
}
