import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Column, ColumnValue } from '../columns.ts';
import { LocalObjectStore } from '../local-object-store.ts';
import type { ObjectStore } from '../object-store.ts';
import { openParquet } from './parquet-reader.ts';
import { batch, column, rowsOf, temporaryStore, written } from './parquet-testing.ts';

const header = column(9, '!element', {
  kind: 'struct',
  fields: [column(10, '!key', 'string'), column(11, 'value', 'binary')],
});
const columns: readonly Column[] = [
  column(3, '!offset', 'long'),
  column(4, 'timestamp', 'timestamptz'),
  column(5, 'schema_id', 'int'),
  column(7, 'value', 'binary'),
  column(8, '!headers', { kind: 'list', element: header }),
  column(20, 'name', 'string'),
];

/** Numbers that look like any others, and are the same each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const random = chance(7);
const rows = Array.from(
  { length: 400 },
  (_, index): Record<string, ColumnValue> => ({
    offset: BigInt(index),
    timestamp: random() < 0.2 ? null : BigInt(Math.floor(random() * 1e15)),
    schema_id: random() < 0.3 ? null : Math.floor(random() * 3),
    value: random() < 0.1 ? null : new Uint8Array(Buffer.from(`value ${random()} ${random()}`)),
    headers: Array.from({ length: Math.floor(random() * 3) }, () => ({
      key: `k${Math.floor(random() * 9)}`,
      value: random() < 0.5 ? null : Uint8Array.of(Math.floor(random() * 256)),
    })),
    name: random() < 0.1 ? null : `name ${Math.floor(random() * 20)}`,
  }),
);

let whole: Buffer = Buffer.alloc(0);
let groupStarts: readonly number[] = [];

beforeAll(async () => {
  // Not `temporaryStore`: that one ends with the test which made it.
  const parts: Uint8Array[] = [];
  const memory = collecting(parts);
  const rowsBatch = batch(
    Object.fromEntries(columns.map(({ id, name }) => [id, rows.map((row) => row[name] ?? null)])),
  );
  const file = await written(memory, 'whole', columns, [rowsBatch], 200);
  whole = Buffer.concat(parts);
  groupStarts = file.splitOffsets.map(Number);
});

function collecting(parts: Uint8Array[]): ObjectStore {
  const store = new LocalObjectStore('/nowhere');
  store.write = async (_key, written) => {
    let bytes = 0;
    for await (const part of written) {
      parts.push(part);
      bytes += part.length;
    }
    return bytes;
  };
  return store;
}

/** Reads from bytes in memory. */
function holding(bytes: Uint8Array): ObjectStore {
  const store = new LocalObjectStore('/nowhere');
  store.size = async () => bytes.length;
  store.read = async (_key, start, end) => bytes.slice(start, end);
  return store;
}

async function readAll(bytes: Uint8Array, wanted = columns): Promise<readonly unknown[]> {
  return await rowsOf(await openParquet(holding(bytes), 't/f.parquet'), wanted);
}

function changed(change: (bytes: Buffer) => Buffer | undefined): Buffer {
  const copy = Buffer.from(whole);
  return change(copy) ?? copy;
}

