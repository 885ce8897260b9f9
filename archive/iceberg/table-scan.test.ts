import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import type { ArchiveFilter } from '../archive-reader.ts';
import type { ColumnValues } from '../columns.ts';
import { IcebergReader } from '../iceberg-reader.ts';
import { createParquet } from '../parquet/parquet-writer.ts';
import { type DataFile, dataFileOf } from './data-file.ts';
import {
  createTestTable,
  openTestTable,
  readRows,
  someRows,
  type TestTable,
  topicId,
  writeRows,
} from './iceberg-testing.ts';
import { randomIds } from './id-source.ts';
import { writeManifest } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { TableFiles } from './table-files.ts';
import { currentSchema, type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';

const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 8, 21);
const all: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null };

async function append(test: TestTable, files: readonly DataFile[]): Promise<bigint> {
  return await test.table.append(files, {}, () => true);
}

/** Three days of partition 0 and one of partition 1, ten rows each. */
async function fourFiles(): Promise<TestTable> {
  const test = await createTestTable();
  for (const turn of [0, 1, 2]) {
    const rows = someRows(turn * 10, 10, firstMs + turn * dayMs);
    await append(test, [await writeRows(test, rows)]);
  }
  await append(test, [await writeRows(test, someRows(0, 10, firstMs), { partition: 1 })]);
  return test;
}

describe('Planning a scan', () => {
  const cases: readonly (readonly [string, Partial<ArchiveFilter>, readonly string[]])[] = [
    [
      'without a filter has all files, by partition and offset',
      {},
      ['0: 0-9', '0: 10-19', '0: 20-29', '1: 0-9'],
    ],
    ['from a time on', { fromMs: firstMs + dayMs }, ['0: 10-19', '0: 20-29']],
    ['until a time, that one not included', { untilMs: firstMs + dayMs }, ['0: 0-9', '1: 0-9']],
    ['within a day by the times of its rows', { fromMs: firstMs + 9_001, untilMs: firstMs + dayMs }, []],
    ['of some partitions', { partitions: [1, 7] }, ['1: 0-9']],
    ['from an offset on', { fromOffset: 15n }, ['0: 10-19', '0: 20-29']],
    ['with a time before 1970', { untilMs: -1 }, []],
  ];
  for (const [name, filter, expected] of cases) {
    it(name, async () => {
      const test = await fourFiles();
      const planned = await test.table.plan({ ...all, ...filter });
      expect(planned.map((file) => `${file.partition}: ${file.firstOffset}-${file.lastOffset}`)).toEqual(
        expected,
      );
      expect(planned.every((file) => file.topicId === topicId && file.rows === 10)).toBe(true);
    });
  }

  it('leaves records without a time out of any range of time, and keeps them else', async () => {
    const test = await createTestTable();
    await append(test, [await writeRows(test, [{ offset: 1, timestampMs: null, value: 'x' }])]);
    expect((await readRows(test))[0]).toMatchObject({ offset: 1n, timestampMs: -1 });
    expect(await test.table.plan({ ...all, fromMs: -dayMs })).toEqual([]);
  });

  it('goes by the day of a file that says nothing else, also beside one without a day', async () => {
    const test = await createTestTable();
    const dated = await writeRows(test, someRows(0, 10, firstMs));
    const undated = await writeRows(test, [{ offset: 50, timestampMs: null, value: 'x' }]);
    await append(test, [
      { ...dated, lower: null, upper: null },
      { ...undated, lower: null, upper: null },
    ]);
    const offsets = async (filter: Partial<ArchiveFilter>): Promise<readonly number[]> =>
      (await test.table.plan({ ...all, ...filter })).map((file) => Number(file.firstOffset));
    expect(await offsets({})).toEqual([0, 50]);
    expect(await offsets({ untilMs: firstMs })).toEqual([]);
    expect(await offsets({ untilMs: firstMs + 1 })).toEqual([0]);
    expect(await offsets({ fromMs: firstMs + dayMs - 1 })).toEqual([0]);
    expect(await offsets({ fromMs: firstMs + dayMs })).toEqual([]);
  });

  it('counts rows that a filter leaves out, and reads on from an offset', async () => {
    const test = await createTestTable();
    await append(test, [await writeRows(test, someRows(0, 100, firstMs), { rowGroupRows: 10 })]);
    const reader = new IcebergReader({ ...test, snapshotId: null });
    const filter = { ...all, fromMs: firstMs + 35_000, untilMs: firstMs + 60_000 };
    const [file] = await reader.files(filter);
    const seen = { offsets: [] as number[], outside: 0, places: [] as string[] };
    for await (const batch of reader.rows(must(file, 'a file'), 15n, filter)) {
      seen.offsets.push(...batch.rows.map((row) => Number(row.offset)));
      seen.outside += batch.outside;
      seen.places.push(`${batch.place.group}/${batch.place.row}`);
    }
    expect(seen.offsets).toEqual(Array.from({ length: 25 }, (_, index) => index + 35));
    expect(seen.outside).toBe(85 - 25);
    expect(seen.places.slice(0, 3)).toEqual(['1/10', '2/20', '3/30']);
  });

  it('finds what manifests do not say in the files', async () => {
    const test = await createTestTable();
    const file = await writeRows(test, someRows(5, 10, firstMs), { partition: 4 });
    await append(test, [{ ...file, lower: null, upper: null }]);
    expect(await test.table.plan(all)).toMatchObject([
      { partition: 4, topicId, firstOffset: 5n, lastOffset: 14n },
    ]);
    expect(await test.table.plan({ ...all, partitions: [3] })).toEqual([]);
  });

  it('finds a table that was moved', async () => {
    const test = await fourFiles();
    const moved = openTestTable(test.root, { warehouse: 's3://elsewhere/archive' });
    expect((await readRows(moved)).length).toBe(40);
  });
});

