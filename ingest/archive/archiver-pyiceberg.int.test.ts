import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { randomIds } from '../../archive/index.ts';
import { systemClock } from '../../foundation/index.ts';
import { pythonWithPackages } from '../../test/python/venv.ts';
import { describeWith } from '../../test/services/index.ts';
import {
  archiverParts,
  dayOne,
  drawGrowing,
  limits,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { archiveToEnd } from './archive-to-end.ts';
import { compact, planCompaction } from './compaction.ts';

const run = promisify(execFile);
const installTimeoutMs = 600_000;
const program = join(import.meta.dirname, '..', '..', 'test', 'python', 'iceberg_read.py');

describeWith('python')('A topic whose events grew while it was archived', () => {
  let python = '';
  beforeAll(async () => {
    python = await pythonWithPackages();
  }, installTimeoutMs);

  it('is read by PyIceberg with all its columns, before and after compaction, and its files by DuckDB', async () => {
    const folder = folderOfTest();
    const log = await openLog(folder);
    await log.createTopic(topic, 1);
    const drawn = drawGrowing(120);
    const archive = openTestArchive(folder);
    // Both schemas by turns, within commits and between them.
    for (const [from, until] of [
      [0, 50],
      [50, 120],
    ] as const) {
      await log.append(
        topic,
        0,
        drawn.slice(from, until).map(({ record }) => record),
      );
      await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
    }
    await log.close();
    const expected = drawn.map(({ record, columns }, offset) => ({
      ...columns,
      offset,
      timestamp: record.timestampMs,
      schema_id: record.value?.[4],
      value: record.value === null ? null : Buffer.from(record.value).toString('hex'),
    }));
    const before = await answer(folder);
    expect(before).toMatchObject({ duck: [120, 120, expect.any(Number), expect.any(Number)] });
    expect(rowsOf(before)).toEqual(expected);
    const { store, table, paths, name } = archive;
    const parts = { table, store, paths, folder: name, newUuid: randomIds.uuid, clock: systemClock };
    const small = { bytesMax: 2 ** 20, olderThanMs: Number.POSITIVE_INFINITY, rowGroupRows: 1_000 };
    const plan = await planCompaction(parts, small);
    const report = await compact(parts, plan, small, () => undefined, new AbortController().signal);
    // The first day has one file already.
    expect(report).toMatchObject({ groups: 1, rows: 114, conflicts: 0 });
    const after = await answer(folder);
    expect(after).toMatchObject({ files: 2 });
    expect(rowsOf(after)).toEqual(expected);
  });

  async function answer(folder: string): Promise<object> {
    const table = join(folder, 'archive', 'test', 'plays');
    const time = (ms: number): string => new Date(ms).toISOString().replace('.000Z', '+00:00');
    const { stdout } = await run(
      python,
      [program, `file://${table}`, time(dayOne), time(dayOne + 60_000), `${table}/data/*/*.parquet`],
      { maxBuffer: 67_108_864 },
    );
    const seen: unknown = JSON.parse(stdout);
    if (typeof seen !== 'object' || seen === null) throw new Error('no answer');
    return seen;
  }
});

const shared = ['topic', 'partition', 'key', 'headers', 'topic_id', 'cluster'];

function rowsOf(seen: object): readonly unknown[] {
  const rows: unknown = 'rows' in seen ? seen.rows : [];
  if (!Array.isArray(rows)) return [];
  const plain = rows.map((row: object) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !shared.includes(name))),
  );
  return plain.sort((a, b) => Number(a.offset) - Number(b.offset));
}
