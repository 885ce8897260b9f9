import { describe, expect, it } from 'vitest';
import type { ExportRow } from '../table-encoder.ts';
import { parquetEncoder } from './parquet-encoder.ts';
import { openParquet } from './parquet-reader.ts';
import { column, rowsOf, temporaryStore } from './parquet-testing.ts';

const columns = [column(1, '!id', 'long'), column(2, 'name', 'string')];
const encoder = parquetEncoder({ rowGroupRows: 100, rowGroupBytes: 1_000_000 });

function page(from: number, count: number): readonly ExportRow[] {
  return Array.from({ length: count }, (_, index) => [
    BigInt(from + index),
    index % 3 === 0 ? null : `n${index}`,
  ]);
}

describe('a Parquet export', () => {
  it('is a file of all pages, given as it is made', async () => {
    const store = temporaryStore();
    const pages = async function* (): AsyncGenerator<readonly ExportRow[]> {
      for (let at = 0; at < 500; at += 70) yield page(at, Math.min(70, 500 - at));
    };
    await store.write('f', encoder.encode(columns, pages()));
    const file = await openParquet(store, 'f');
    expect(file.groups.map(({ rows }) => rows)).toEqual([100, 100, 100, 100, 100]);
    expect((await rowsOf(file, columns)).map(({ id }) => id)).toEqual(page(0, 500).map(([id]) => id));
  });

  it('fails with what its pages fail with', async () => {
    const store = temporaryStore();
    const pages = async function* (): AsyncGenerator<readonly ExportRow[]> {
      yield page(0, 250);
      throw new Error('the store was closed');
    };
    await expect(store.write('f', encoder.encode(columns, pages()))).rejects.toThrow('the store was closed');
    await expect(store.size('f')).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  });

  it('reads no more pages when nobody wants the rest', async () => {
    let given = 0;
    const pages = async function* (): AsyncGenerator<readonly ExportRow[]> {
      for (; given < 100_000; given += 100) yield page(given, 100);
    };
    for await (const part of encoder.encode(columns, pages())) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    expect(given).toBeLessThan(1_000);
  });
});
