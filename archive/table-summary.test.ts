import { describe, expect, it } from 'vitest';
import { arrowStreamEncoder } from './arrow-encoder.ts';
import { parquetEncoder } from './parquet/parquet-encoder.ts';
import { column, temporaryStore } from './parquet/parquet-testing.ts';
import type { ExportRow } from './table-encoder.ts';
import { readTableSummary } from './table-summary.ts';

const columns = [column(1, '!id', 'long'), column(2, 'name', 'string')];
const about = { positions: '[{"next":"12"}]', taken: 'née' };
const formats = ['arrow', 'parquet'] as const;

function encoderOf(format: 'arrow' | 'parquet') {
  return format === 'arrow'
    ? arrowStreamEncoder()
    : parquetEncoder({ rowGroupRows: 100, rowGroupBytes: 1_000_000 });
}

async function* pages(...counts: readonly number[]): AsyncGenerator<readonly ExportRow[]> {
  for (const count of counts) yield Array.from({ length: count }, (_, index) => [BigInt(index), null]);
}

describe.each(formats)('The summary of a table in %s', (format) => {
  it('has its rows and what was said of it', async () => {
    const store = temporaryStore();
    const bytes = await store.write('t', encoderOf(format).encode(columns, pages(70, 0, 90), about));
    const summary = await readTableSummary(store, 't', format);
    expect(summary).toMatchObject({ bytes, rows: 160, about });
  });

  it('is there without rows', async () => {
    const store = temporaryStore();
    await store.write('t', encoderOf(format).encode(columns, pages(), about));
    expect(await readTableSummary(store, 't', format)).toMatchObject({ rows: 0, about });
  });

  it('is refused for a table that was cut off, wherever that was', async () => {
    const store = temporaryStore();
    const bytes = await store.write('t', encoderOf(format).encode(columns, pages(70, 90), about));
    for (const cut of [1, 8, 9, 100, Math.floor(bytes / 2), bytes - 1]) {
      await store.write('cut', parts(await store.read('t', 0, bytes - cut)));
      await expect(readTableSummary(store, 'cut', format), `${cut} bytes less`).rejects.toMatchObject({
        code: 'TABLE_DAMAGED',
      });
    }
  });
});

async function* parts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
