import { expect, it } from 'vitest';
import { createTestTable, readRows, type TestRow, writeRows } from './iceberg/iceberg-testing.ts';

const startMs = Date.UTC(2026, 10, 1);

it('Headers are there where some rows of a row group have them, and are none where no row does', async () => {
  const test = await createTestTable();
  const header = { key: 'traceparent', value: Buffer.from('00-1') };
  const rows = Array.from(
    { length: 30 },
    (_, offset): TestRow => ({
      ...{ offset, timestampMs: startMs + offset, value: `v${offset}` },
      // None in the first group, one in the second, nothing but a null in the third.
      headers: offset === 14 ? [header] : offset === 25 ? [{ key: 'k', value: null }] : [],
    }),
  );
  const file = await writeRows(test, rows, { rowGroupRows: 10 });
  await test.table.append([file], {}, () => true);
  const read = await readRows(test);
  expect(read.flatMap(({ offset, headers }) => headers.map(({ key }) => [offset, key]))).toEqual([
    [14n, 'traceparent'],
    [25n, 'k'],
  ]);
  expect(read.map(({ headers }) => headers.length).filter((count) => count === 0)).toHaveLength(28);
});