describe('Deleted rows', () => {
  /** A file of position deletes, committed as another writer does. */
  async function deletePositions(
    test: TestTable,
    path: string,
    positions: readonly number[],
    data: readonly DataFile[] = [],
  ): Promise<void> {
    const key = `${test.name}/data/${randomIds.uuid()}-deletes.parquet`;
    const columns = [
      { id: 2_147_483_546, name: 'file_path', required: true, type: { kind: 'string' } as const },
      { id: 2_147_483_545, name: 'pos', required: true, type: { kind: 'long' } as const },
    ];
    const limits = { rowGroupRows: 1_000, rowGroupBytes: 1_000_000 };
    const sink = createParquet({ store: test.store, key, columns, limits });
    const values = new Map<number, ColumnValues>([
      [2_147_483_546, positions.map(() => path)],
      [2_147_483_545, positions.map(BigInt)],
    ]);
    await sink.append({ rows: positions.length, columns: values });
    const file = dataFileOf(await sink.finish(), test.paths.uriOf(key), partitionOf(firstMs), new Map());
    await commitDeletes(test, { ...file, content: 'position-deletes', lower: null, upper: null }, data);
  }

  it('are not read, by their positions in the whole file, and count as outside', async () => {
    const test = await createTestTable();
    const file = await writeRows(test, someRows(100, 50, firstMs), { rowGroupRows: 10 });
    await append(test, [file]);
    await deletePositions(test, file.path, [0, 15, 49]);
    const offsets = (await readRows(test)).map((row) => Number(row.offset));
    expect(offsets.length).toBe(47);
    for (const gone of [100, 115, 149]) expect(offsets).not.toContain(gone);
  });

  it('of other files are read; and files that came later are not touched', async () => {
    const test = await createTestTable();
    const first = await writeRows(test, someRows(0, 10, firstMs));
    await append(test, [first]);
    await deletePositions(test, first.path, [3]);
    await append(test, [await writeRows(test, someRows(10, 10, firstMs))]);
    const planned = await test.table.plan(all);
    expect(planned.map((file) => file.deletes.length)).toEqual([1, 0]);
    expect((await readRows(test)).length).toBe(19);
  });

  it('may come with their file, in one commit', async () => {
    const test = await createTestTable();
    const file = await writeRows(test, someRows(0, 10, firstMs));
    await deletePositions(test, file.path, [9], [file]);
    expect((await readRows(test)).length).toBe(9);
  });

  it('are not brought back by a compaction that was planned before', async () => {
    const test = await createTestTable();
    const small = await writeRows(test, someRows(0, 10, firstMs));
    const at = await append(test, [small]);
    await deletePositions(test, small.path, [3]);
    const merged = await writeRows(test, someRows(0, 10, firstMs));
    await expect(test.table.replace([small], [merged], at, test.clock.now())).rejects.toThrow(
      /rows were deleted since/,
    );
  });

  it('by value are refused with the name of their file', async () => {
    const test = await fourFiles();
    const file = await writeRows(test, someRows(0, 1, firstMs));
    await commitDeletes(test, { ...file, content: 'equality-deletes', equalityIds: [3] });
    await expect(test.table.plan(all)).rejects.toMatchObject({
      code: 'ICEBERG_EQUALITY_DELETES',
      message: expect.stringContaining(test.paths.keyOf(file.path, '')),
    });
  });
});

