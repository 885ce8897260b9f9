import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { arrowStreamEncoder } from './arrow-encoder.ts';
import type { Column } from './columns.ts';
import { column } from './parquet/parquet-testing.ts';
import type { ExportRow } from './table-encoder.ts';

const columns: readonly Column[] = [
  column(1, '!offset', 'long'),
  column(2, 'time', 'timestamptz'),
  column(3, 'name', 'string'),
  column(4, 'value', 'binary'),
  column(5, 'flag', 'boolean'),
  column(6, 'price', { kind: 'decimal', precision: 30, scale: 2 }),
  column(7, 'tags', { kind: 'list', element: column(8, 'element', 'int') }),
  column(9, 'place', { kind: 'struct', fields: [column(10, 'town', 'string'), column(11, 'day', 'date')] }),
  column(12, 'counts', {
    kind: 'map',
    key: column(13, '!key', 'string'),
    value: column(14, 'value', 'long'),
  }),
  column(15, 'uuid', 'uuid'),
  column(16, 'ratio', 'double'),
];

const rows: readonly ExportRow[] = [
  [
    1n,
    1_790_000_000_123_456n,
    'Zoë',
    Uint8Array.of(0, 255),
    true,
    -12_345_678_901_234_567_890n,
    [1, null, 3],
    { town: 'Kraków', day: 20_717 },
    [
      { key: 'a', value: 2n ** 60n },
      { key: 'b', value: null },
    ],
    new Uint8Array(16).fill(7),
    0.5,
  ],
  [2n ** 62n, null, null, null, null, null, null, null, null, null, null],
  [3n, -1n, '', new Uint8Array(), false, 5n, [], { town: null, day: null }, [], new Uint8Array(16), -0],
];

async function* pages(...all: (readonly ExportRow[])[]): AsyncGenerator<readonly ExportRow[]> {
  yield* all;
}

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

describe('an Arrow stream', () => {
  it('holds the rows, a batch a page', async () => {
    const encoder = arrowStreamEncoder();
    const bytes = await bytesOf(encoder.encode(columns, pages(rows, [], rows.slice(0, 1), rows)));
    const batches = [...RecordBatchReader.from(bytes)];
    expect(batches.map((batch) => batch.numRows)).toEqual([3, 1, 3]);
    const table = tableFromIPC(bytes);
    const at = (name: string, row: number): unknown => table.getChild(name)?.get(row);
    expect(at('offset', 1)).toBe(2n ** 62n);
    expect(table.getChild('time')?.data[0]?.values).toEqual(
      BigInt64Array.of(1_790_000_000_123_456n, 0n, -1n),
    );
    expect([at('name', 0), at('name', 1), at('name', 2)]).toEqual(['Zoë', null, '']);
    expect(at('value', 0)).toEqual(Uint8Array.of(0, 255));
    expect([at('flag', 0), at('flag', 1), at('flag', 2)]).toEqual([true, null, false]);
    expect(String(at('tags', 0))).toBe('[1,,3]');
    expect(at('tags', 1)).toBeNull();
    expect(String(at('place', 0))).toContain('Kraków');
    expect(at('place', 1)).toBeNull();
    expect(String(at('counts', 0))).toContain(String(2n ** 60n));
    expect(at('uuid', 0)).toEqual(new Uint8Array(16).fill(7));
    expect(table.getChild('price')?.type.toString()).toBe('Decimal[30e+2]');
    expect(at('offset', 6)).toBe(3n);
  });

  it('is complete without rows', async () => {
    const bytes = await bytesOf(arrowStreamEncoder().encode(columns, pages()));
    const table = tableFromIPC(bytes);
    expect(table.numRows).toBe(0);
    expect(table.schema.fields.map(({ name, nullable }) => [name, nullable]).slice(0, 2)).toEqual([
      ['offset', false],
      ['time', true],
    ]);
  });
});
