import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTestTable, folderOfTest } from './iceberg-testing.ts';

const program = join(import.meta.dirname, '..', '..', 'test', 'iceberg', 'fixtures', 'racing-writer.ts');
const writers = ['a', 'b', 'c'];
const commits = 8;

it('loses no commit of three processes on one folder', async () => {
  const root = folderOfTest();
  const test = await createTestTable({ root, name: 't' });
  const ends = await Promise.all(
    writers.map(async (name) => await once(fork(program, [root, name, String(commits)]), 'exit')),
  );
  expect(ends.map(([code]) => Number(code))).toEqual([0, 0, 0]);
  const { files } = await test.table.files();
  const wanted = writers.flatMap((name) =>
    Array.from({ length: commits }, (_, commit) => `${test.warehouse}/t/data/${name}-${commit}.parquet`),
  );
  expect(files.map((file) => file.path).sort()).toEqual(wanted);
  const { metadata } = await test.table.load();
  expect(metadata.snapshots.length).toBe(wanted.length);
});
