import { describe, expect, it } from 'vitest';
import { OutageError } from '../../foundation/index.ts';
import type { Column } from '../columns.ts';
import { listed } from '../object-store-conformance.ts';
import { openParquet } from './parquet-reader.ts';
import { batch, column, rowsOf, temporaryStore, written } from './parquet-testing.ts';
import { createParquet } from './parquet-writer.ts';

const limits = { rowGroupRows: 100, rowGroupBytes: 1_000_000 };
const offset = column(3, '!offset', 'long');

function longs(from: number, count: number): BigInt64Array {
  return BigInt64Array.from({ length: count }, (_, index) => BigInt(from + index));
}

/** A bound as hexadecimal digits. */
function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

describe('a Parquet sink', () => {
  it('makes groups of so many rows, whatever batches come, and says where they begin', async () => {
    const store = temporaryStore();
    const sink = createParquet({ store, key: 'f', columns: [offset], limits });
    for (const [from, count] of [
      [0, 30],
      [30, 250],
      [280, 1],
      [281, 0],
    ] as const)
      await sink.append(batch({ 3: longs(from, count) }));
    expect(sink.rows).toBe(281);
    expect(sink.bytes).toBeGreaterThan(81 * 8);
    const file = await sink.finish();
    const read = await openParquet(store, 'f', { bytes: file.bytes, rows: 281 });
    expect(read.groups.map(({ rowStart, rows }) => [rowStart, rows])).toEqual([
      [0, 100],
      [100, 100],
      [200, 81],
    ]);
    expect(read.groups.map((group) => group.bounds(3))).toEqual([
      { min: 0n, max: 99n },
      { min: 100n, max: 199n },
      { min: 200n, max: 280n },
    ]);
    expect(file.rows).toBe(281);
    expect(file.splitOffsets).toHaveLength(3);
    expect(file.splitOffsets[0]).toBe(4n);
    expect((await rowsOf(read, [offset])).map(({ offset: at }) => at)).toEqual([...longs(0, 281)]);
  });

  it('closes a group early when its values are large', async () => {
    const store = temporaryStore();
    const columns = [column(7, 'value', 'binary')];
    const values = Array.from({ length: 100 }, () => new Uint8Array(30_000));
    const sink = createParquet({ store, key: 'f', columns, limits });
    for (const value of values) await sink.append(batch({ 7: [value] }));
    await sink.finish();
    expect((await openParquet(store, 'f')).groups.map(({ rows }) => rows)).toEqual([34, 34, 32]);
  });

  it('keeps a file without rows', async () => {
    const store = temporaryStore();
    const file = await written(store, 'f', [offset], []);
    expect(file.rows).toBe(0);
    const read = await openParquet(store, 'f', { bytes: file.bytes, rows: 0 });
    expect(read.groups).toEqual([]);
    expect(read.fieldIds).toEqual(new Set([3]));
  });

  it('says of its columns what a manifest has to', async () => {
    const store = temporaryStore();
    const place = column(40, 'place', { kind: 'struct', fields: [column(41, 'town', 'string')] });
    const list = column(50, 'list', { kind: 'list', element: column(51, 'element', 'int') });
    const columns: readonly Column[] = [
      offset,
      column(4, 'time', 'timestamptz'),
      column(7, 'value', 'binary'),
      column(8, 'name', 'string'),
      column(9, 'price', { kind: 'decimal', precision: 20, scale: 2 }),
      column(10, 'flag', 'boolean'),
      column(11, 'ratio', 'double'),
      column(12, 'day', 'date'),
      place,
      list,
    ];
    const rows = {
      3: longs(-2, 4),
      4: [null, 5n, 1_790_000_000_000_000n, null],
      7: [null, Uint8Array.of(1), null, Uint8Array.of(2)],
      8: ['z'.repeat(20), 'a'.repeat(20), null, 'é'],
      9: [-129n, 0n, 128n, 5n],
      10: [true, null, false, true],
      11: [Number.NaN, -0.5, 2, null],
      12: [-1, 0, 20_717, 3],
      40: [{ town: 'b' }, null, { town: null }, { town: 'c' }],
      50: [[1, 2, null], [], null, [3]],
    };
    const file = await written(store, 'f', columns, [batch(rows)], 3);
    const bounds = Object.fromEntries(
      [...file.bounds].map(([id, { min, max }]) => [id, [hex(min), hex(max)]]),
    );
    expect(bounds).toEqual({
      3: ['feffffffffffffff', '0100000000000000'],
      4: ['0500000000000000', hex(Buffer.from(longs(0, 1).fill(1_790_000_000_000_000n).buffer))],
      8: [hex(Buffer.from('a'.repeat(16))), hex(Buffer.from('é'))],
      9: ['ff7f', '0080'],
      10: ['00', '01'],
      11: ['000000000000e0bf', '0000000000000040'],
      12: ['ffffffff', 'ed500000'],
      41: [hex(Buffer.from('b')), hex(Buffer.from('c'))],
    });
    expect(Object.fromEntries(file.nulls)).toMatchObject({ 3: 0, 4: 2, 7: 2, 8: 1, 10: 1, 41: 2 });
    expect(Object.fromEntries(file.values)).toMatchObject({ 3: 4, 4: 4, 7: 4, 41: 4, 51: 6 });
    const sizes = [...file.columnBytes.values()].reduce((sum, size) => sum + size, 0);
    expect(sizes).toBeGreaterThan(0);
    expect(sizes).toBeLessThan(file.bytes);
  });

  it('cuts long bounds so that they still hold all values', async () => {
    const store = temporaryStore();
    const top = '\u{10ffff}';
    const columns = [
      column(1, 'a', 'string'),
      column(2, 'b', 'string'),
      column(3, 'c', { kind: 'fixed', bytes: 20 }),
    ];
    const long = new Uint8Array(20).fill(255, 2);
    const before = new Uint8Array(long);
    const file = await written(store, 'f', columns, [
      batch({ 1: [`abc${'\ud7ff'.repeat(30)}`], 2: [top.repeat(17)], 3: [long] }),
    ]);
    expect(Buffer.from(file.bounds.get(1)?.max ?? []).toString()).toBe(`abc${'\ud7ff'.repeat(12)}\ue000`);
    expect(file.bounds.has(2)).toBe(false);
    expect(hex(file.bounds.get(3)?.max)).toBe('0001');
    expect(long).toEqual(before);
  });

  it('leaves nothing when it is given up, before or behind the first group, and twice', async () => {
    const store = temporaryStore();
    for (const rows of [0, 10, 350]) {
      const sink = createParquet({ store, key: `f${rows}`, columns: [offset], limits });
      await sink.append(batch({ 3: longs(0, rows) }));
      await sink.abort();
      await sink.abort();
    }
    expect(await listed(store, '')).toEqual([]);
  });

  it('fails with what the store failed with, and leaves nothing', async () => {
    const store = temporaryStore();
    store.write = async (_key, parts) => {
      for await (const part of parts)
        if (part.length > 0) throw new OutageError('OBJECT_STORE_FAILED', 'The disk is full.');
      return 0;
    };
    const sink = createParquet({ store, key: 'f', columns: [offset], limits });
    const outage = { code: 'OBJECT_STORE_FAILED' };
    await expect(
      (async () => {
        await sink.append(batch({ 3: longs(0, 150) }));
        await sink.append(batch({ 3: longs(150, 150) }));
        await sink.finish();
      })(),
    ).rejects.toMatchObject(outage);
    await sink.abort();
    expect(await listed(store, '')).toEqual([]);
  });
});
