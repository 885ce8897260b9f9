import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pythonWithPackages } from '../../test/python/venv.ts';
import { describeWith } from '../../test/services/index.ts';
import type { ArchiveFilter } from '../archive-reader.ts';
import type { ArchiveRow } from '../archive-row.ts';
import type { Column } from '../columns.ts';
import { IcebergReader } from '../iceberg-reader.ts';
import {
  createTestTable,
  eventColumns,
  openTestTable,
  someRows,
  type TestRow,
  type TestTable,
  topicId,
  writeRows,
} from './iceberg-testing.ts';
import { MetadataFileCatalog } from './metadata-file-catalog.ts';
import { rawColumns } from './raw-columns.ts';

const run = promisify(execFile);
const installTimeoutMs = 600_000;
const programs = join(import.meta.dirname, '..', '..', 'test', 'python');
const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 8, 21);
const all: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null };

describeWith('python')('Between PyIceberg, DuckDB and our tables', () => {
  let python = '';
  let folder = '';
  beforeAll(async () => {
    python = await pythonWithPackages();
    folder = await mkdtemp(join(tmpdir(), 'journey-graph-pyiceberg-'));
  }, installTimeoutMs);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function answer(program: string, ...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run(python, [join(programs, program), ...args], { maxBuffer: 67_108_864 });
    return JSON.parse(stdout);
  }

  it('PyIceberg reads row for row what was appended, evolved, compacted and expired, and DuckDB its files', async () => {
    const test = await createTestTable({ root: join(folder, 'ours') });
    const expected = await evolvedTable(test);
    const data = `${test.root}/${test.name}/data/*/*.parquet`;
    for (const place of ['', '/metadata/v7.metadata.json']) {
      const location = `${test.warehouse}/${test.name}${place}`;
      const seen = await answer(
        'iceberg_read.py',
        location,
        '2026-09-22T00:00:00+00:00',
        '2026-09-23T00:00:00+00:00',
        data,
      );
      expect(seen).toEqual({
        rows: expect.any(Array),
        dayRows: 700,
        dayFiles: 1,
        files: 3,
        snapshots: [
          { operation: 'append', rows: 2_500, positions: positions(2_500) },
          { operation: 'append', rows: 3_000, positions: positions(3_000) },
          { operation: 'append', rows: 3_200, positions: positions(3_200) },
          { operation: 'append', rows: 3_500, positions: positions(3_500) },
          { operation: 'replace', rows: 3_500, positions: positions(3_500) },
        ],
        // Files that were compacted away are there until they expire.
        duck: [4_200, 3_500, expect.any(Number), expect.any(Number)],
      });
      expect(byOffset(rowsOf(seen))).toEqual(expected);
    }
    const report = await test.table.expire({ snapshots: 1, olderThanMs: test.clock.now() });
    expect(report).toMatchObject({ snapshots: 4, orphans: 0 });
    const after = await answer(
      'iceberg_read.py',
      `${test.warehouse}/${test.name}`,
      '2026-09-22T00:00:00+00:00',
      '2026-09-23T00:00:00+00:00',
      data,
    );
    const left = { snapshots: [{ operation: 'replace', rows: 3_500, positions: positions(3_500) }] };
    expect(after).toMatchObject({
      ...left,
      files: 3,
      duck: [3_500, 3_500, expect.any(Number), expect.any(Number)],
    });
    expect(byOffset(rowsOf(after))).toEqual(expected);
  });

  it('a table of PyIceberg with renamed, widened and new columns and deleted rows is read row for row', async () => {
    const written = await answer('iceberg_write.py', folder);
    const { metadata, snapshot, rows } = writtenTable(written);
    const test = openTestTable(folder, { name: 'other.records' });
    const key = test.paths.keyOf(metadata, '');
    const catalog = new MetadataFileCatalog(test.store, key);
    const other = openTestTable(folder, { name: 'other.records', catalog });
    const reader = new IcebergReader({ ...other, snapshotId: BigInt(snapshot) });
    const files = await reader.files(all);
    expect(files.every((file) => file.partition === 3)).toBe(true);
    const read: ArchiveRow[] = [];
    for (const file of files) for await (const batch of reader.rows(file, 0n, all)) read.push(...batch.rows);
    expect(rows.length).toBeGreaterThan(20);
    expect(read.map(brief)).toEqual(rows);
    const fromDayThree = { ...all, fromMs: firstMs + 2 * dayMs };
    const later = await reader.files(fromDayThree);
    expect(later.length).toBeLessThan(files.length);
  });
});

