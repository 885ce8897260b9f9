import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestTable, folderOfTest, someRows, writeRows } from '../../archive/iceberg/iceberg-testing.ts';
import { LocalObjectStore, randomIds } from '../../archive/index.ts';
import { systemClock } from '../../foundation/index.ts';
import { archivedPositions } from './archive-positions.ts';
import {
  archivedRows,
  archiverParts,
  fill,
  limits,
  openLog,
  openTestArchive,
  sourceOf,
  type TestArchive,
  topic,
} from './archive-testing.ts';
import { HookedStore } from './archive-testing-store.ts';
import { archiveToEnd } from './archive-to-end.ts';
import { type CompactionLimits, compact, planCompaction } from './compaction.ts';
import { expire, planExpiry } from './expiry.ts';

const small: CompactionLimits = {
  bytesMax: 2 ** 20,
  olderThanMs: Number.POSITIVE_INFINITY,
  rowGroupRows: 100,
};
const never = new AbortController().signal;

/** Two partitions in three commits, of two days and of none. */
async function archivedThrice(): Promise<TestArchive> {
  const folder = folderOfTest();
  const log = await openLog(folder);
  await log.createTopic(topic, 2);
  const archive = openTestArchive(folder);
  for (const first of [0, 1_000, 2_000]) {
    for (const partition of [0, 1]) await fill(log, partition, 20, first);
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
  }
  await log.close();
  return archive;
}

function partsOf({ table, store, paths, name }: TestArchive): Parameters<typeof planCompaction>[0] {
  return { table, store, paths, folder: name, newUuid: randomIds.uuid, clock: systemClock };
}

describe('compaction', () => {
  it('joins files of a partition and day, row for row, and leaves positions as they are', async () => {
    const archive = await archivedThrice();
    const rows = await archivedRows(archive, 2);
    const { metadata } = await archive.table.load();
    const parts = partsOf(archive);
    const plan = await planCompaction(parts, small);
    expect(plan.groups.map((group) => group.length)).toEqual([3, 3, 3, 3, 3, 3]);
    const report = await compact(parts, plan, small, () => undefined, never);
    expect(report).toMatchObject({ groups: 6, files: 18, rows: 120, conflicts: 0 });
    expect(await archivedRows(archive, 2)).toEqual(rows);
    expect((await archive.table.files()).files.length).toBe(6);
    const after = await archive.table.load();
    expect(archivedPositions(after.metadata, 't')).toEqual(archivedPositions(metadata, 't'));
    expect((await planCompaction(parts, small)).groups).toEqual([]);
  });

  it('leaves files that are young, and files that are large already', async () => {
    const archive = await archivedThrice();
    const parts = partsOf(archive);
    expect((await planCompaction(parts, { ...small, olderThanMs: 0 })).groups).toEqual([]);
    expect((await planCompaction(parts, { ...small, bytesMax: 10 })).groups).toEqual([]);
  });

  it('leaves a group that somebody changed meanwhile, and no file of its own', async () => {
    const archive = await archivedThrice();
    const rows = await archivedRows(archive, 2);
    const parts = partsOf(archive);
    const plan = await planCompaction(parts, small);
    await compact(parts, plan, small, () => undefined, never);
    const late = await compact(parts, plan, small, () => undefined, never);
    expect(late).toMatchObject({ groups: 0, conflicts: 6 });
    expect(await archivedRows(archive, 2)).toEqual(rows);
    const all = { snapshots: 1_000, olderThanMs: systemClock.now() + 60_000 };
    expect(await archive.table.expire(all)).toMatchObject({ orphans: 0 });
  });
});

describe('an expiry while a compaction sleeps', () => {
  it.each([/-m0\.avro$/, /snap-/, /v\d+\.metadata\.json$/])(
    'leaves the group for the next time, and every row, when it fell asleep at %s',
    async (pattern) => {
      const folder = folderOfTest();
      const log = await openLog(folder);
      await log.createTopic(topic, 1);
      for (const first of [0, 1_000]) {
        await fill(log, 0, 20, first);
        await archiveToEnd(archiverParts(openTestArchive(folder), sourceOf(log)), limits);
      }
      await log.close();
      let orphans: number | null = null;
      const store = new HookedStore(new LocalObjectStore(join(folder, 'archive')), async (what, key) => {
        if (what !== 'before creating' || !pattern.test(key) || orphans !== null) return;
        orphans = 0;
        const keep = { snapshots: 1_000, olderThanMs: systemClock.now() + 60_000 };
        ({ orphans } = await openTestArchive(folder).table.expire(keep));
      });
      const archive = openTestArchive(folder, { store });
      const rows = await archivedRows(archive, 1);
      const parts = partsOf(archive);
      const plan = await planCompaction(parts, small);
      expect(plan.groups.length).toBeGreaterThan(1);
      const report = await compact(parts, plan, small, () => undefined, never);
      expect(orphans).toBeGreaterThan(0);
      expect(report.conflicts).toBeGreaterThan(0);
      expect(await archivedRows(archive, 1)).toEqual(rows);
    },
  );
});

describe('compaction of a table with rows of two clusters', () => {
  it('joins files of one cluster only, and says of the new one whose it is', async () => {
    const test = await createTestTable();
    const [one, other] = ['a-cluster-of-a-long-name', 'another-cluster-of-a-long-name'];
    for (const [at, cluster] of [one, one, other].entries()) {
      const file = await writeRows(test, someRows(at * 10, 10, Date.UTC(2026, 8, 21)), { cluster });
      await test.table.append([file], {}, () => true);
    }
    const parts = { ...test, folder: test.name, newUuid: randomIds.uuid };
    const plan = await planCompaction(parts, small);
    expect(plan.groups.map((group) => group.map(({ cluster }) => cluster))).toEqual([[one, one]]);
    await compact(parts, plan, small, () => undefined, never);
    const { files } = await test.table.files();
    const clusters = files.map((file) => Buffer.from(file.lower?.get(13) ?? []).toString());
    expect(clusters.toSorted()).toEqual([one, other]);
  });
});

describe('expiry', () => {
  it('takes whole days out of the table, not rows without a time, and archiving goes on where it was', async () => {
    const archive = await archivedThrice();
    const rows = (await archivedRows(archive, 2)).flat();
    const rowsBeforeMs = Date.UTC(2026, 10, 1);
    const keep = { snapshotsMin: 1, olderThanMs: systemClock.now() + 60_000, rowsBeforeMs };
    const plan = await planExpiry(archive.table, keep);
    const isOld = ({ timestampMs }: (typeof rows)[number]): boolean =>
      timestampMs !== -1 && timestampMs < rowsBeforeMs;
    expect(plan.rows).toBe(rows.filter(isOld).length);
    expect(plan.rows).toBeGreaterThan(0);
    const before = archivedPositions((await archive.table.load()).metadata, 't');
    const report = await expire(archive.table, plan, keep);
    expect(report.files).toBeGreaterThan(plan.files.length);
    const left = (await archivedRows(archive, 2)).flat();
    expect(left).toEqual(rows.filter((row) => !isOld(row)));
    expect(left.some(({ timestampMs }) => timestampMs === -1)).toBe(true);
    expect(archivedPositions((await archive.table.load()).metadata, 't')).toEqual(before);
  });
});