describe('A table that cannot be read', () => {
  async function oneFile(
    change: (file: DataFile) => DataFile = (file) => file,
  ): Promise<{ test: TestTable; key: string }> {
    const test = await createTestTable();
    const file = await writeRows(test, someRows(0, 10, firstMs));
    await append(test, [change(file)]);
    return { test, key: test.paths.keyOf(file.path, '') };
  }

  async function named(test: TestTable, wanted: string): Promise<string> {
    for await (const { key } of test.store.list(`${test.name}/metadata/`))
      if (key.includes(wanted)) return key;
    throw new Error(`no ${wanted}`);
  }

  const unsupported: readonly (readonly [string, Partial<DataFile>])[] = [
    ['an Avro data file', { format: 'AVRO' }],
    ['an ORC data file', { format: 'ORC' }],
    ['an encrypted data file', { keyMetadata: Buffer.from('key') }],
  ];
  for (const [what, change] of unsupported) {
    it(`names ${what}`, async () => {
      const { test, key } = await oneFile((file) => ({ ...file, ...change }));
      await expect(test.table.plan(all)).rejects.toMatchObject({
        code: 'DATA_FILE_UNSUPPORTED',
        message: expect.stringContaining(key),
      });
    });
  }

  it('names a data file whose offsets are out of order', async () => {
    const test = await createTestTable();
    const rows = [5, 6, 6, 7].map((offset) => ({ offset, timestampMs: firstMs, value: 'x' }));
    const file = await writeRows(test, rows);
    await append(test, [file]);
    await expect(readRows(test)).rejects.toMatchObject({
      code: 'DATA_FILE_UNORDERED',
      message: expect.stringContaining(
        `${test.paths.keyOf(file.path, '')} has offsets out of order at row 2`,
      ),
    });
  });

  it('names a manifest that has other files than its list says', async () => {
    const { test } = await oneFile();
    const { metadata } = await test.table.load();
    const files = new TableFiles(test.store, test.paths);
    const [manifest] = await files.manifests(currentSnapshot(metadata), metadata.location);
    const read = async (addedFiles: number): Promise<number> => {
      let entries = 0;
      const said = { ...must(manifest, 'a manifest'), addedFiles };
      for await (const entry of files.entries(said, metadata.location)) entries += entry.file.rows;
      return entries;
    };
    expect(await read(1)).toBe(10);
    await expect(read(2)).rejects.toThrow(/1 files fewer than its list says/);
    await expect(read(0)).rejects.toThrow(/1 files more than its list says/);
  });

  it('names a data file that is missing', async () => {
    const { test, key } = await oneFile();
    rmSync(join(test.root, key));
    await expect(readRows(test)).rejects.toMatchObject({
      code: 'ARCHIVE_FILE_MISSING',
      reaction: 'stop',
      message: expect.stringContaining(key),
    });
  });

  it('names a data file that was cut short', async () => {
    const { test, key } = await oneFile();
    writeFileSync(join(test.root, key), readFileSync(join(test.root, key)).subarray(0, -20));
    await expect(readRows(test)).rejects.toMatchObject({
      code: 'PARQUET_DAMAGED',
      message: expect.stringContaining(key),
    });
  });

  for (const kind of ['-m0.avro', 'snap-']) {
    it(`names a ${kind} file of which any byte is gone, or that is another file`, async () => {
      const { test } = await oneFile();
      const key = await named(test, kind);
      const path = join(test.root, key);
      const whole = readFileSync(path);
      const damaged = [whole.subarray(0, -1), Buffer.alloc(whole.length), Buffer.from('{}'), Buffer.alloc(0)];
      for (const bytes of damaged) {
        writeFileSync(path, bytes);
        await expect(test.table.plan(all)).rejects.toMatchObject({
          code: 'MANIFEST_DAMAGED',
          message: expect.stringContaining(key),
        });
      }
      rmSync(path);
      await expect(test.table.plan(all)).rejects.toMatchObject({ code: 'ARCHIVE_FILE_MISSING' });
    });
  }

  it('fetches nothing from where a manifest likes', async () => {
    for (const path of ['file:///etc/passwd', 'http://169.254.169.254/x', 's3://other/x', '../../x']) {
      const { test } = await oneFile((file) => ({ ...file, path }));
      await expect(test.table.plan(all)).rejects.toMatchObject({ code: 'ARCHIVE_PATH_REFUSED' });
    }
    const { test } = await oneFile((file) => ({
      ...file,
      path: file.path.replace('/data/', '/../../data/'),
    }));
    await expect(test.table.plan(all)).rejects.toMatchObject({ code: 'ARCHIVE_PATH_REFUSED' });
  });

  it('is refused when its rows are no records of a topic', async () => {
    const { test } = await oneFile();
    await test.table.evolve([{ kind: 'drop', id: 7 }]);
    await append(test, [await writeRows(test, someRows(10, 1, firstMs))]);
    await expect(test.table.plan(all)).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' });
  });
});

