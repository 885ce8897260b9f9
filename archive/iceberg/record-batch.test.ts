import { describe, expect, it, test } from 'vitest';
import { must } from '../../foundation/index.ts';
import type { ColumnValues } from '../columns.ts';
import { rawColumns } from './raw-columns.ts';
import { RecordBatch } from './record-batch.ts';

function column(name: string) {
  return must(
    rawColumns.find((each) => each.name === name),
    'it is one of ours',
  );
}

const columns = {
  partition: column('partition'),
  offset: column('offset'),
  value: column('value'),
  timestamp: column('timestamp'),
  schemaId: column('schema_id'),
  key: column('key'),
  headers: column('headers'),
  topicId: column('topic_id'),
};

function timeOf(values: ColumnValues): number {
  return new RecordBatch({ rows: 1, columns: new Map([[columns.timestamp.id, values]]) }, columns).row(0)
    .timestampMs;
}

describe('A time of an archived record', () => {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  test.each([
    [1_789_992_000_000_999n, 1_789_992_000_000],
    [0n, 0],
    [-1n, -1],
    [-1_000n, -1],
    [-1_001n, -2],
    [9_007_199_254_739_999n, 9_007_199_254_739],
    [most, 9_007_199_254_740],
    [-most, -9_007_199_254_741],
    [2n ** 63n - 1n, Number(2n ** 63n / 1_000n)],
    [-(2n ** 63n), Number(-(2n ** 63n) / 1_000n - 1n)],
  ])('of %s microseconds is %s whole milliseconds, rounded down', (micros, millis) => {
    expect(timeOf(BigInt64Array.of(micros))).toBe(millis);
  });

  it('is -1 where there is none', () => {
    expect(timeOf([null])).toBe(-1);
  });
});
