import { expect, it } from 'vitest';
import { createTestTable, someRows, topicId, writeRows } from '../archive/iceberg/iceberg-testing.ts';
import { progressSummary } from '../ingest/archive/archive-positions.ts';
import { explainedBy, positionsIn } from './backfill-coverage.ts';

const startMs = Date.UTC(2026, 10, 1);

async function tableWith(positions: Readonly<Record<string, string>> | null) {
  const test = await createTestTable();
  const file = await writeRows(test, someRows(0, 10, startMs));
  const summary: Readonly<Record<string, string>> =
    positions === null ? {} : { 'jg.positions': JSON.stringify(positions) };
  await test.table.append([file], summary, () => true);
  return test;
}

it('Offsets that the archiver has passed over are no gap, and those behind its position are', async () => {
  const { table } = await tableWith({ [`c1/${topicId}/0`]: '100', [`c1/${topicId}/3`]: '50' });
  const { metadata } = await table.load();
  expect(positionsIn(metadata)).toEqual([
    { cluster: 'c1', topicId, partition: 0, next: 100n },
    { cluster: 'c1', topicId, partition: 3, next: 50n },
  ]);
  const isExplained = explainedBy(metadata);
  expect([isExplained?.(0, 10n, 100n), isExplained?.(0, 10n, 101n), isExplained?.(3, 10n, 60n)]).toEqual([
    true,
    false,
    false,
  ]);
  expect(isExplained?.(1, 0n, 1n)).toBe(false);
});

it('Nobody knows of a table of others, or of one that rows were removed from', async () => {
  const others = await tableWith(null);
  expect(explainedBy((await others.table.load()).metadata)).toBeNull();
  const { table } = await tableWith({ [`c1/${topicId}/0`]: '100' });
  const { metadata } = await table.load();
  const snapshots = metadata.snapshots.map((snapshot) => ({ ...snapshot, operation: 'delete' }));
  expect(explainedBy({ ...metadata, snapshots })).toBeNull();
});

it('Rows that were removed stay known when the snapshot that says so has expired', async () => {
  const test = await tableWith({ [`c1/${topicId}/0`]: '100' });
  const { snapshotId, files } = await test.table.files();
  await test.table.remove(files, snapshotId ?? 0n);
  for (const from of [20, 40]) {
    const added = await writeRows(test, someRows(from, 10, startMs));
    await test.table.append(
      [added],
      (base) => progressSummary(base, 'plays', []),
      () => true,
    );
  }
  await test.table.expire({ snapshots: 1, olderThanMs: Date.now() + 1e9 });
  const { metadata } = await test.table.load();
  expect(metadata.snapshots.map(({ operation }) => operation)).toEqual(['append']);
  expect(explainedBy(metadata)).toBeNull();
});

it('What the archiver skipped because the log had lost it is a gap', async () => {
  const skipped = { 'jg.skipped': JSON.stringify({ [`c1/${topicId}/0`]: ['30', '40'] }) };
  const test = await tableWith({ [`c1/${topicId}/0`]: '100' });
  const more = await writeRows(test, someRows(50, 10, startMs));
  const positions = { 'jg.positions': JSON.stringify({ [`c1/${topicId}/0`]: '100' }) };
  await test.table.append([more], { ...positions, ...skipped }, () => true);
  const isExplained = explainedBy((await test.table.load()).metadata);
  const asked = [isExplained?.(0, 10n, 30n), isExplained?.(0, 10n, 50n), isExplained?.(0, 39n, 41n)];
  expect([...asked, isExplained?.(0, 40n, 50n), isExplained?.(1, 30n, 40n)]).toEqual([
    ...[true, false, false, true, false],
  ]);
});

it('Of two lives of a topic the one that is less far says what is explained', async () => {
  const { table } = await tableWith({ 'c1/former/0': '40', [`c1/${topicId}/0`]: '100' });
  const isExplained = explainedBy((await table.load()).metadata);
  expect([isExplained?.(0, 10n, 40n), isExplained?.(0, 10n, 41n)]).toEqual([true, false]);
});