function partitionOf(timestampMs: number): number {
  return Math.floor(timestampMs / dayMs);
}

async function commitDeletes(test: TestTable, file: DataFile, data: readonly DataFile[] = []): Promise<void> {
  const base = must(await test.catalog.load(test.name), 'the table');
  const { metadata } = base;
  const id = randomIds.snapshotId();
  const files = new TableFiles(test.store, test.paths);
  const manifests = [await manifestOf(test, metadata, id, [file], 'deletes')];
  if (data.length > 0) manifests.push(await manifestOf(test, metadata, id, data, 'data'));
  const carried = await files.manifests(currentSnapshot(metadata), metadata.location);
  const snapshot = { id, operation: 'delete', summary: {}, manifests: [...manifests, ...carried], nowMs: 0 };
  const next = await new SnapshotFiles(files, randomIds).next(metadata, snapshot);
  expect(await test.catalog.swap(test.name, base, next)).toBe(true);
}

async function manifestOf(
  test: TestTable,
  metadata: TableMetadata,
  snapshotId: bigint,
  files: readonly DataFile[],
  content: 'data' | 'deletes',
): Promise<ManifestFile> {
  const spec = must(metadata.specs[0], 'a spec');
  const inherits = { status: 'added', snapshotId, sequence: null, fileSequence: null } as const;
  const entries = files.map((file) => ({ ...inherits, file }));
  const bytes = writeManifest(entries, { schema: currentSchema(metadata), spec, content }, randomIds.sync());
  const key = `${test.name}/metadata/${randomIds.uuid()}-m0.avro`;
  await test.store.create(key, bytes);
  const sequence = metadata.lastSequence + 1n;
  return {
    path: test.paths.uriOf(key),
    bytes: bytes.length,
    specId: 0,
    content,
    sequence,
    minSequence: sequence,
    addedSnapshotId: snapshotId,
    addedFiles: files.length,
    existingFiles: 0,
    deletedFiles: 0,
    addedRows: files.reduce((sum, file) => sum + BigInt(file.rows), 0n),
    existingRows: 0n,
    deletedRows: 0n,
    partitions: null,
    keyMetadata: null,
  };
}

function currentSnapshot(metadata: TableMetadata): Snapshot | null {
  return snapshotOf(metadata, metadata.currentSnapshotId);
}
