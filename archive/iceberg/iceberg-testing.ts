import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, must } from '../../foundation/index.ts';
import type { ArchiveFilter } from '../archive-reader.ts';
import type { ArchiveRow } from '../archive-row.ts';
import type { Column, ColumnValues } from '../columns.ts';
import { IcebergReader } from '../iceberg-reader.ts';
import { LocalObjectStore } from '../local-object-store.ts';
import type { ObjectStore } from '../object-store.ts';
import { openParquet } from '../parquet/parquet-reader.ts';
import { createParquet } from '../parquet/parquet-writer.ts';
import type { Catalog } from './catalog.ts';
import { CatalogTable, type CatalogTableParts } from './catalog-table.ts';
import { type DataFile, dataFileOf } from './data-file.ts';
import { FileCatalog } from './file-catalog.ts';
import { randomIds } from './id-source.ts';
import { dayText, partitionDay } from './partition-day.ts';
import { rawColumns, topicProperty } from './raw-columns.ts';
import { type CommitLimits, commitLimitsDefault } from './table-commit.ts';
import { newTableMetadata } from './table-creation.ts';
import type { TableMetadata } from './table-metadata.ts';
import { TablePaths } from './table-paths.ts';

/** A table of tests, in a folder that goes with the test. */
export interface TestTable {
  readonly root: string;
  readonly warehouse: string;
  readonly name: string;
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly paths: TablePaths;
  readonly table: CatalogTable;
  readonly clock: TestClock;
  readonly limits: CommitLimits;
}

/** Moves on by itself a millisecond each time it is looked at, and sleeps no longer than a turn of the event loop. */
export class TestClock implements Clock {
  nowMs = Date.UTC(2026, 10, 1);

  now(): number {
    this.nowMs += 1;
    return this.nowMs;
  }

  async sleep(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const topicId = 'Zm9vYmFyYmF6cXV4MTIzNA';
export const eventColumns: readonly Column[] = [
  { id: 1_000, name: 'member', required: false, type: { kind: 'string' } },
  { id: 1_001, name: 'seconds', required: false, type: { kind: 'int' } },
];

export function folderOfTest(): string {
  const root = mkdtempSync(join(tmpdir(), 'journey-graph-iceberg-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Handles of one process on a table that may be there already. */
export function openTestTable(root: string, over: Partial<TestTable> = {}): TestTable {
  const name = over.name ?? 'member_playback';
  const warehouse = over.warehouse ?? `file://${root}`;
  const store = over.store ?? new LocalObjectStore(root);
  const catalog = over.catalog ?? new FileCatalog(store, warehouse);
  const paths = over.paths ?? new TablePaths(warehouse, name);
  const clock = over.clock ?? new TestClock();
  const limits = over.limits ?? commitLimitsDefault;
  const parts: CatalogTableParts = {
    catalog,
    table: name,
    store,
    paths,
    open: (key, expected, signal) => openParquet(store, key, expected, signal),
    ids: randomIds,
    clock,
    random: () => 0.5,
  };
  const table = new CatalogTable(parts, limits);
  return { root, warehouse, name, store, catalog, paths, table, clock, limits };
}

export async function createTestTable(over: Partial<TestTable> = {}): Promise<TestTable> {
  const made = openTestTable(over.root ?? folderOfTest(), over);
  await made.catalog.swap(made.name, null, testMetadata(made));
  return made;
}

export function testMetadata(of: { readonly warehouse: string; readonly name: string }): TableMetadata {
  return newTableMetadata({
    uuid: randomIds.uuid(),
    location: `${of.warehouse}/${of.name}`,
    columns: [...rawColumns, ...eventColumns],
    dayOf: 4,
    lastColumnId: 1_001,
    properties: { [topicProperty]: 'member-playback' },
    nowMs: Date.UTC(2026, 10, 1),
  });
}

export interface TestRow {
  readonly offset: number;
  readonly timestampMs: number | null;
  readonly value?: string | null;
  readonly member?: string | null;
  readonly seconds?: number | bigint | null;
  readonly device?: string | null;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** A data file of rows of one day and partition, in the table's folder but not in the table. */
export async function writeRows(
  test: TestTable,
  rows: readonly TestRow[],
  options: {
    readonly partition?: number;
    readonly cluster?: string;
    readonly rowGroupRows?: number;
    readonly columns?: readonly Column[];
  } = {},
): Promise<DataFile> {
  const { partition = 0, cluster = 'cluster-1', rowGroupRows = 1_000 } = options;
  const { columns = [...rawColumns, ...eventColumns] } = options;
  const day = partitionDay(must(rows[0], 'a file has rows').timestampMs);
  const key = `${test.name}/data/timestamp_day=${dayText(day)}/${randomIds.uuid()}.parquet`;
  const limits = { rowGroupRows, rowGroupBytes: 67_108_864 };
  const sink = createParquet({ store: test.store, key, columns, limits });
  const values = new Map(columns.map((column) => [column.id, valuesOf(column, rows, partition, cluster)]));
  await sink.append({ rows: rows.length, columns: values });
  const constants = new Map<number, string | number>([
    [2, partition],
    [12, topicId],
    [13, cluster],
  ]);
  return dataFileOf(await sink.finish(), test.paths.uriOf(key), day, constants);
}

/** Offsets from `first` on, a second apart. */
export function someRows(first: number, count: number, fromMs: number): readonly TestRow[] {
  return Array.from({ length: count }, (_, index) => ({
    offset: first + index,
    timestampMs: fromMs + index * 1_000,
    value: index % 7 === 3 ? null : `value-${first + index}`,
    member: `member-${index % 5}`,
    seconds: index,
    headers: index % 4 === 0 ? [{ key: 'traceparent', value: Buffer.from(`00-${index}`) }] : [],
  }));
}

function valuesOf(
  column: Column,
  rows: readonly TestRow[],
  partition: number,
  cluster: string,
): ColumnValues {
  const micros = (row: TestRow): bigint | null =>
    row.timestampMs === null ? null : BigInt(row.timestampMs) * 1_000n;
  switch (column.id) {
    case 1:
      return rows.map(() => 'member-playback');
    case 2:
      return rows.map(() => partition);
    case 3:
      return rows.map((row) => BigInt(row.offset));
    case 4:
      return rows.map(micros);
    case 5:
      return rows.map(() => 7);
    case 6:
      return rows.map((row) => Buffer.from(`key-${row.offset % 10}`));
    case 7:
      return rows.map((row) => (typeof row.value === 'string' ? Buffer.from(row.value) : null));
    case 8:
      return rows.map((row) => (row.headers ?? []).map((header) => ({ ...header })));
    case 12:
      return rows.map(() => topicId);
    case 13:
      return rows.map(() => cluster);
    case 1_000:
      return rows.map((row) => row.member ?? null);
    case 1_001:
      return rows.map((row) => seconds(column, row));
    default:
      return rows.map((row) => row.device ?? null);
  }
}

function seconds(column: Column, row: TestRow): number | bigint | null {
  if (row.seconds === undefined || row.seconds === null) return null;
  return column.type.kind === 'long' ? BigInt(row.seconds) : Number(row.seconds);
}

/** All rows of the table, file after file as a plan has them. */
export async function readRows(
  test: TestTable,
  snapshotId: bigint | null = null,
  filter: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null },
): Promise<readonly ArchiveRow[]> {
  const reader = new IcebergReader({ ...test, snapshotId });
  const rows: ArchiveRow[] = [];
  for (const file of await reader.files(filter)) {
    for await (const batch of reader.rows(file, 0n, filter)) rows.push(...batch.rows);
  }
  return rows;
}