describe('a damaged Parquet file', () => {
  it('is whole to begin with', async () => {
    expect(groupStarts).toHaveLength(2);
    expect(await readAll(whole)).toEqual(rows);
  });

  it.each<[string, (bytes: Buffer) => Buffer | undefined, RegExp]>([
    ['is empty', () => Buffer.alloc(0), /f\.parquet: 0 bytes are no Parquet file/],
    ['has four bytes', () => Buffer.from('PAR1'), /4 bytes are no Parquet file/],
    ['is all zeros', (bytes) => Buffer.alloc(bytes.length), /does not end as Parquet files do/],
    ['is cut in the middle', (bytes) => bytes.subarray(0, bytes.length >> 1), /is cut, or no Parquet file/],
    ['is cut by a byte', (bytes) => bytes.subarray(0, -1), /is cut, or no Parquet file/],
    ['is followed by a byte', (bytes) => Buffer.concat([bytes, Buffer.of(0)]), /is cut, or no Parquet file/],
    ['lost its beginning', (bytes) => bytes.subarray(500), /row group 0, column/],
    ['is another format', () => Buffer.from('Obj\x01'.repeat(50)), /is cut, or no Parquet file/],
    ['is encrypted', (bytes) => void bytes.write('PARE', bytes.length - 4), /is encrypted/],
    [
      'claims a footer longer than itself',
      (bytes) => void bytes.writeUInt32LE(0xfffffff0, bytes.length - 8),
      /its footer claims to be longer than the file/,
    ],
    [
      'claims an empty footer',
      (bytes) => void bytes.writeUInt32LE(0, bytes.length - 8),
      /its metadata|footer/,
    ],
    [
      'has another bit in its footer',
      (bytes) => void bytes.writeUInt8((bytes.at(-400) ?? 0) ^ 4, bytes.length - 400),
      /the checksum of its footer/,
    ],
    [
      'has zeros in its second group',
      (bytes) => void bytes.fill(0, groupStarts[1], (groupStarts[1] ?? 0) + 900),
      /row group 1, column offset: /,
    ],
    [
      'has a page header of ones',
      (bytes) => void bytes.fill(0xff, groupStarts[0], (groupStarts[0] ?? 0) + 40),
      /row group 0, column offset: /,
    ],
  ])('that %s is refused by name', async (_what, change, reason) => {
    const reading = readAll(changed(change));
    await expect(reading).rejects.toMatchObject({ code: 'PARQUET_DAMAGED' });
    await expect(reading).rejects.toThrow(reason);
  });

  it('never gives other rows for any changed bit: the same ones, or an error with the file', async () => {
    const at = chance(99);
    let noticed = 0;
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const bytes = Buffer.from(whole);
      const position = Math.floor(at() * bytes.length);
      bytes[position] = (bytes[position] ?? 0) ^ (1 << (attempt % 8));
      try {
        expect(await readAll(bytes), `bit ${attempt % 8} of byte ${position}`).toEqual(rows);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PARQUET_DAMAGED' });
        noticed += 1;
      }
    }
    expect(noticed).toBeGreaterThan(500);
  });

  it('leaves other groups readable', async () => {
    const bytes = changed((copy) => void copy.fill(7, groupStarts[1], (groupStarts[1] ?? 0) + 500));
    const file = await openParquet(holding(bytes), 'f');
    expect((await file.read(0, columns)).columns.get(3)).toHaveLength(200);
    await expect(file.read(1, columns)).rejects.toThrow(/row group 1/);
  });

  it('is noticed when it is not as long, or has not as many rows, as the manifest says', async () => {
    const store = holding(whole);
    const opened = (bytes: number, count: number): Promise<unknown> =>
      openParquet(store, 'f', { bytes, rows: count });
    await expect(opened(whole.length + 10, 400)).rejects.toMatchObject({ code: 'PARQUET_DAMAGED' });
    await expect(opened(whole.length - 10, 400)).rejects.toMatchObject({ code: 'PARQUET_DAMAGED' });
    await expect(opened(whole.length, 401)).rejects.toThrow(/has 400 rows, not 401/);
    await opened(whole.length, 400);
  });

  it('is named when it is missing, and an outage stays one', async () => {
    const store = temporaryStore();
    await expect(openParquet(store, 'none')).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    await expect(openParquet(store, 'none', { bytes: 100 })).rejects.toMatchObject({
      code: 'OBJECT_MISSING',
    });
  });

  it.each(['snappy', 'gzip-v2', 'brotli', 'lz4-plain', 'zstd-delta', 'none-int96'])(
    'of another writer ends in rows or an error that names it, whatever byte is changed: %s',
    async (name) => {
      const bytes = readFileSync(join(import.meta.dirname, 'fixtures', `${name}.parquet`));
      const at = chance(name.length);
      for (let attempt = 0; attempt < 250; attempt += 1) {
        const copy = Buffer.from(bytes);
        for (let times = 0; times <= attempt % 3; times += 1)
          copy[Math.floor(at() * copy.length)] = Math.floor(at() * 256);
        try {
          await readAll(copy, columns);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^PARQUET_(DAMAGED|SCHEMA_DIFFERS)$/) });
        }
      }
    },
  );
});
