import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnValue } from '../columns.ts';
import { LocalObjectStore } from '../local-object-store.ts';
import { openParquet } from './parquet-reader.ts';
import { column, rowsOf } from './parquet-testing.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const store = new LocalObjectStore(fixtures);

const header: Column = column(9, 'element', {
  kind: 'struct',
  fields: [column(10, 'key', 'string'), column(11, 'value', 'binary')],
});

const columns: readonly Column[] = [
  column(3, '!offset', 'long'),
  column(4, 'timestamp', 'timestamptz'),
  column(5, 'schema_id', 'int'),
  column(7, 'value', 'binary'),
  column(8, 'headers', { kind: 'list', element: header }),
  column(20, 'name', 'string'),
  column(21, 'price', { kind: 'decimal', precision: 20, scale: 3 }),
  column(22, 'small', { kind: 'decimal', precision: 5, scale: 2 }),
  column(23, 'flag', 'boolean'),
  column(24, 'day', 'date'),
  column(25, 'ratio', 'double'),
  column(26, 'tags', { kind: 'map', key: column(27, '!key', 'string'), value: column(28, 'value', 'int') }),
  column(29, 'place', {
    kind: 'struct',
    fields: [column(30, 'country', 'string'), column(31, 'city', 'string')],
  }),
  column(32, 'seen', 'timestamp'),
];

/** What PyArrow wrote, told in JSON. */
function told(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return new Uint8Array(Buffer.from(String(value.bytes)));
  if ('micros' in value) return BigInt(String(value.micros));
  return 'unscaled' in value ? BigInt(String(value.unscaled)) : value;
}

const rows: readonly Readonly<Record<string, ColumnValue>>[] = JSON.parse(
  readFileSync(join(fixtures, 'rows.json'), 'utf8'),
  told,
);

describe('a Parquet file of another writer', () => {
  it.each(['snappy', 'gzip-v2', 'brotli', 'lz4-plain', 'zstd-delta', 'none-int96'])(
    'is read row for row: %s',
    async (name) => {
      const file = await openParquet(store, `${name}.parquet`);
      expect(file.groups.map((group) => group.rows)).toEqual([25, 15]);
      expect(await rowsOf(file, columns)).toEqual(rows);
    },
  );

  it('is read by the ids its names are given when it has none', async () => {
    const ids = new Map<string, number>();
    const note = (above: string, one: Column): void => {
      const path = above === '' ? one.name : `${above}.${one.name}`;
      ids.set(path, one.id);
      if (one.type.kind === 'struct') for (const field of one.type.fields) note(path, field);
      if (one.type.kind === 'list') note(path, one.type.element);
      if (one.type.kind === 'map') {
        note(path, one.type.key);
        note(path, one.type.value);
      }
    };
    for (const one of columns) note('', one);
    const bare = await openParquet(store, 'no-ids.parquet');
    expect(bare.fieldIds.size).toBe(0);
    const idOf = (path: readonly string[]): number | null => ids.get(path.join('.')) ?? null;
    const file = await openParquet(store, 'no-ids.parquet', { idOf });
    expect(file.fieldIds).toEqual(new Set(ids.values()));
    expect(await rowsOf(file, columns)).toEqual(rows);
  });

  it('tells the bounds of its numbers and times in the units of columns', async () => {
    const file = await openParquet(store, 'snappy.parquet');
    const [first, second] = file.groups;
    expect(first?.bounds(3)).toEqual({ min: 100n, max: 172n });
    expect(second?.bounds(3)).toEqual({ min: 175n, max: 217n });
    expect(first?.bounds(4)).toEqual({ min: 1_789_992_000_000_005n, max: 1_789_992_000_023_005n });
    expect(first?.bounds(32)).toEqual({ min: 1_789_948_800_000_000n, max: 1_789_948_824_000_000n });
    for (const id of [7, 8, 10, 20, 21, 25, 99]) expect(first?.bounds(id)).toBeNull();
  });

  it('is read with a changed table: renamed, wider, missing and fewer columns, also inside of others', async () => {
    const file = await openParquet(store, 'snappy.parquet');
    const changed: readonly Column[] = [
      column(5, 'schemaNumber', 'long'),
      column(22, 'small', { kind: 'decimal', precision: 9, scale: 2 }),
      column(77, 'never', 'string'),
      column(29, 'where', {
        kind: 'struct',
        fields: [column(78, 'planet', 'string'), column(31, 'town', 'string')],
      }),
      column(8, 'headers', {
        kind: 'list',
        element: column(9, 'element', { kind: 'struct', fields: [column(79, 'none', 'long')] }),
      }),
      column(26, 'tags', {
        kind: 'map',
        key: column(27, '!key', 'string'),
        value: column(28, 'value', 'long'),
      }),
    ];
    const read = await rowsOf(file, changed);
    const place = (row: (typeof rows)[number]): unknown => row['place'] ?? null;
    const city = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && 'city' in value ? value.city : null;
    expect(read).toEqual(
      rows.map((row) => ({
        schemaNumber: typeof row['schema_id'] === 'number' ? BigInt(row['schema_id']) : null,
        small: row['small'],
        never: null,
        where: place(row) === null ? null : { planet: null, town: city(place(row)) },
        headers: Array.isArray(row['headers']) ? row['headers'].map(() => ({ none: null })) : null,
        tags: Array.isArray(row['tags'])
          ? row['tags'].map(({ key, value }) => ({ key, value: value === null ? null : BigInt(value) }))
          : null,
      })),
    );
  });

  it.each<[string, Column]>([
    ['a text as a number', column(20, 'name', 'long')],
    ['a long as an int', column(3, 'offset', 'int')],
    ['a decimal of fewer digits', column(21, 'price', { kind: 'decimal', precision: 10, scale: 3 })],
    ['a decimal of another scale', column(21, 'price', { kind: 'decimal', precision: 20, scale: 2 })],
    ['a list as a struct', column(8, 'headers', { kind: 'struct', fields: [] })],
    ['a number as a time', column(3, 'offset', 'timestamptz')],
    ['a struct as bytes', column(29, 'place', 'binary')],
    ['a required column that is not there', column(88, '!missing', 'long')],
  ])('is refused with the column where it holds something else: %s', async (_what, wanted) => {
    const file = await openParquet(store, 'snappy.parquet');
    const reading = file.read(0, [wanted]);
    await expect(reading).rejects.toMatchObject({ code: 'PARQUET_SCHEMA_DIFFERS' });
    await expect(reading).rejects.toThrow(
      new RegExp(`snappy.parquet, row group 0, column ${wanted.name} \\(id ${wanted.id}\\)`),
    );
  });
});
