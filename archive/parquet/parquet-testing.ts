import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Column, ColumnBatch, ColumnType, ColumnValue, ColumnValues } from '../columns.ts';
import { LocalObjectStore } from '../local-object-store.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ParquetFile } from './parquet-file.ts';
import type { WrittenFile } from './parquet-sink.ts';
import { createParquet } from './parquet-writer.ts';

export function temporaryStore(): LocalObjectStore {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-parquet-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return new LocalObjectStore(folder);
}

/** A column that may be null; with `!` in front of its name, one that may not. */
export function column(
  id: number,
  name: string,
  type: ColumnType | Exclude<ColumnType['kind'], Grouped>,
): Column {
  const required = name.startsWith('!');
  return {
    id,
    name: required ? name.slice(1) : name,
    required,
    type: typeof type === 'string' ? { kind: type } : type,
  };
}

type Grouped = 'fixed' | 'decimal' | 'struct' | 'list' | 'map';

export function batch(columns: Readonly<Record<number, ColumnValues>>): ColumnBatch {
  const entries = Object.entries(columns).map(([id, values]) => [Number(id), values] as const);
  return { rows: entries[0]?.[1].length ?? 0, columns: new Map(entries) };
}

export async function written(
  store: ObjectStore,
  key: string,
  columns: readonly Column[],
  batches: readonly ColumnBatch[],
  rowGroupRows = 1_000,
): Promise<WrittenFile> {
  const limits = { rowGroupRows, rowGroupBytes: 8_388_608 };
  const sink = createParquet({ store, key, columns, limits });
  for (const rows of batches) await sink.append(rows);
  return await sink.finish();
}

/** All rows of a file, each as an object by the columns' names. */
export async function rowsOf(
  file: ParquetFile,
  columns: readonly Column[],
): Promise<readonly Readonly<Record<string, ColumnValue>>[]> {
  const rows: Record<string, ColumnValue>[] = [];
  for (const [index, group] of file.groups.entries()) {
    const read = await file.read(index, columns);
    for (let row = 0; row < group.rows; row += 1)
      rows.push(
        Object.fromEntries(columns.map(({ id, name }) => [name, read.columns.get(id)?.[row] ?? null])),
      );
  }
  return rows;
}