const laterColumns: readonly Column[] = [
  ...rawColumns,
  { id: 1_000, name: 'member_id', required: false, type: { kind: 'string' } },
  { id: 1_001, name: 'seconds', required: false, type: { kind: 'long' } },
  { id: 1_002, name: 'device', required: false, type: { kind: 'string' } },
];

/** Two days, then other columns, a third day, and the second day's two files made one. */
async function evolvedTable(test: TestTable): Promise<readonly unknown[]> {
  const parts = [
    someRows(0, 2_500, firstMs),
    someRows(2_500, 500, firstMs + dayMs),
    someRows(3_000, 200, firstMs + dayMs + 3_600_000),
    someRows(3_200, 300, firstMs + 2 * dayMs).map((row) => ({ ...row, seconds: 2n ** 40n, device: 'tv' })),
  ] as const;
  const [first, second, third, last] = parts;
  await append(test, first, 2_500, eventColumns);
  const small = [
    await append(test, second, 3_000, eventColumns),
    await append(test, third, 3_200, eventColumns),
  ];
  await test.table.evolve([
    { kind: 'rename', id: 1_000, name: 'member_id' },
    { kind: 'widen', id: 1_001, type: { kind: 'long' } },
    {
      kind: 'add',
      parent: null,
      column: { id: 0, name: 'device', required: false, type: { kind: 'string' } },
    },
  ]);
  await append(test, last, 3_500, laterColumns.slice(rawColumns.length));
  const { snapshotId } = await test.table.files();
  const columns = [...rawColumns, ...eventColumns];
  const merged = await writeRows(test, [...second, ...third], { columns });
  await test.table.replace(small, [merged], snapshotId ?? 0n, test.clock.now());
  return parts.flat().map(seenByPython);
}

async function append(test: TestTable, rows: readonly TestRow[], next: number, columns: readonly Column[]) {
  const file = await writeRows(test, rows, { columns: [...rawColumns, ...columns] });
  await test.table.append([file], { 'jg.positions': positions(next) }, () => true);
  return file;
}

function positions(next: number): string {
  return JSON.stringify({ [`cluster-1/${topicId}/0`]: String(next) });
}

function seenByPython(row: TestRow): unknown {
  return {
    topic: 'member-playback',
    partition: 0,
    offset: row.offset,
    timestamp: row.timestampMs,
    schema_id: 7,
    key: Buffer.from(`key-${row.offset % 10}`).toString('hex'),
    value: typeof row.value === 'string' ? Buffer.from(row.value).toString('hex') : null,
    headers: (row.headers ?? []).map(({ key, value }) => ({
      key,
      value: Buffer.from(value ?? []).toString('hex'),
    })),
    topic_id: topicId,
    cluster: 'cluster-1',
    member_id: row.member,
    seconds: Number(row.seconds),
    device: row.device ?? null,
  };
}

function rowsOf(seen: unknown): readonly unknown[] {
  return typeof seen === 'object' && seen !== null && 'rows' in seen && Array.isArray(seen.rows)
    ? seen.rows
    : [];
}

function byOffset(rows: readonly unknown[]): readonly unknown[] {
  const offset = (row: unknown): number =>
    typeof row === 'object' && row !== null && 'offset' in row ? Number(row.offset) : -1;
  return [...rows].sort((a, b) => offset(a) - offset(b));
}

interface WrittenTable {
  readonly metadata: string;
  readonly snapshot: string;
  readonly rows: readonly unknown[];
}

function writtenTable(written: unknown): WrittenTable {
  if (typeof written !== 'object' || written === null) throw new Error('no answer');
  if (!('metadata' in written) || !('snapshot' in written)) throw new Error('an answer without a table');
  return { metadata: String(written.metadata), snapshot: String(written.snapshot), rows: rowsOf(written) };
}

function brief(row: ArchiveRow): unknown {
  const value = row.value === null ? null : Buffer.from(row.value).toString('hex');
  return { offset: Number(row.offset), timestampMs: row.timestampMs, value };
}
