import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createTestTable,
  openTestTable,
  readRows,
  someRows,
  type TestTable,
  writeRows,
} from './iceberg-testing.ts';
import { MetadataFileCatalog } from './metadata-file-catalog.ts';
import { mayBeSwept } from './sweep-mark.ts';

const firstMs = Date.UTC(2026, 8, 21);
const far = Number.MAX_SAFE_INTEGER;

async function append(test: TestTable, first: number, summary: Record<string, string> = {}): Promise<bigint> {
  const file = await writeRows(test, someRows(first, 10, firstMs + first * 1_000));
  return await test.table.append([file], summary, () => true);
}

async function keys(test: TestTable): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of test.store.list(`${test.name}/`)) found.push(key);
  return found;
}

describe('Expiring snapshots', () => {
  it('keeps the newest, and all rows; older ones cannot be read any more', async () => {
    const test = await createTestTable();
    const first = await append(test, 0);
    const second = await append(test, 10);
    const third = await append(test, 20);
    const report = await test.table.expire({ snapshots: 2, olderThanMs: test.clock.now() });
    expect(report).toMatchObject({ snapshots: 1, files: 1, orphans: 0 });
    expect((await readRows(test)).length).toBe(30);
    expect((await readRows(test, second)).length).toBe(20);
    await expect(readRows(test, first)).rejects.toMatchObject({ code: 'SNAPSHOT_MISSING' });
    const { metadata } = await test.table.load();
    expect(metadata.snapshots.map((snapshot) => snapshot.id)).toEqual([second, third]);
    expect(metadata.snapshotLog.map((entry) => entry.snapshotId)).toEqual([second, third]);
  });

  it('keeps what was current until lately: a reader may be on it', async () => {
    const test = await createTestTable();
    await append(test, 0);
    const between = test.clock.now();
    test.clock.nowMs += 1_000;
    await append(test, 10);
    expect(await test.table.expire({ snapshots: 1, olderThanMs: between })).toMatchObject({ snapshots: 0 });
    const after = test.clock.now();
    expect(await test.table.expire({ snapshots: 1, olderThanMs: after })).toMatchObject({ snapshots: 1 });
  });

  it('keeps the newest that says where the archive is', async () => {
    const test = await createTestTable();
    await append(test, 0, { 'jg.positions': '{}' });
    const said = await append(test, 10, { 'jg.positions': '{"c/t/0":"20"}' });
    await append(test, 20);
    const newest = await append(test, 30);
    await test.table.expire({ snapshots: 1, olderThanMs: test.clock.now() });
    const { metadata } = await test.table.load();
    expect(metadata.snapshots.map((snapshot) => snapshot.id)).toEqual([said, newest]);
  });

  it('removes files that compaction replaced with the last snapshot that has them, and not before', async () => {
    const test = await createTestTable();
    const small = await writeRows(test, someRows(0, 10, firstMs));
    const at = await test.table.append([small], {}, () => true);
    const other = await writeRows(test, someRows(0, 10, firstMs));
    await test.table.replace([small], [other], at, test.clock.now());
    await append(test, 10);
    await append(test, 20);
    const smallKey = test.paths.keyOf(small.path, '');
    await test.table.expire({ snapshots: 4, olderThanMs: test.clock.now() });
    expect(await keys(test)).toContain(smallKey);
    await test.table.expire({ snapshots: 2, olderThanMs: test.clock.now() });
    expect(await keys(test)).not.toContain(smallKey);
    expect((await readRows(test)).length).toBe(30);
  });

  it('keeps a file whose manifest went, because another one has it', async () => {
    const test = await createTestTable();
    const stays = await writeRows(test, someRows(0, 10, firstMs));
    const goes = await writeRows(test, someRows(10, 10, firstMs));
    const at = await test.table.append([stays, goes], {}, () => true);
    await test.table.replace(
      [goes],
      [await writeRows(test, someRows(10, 10, firstMs))],
      at,
      test.clock.now(),
    );
    const report = await test.table.expire({ snapshots: 1, olderThanMs: test.clock.now() });
    // The list, the manifest and the file of the first snapshot.
    expect(report).toMatchObject({ snapshots: 1, files: 3 });
    expect((await readRows(test)).length).toBe(20);
  });

  it('removes what was never committed when it is old, and leaves what is young or not a table’s', async () => {
    const test = await createTestTable();
    await append(test, 0);
    const orphan = await writeRows(test, someRows(90, 5, firstMs));
    const young = await writeRows(test, someRows(95, 5, firstMs));
    const place = (path: string): string => path.slice('file://'.length);
    const old = new Date(1_000_000);
    utimesSync(place(orphan.path), old, old);
    const note = join(test.root, test.name, 'note.txt');
    writeFileSync(note, 'mine');
    utimesSync(note, old, old);
    for (const key of await keys(test)) {
      // What the table has stays, however old it is.
      if (key !== test.paths.keyOf(young.path, '')) utimesSync(join(test.root, key), old, old);
    }
    const report = await test.table.expire({ snapshots: 5, olderThanMs: 2_000_000 });
    expect(report).toEqual({ snapshots: 0, files: 0, orphans: 1, metadataFiles: 0 });
    expect(await keys(test)).not.toContain(test.paths.keyOf(orphan.path, ''));
    expect(await keys(test)).toContain(test.paths.keyOf(young.path, ''));
    expect(await keys(test)).toContain(`${test.name}/note.txt`);
    expect((await readRows(test)).length).toBe(10);
  });

  it('fences only writers as old as what it removed, however far ahead its clock is', async () => {
    const test = await createTestTable();
    await append(test, 0);
    const orphan = await writeRows(test, someRows(90, 5, firstMs));
    const removedMs = 1_000_000_000;
    const old = new Date(removedMs);
    utimesSync(orphan.path.slice('file://'.length), old, old);
    const aheadMs = Date.now() + 28 * 86_400_000;
    expect(await test.table.expire({ snapshots: 5, olderThanMs: aheadMs })).toMatchObject({ orphans: 1 });
    const { metadata } = await test.table.load();
    const skewMs = 600_000;
    expect(mayBeSwept(metadata, removedMs)).toBe(true);
    expect(mayBeSwept(metadata, removedMs + skewMs)).toBe(true);
    expect(mayBeSwept(metadata, removedMs + skewMs + 2)).toBe(false);
  });

  it('keeps fencing the writers of a sweep before, when it removes only older files', async () => {
    const test = await createTestTable();
    await append(test, 0);
    for (const atMs of [3_000_000_000, 1_000_000_000]) {
      const orphan = await writeRows(test, someRows(90, 5, firstMs));
      const at = new Date(atMs);
      utimesSync(orphan.path.slice('file://'.length), at, at);
      expect(await test.table.expire({ snapshots: 5, olderThanMs: 4_000_000_000 })).toMatchObject({
        orphans: 1,
      });
    }
    expect(mayBeSwept((await test.table.load()).metadata, 3_000_000_000)).toBe(true);
  });

  it('removes nothing of a table that is read from its metadata file', async () => {
    const test = await createTestTable();
    await append(test, 0);
    await writeRows(test, someRows(90, 5, firstMs));
    const catalog = new MetadataFileCatalog(test.store, `${test.name}/metadata/v2.metadata.json`);
    const other = openTestTable(test.root, { catalog });
    const before = await keys(test);
    const expiring = other.table.expire({ snapshots: 1, olderThanMs: far });
    await expect(expiring).rejects.toMatchObject({ code: 'TABLE_READ_ONLY' });
    await expect(other.table.append([], {}, () => true)).rejects.toMatchObject({ code: 'TABLE_READ_ONLY' });
    expect((await readRows(other)).length).toBe(10);
    expect(await keys(test)).toEqual(expect.arrayContaining([...before]));
  });

  it('removes nothing when a manifest that stays cannot be read', async () => {
    const test = await createTestTable();
    await append(test, 0);
    await append(test, 10);
    const before = await keys(test);
    const manifest = before.find((key) => key.endsWith('-m0.avro')) ?? '';
    rmSync(join(test.root, manifest));
    const expiring = test.table.expire({ snapshots: 2, olderThanMs: far });
    await expect(expiring).rejects.toMatchObject({ code: 'ARCHIVE_FILE_MISSING' });
    expect(await keys(test)).toEqual(before.filter((key) => key !== manifest));
  });
});
