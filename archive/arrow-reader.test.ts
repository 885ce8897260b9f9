import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Binary, Int64, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { BadDataError } from '../foundation/index.ts';
import type { ArchiveFilter, PlannedFile } from './archive-reader.ts';
import type { ArchiveRow } from './archive-row.ts';
import { arrowStreamEncoder } from './arrow-encoder.ts';
import { ArrowReader } from './arrow-reader.ts';
import { LocalObjectStore } from './local-object-store.ts';
import { chunks } from './object-store-conformance.ts';
import { column, temporaryStore } from './parquet/parquet-testing.ts';

const everything: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null };
const fixtures = join(import.meta.dirname, 'fixtures');
const names = [
  'file-lz4.arrow',
  'file-none.arrow',
  'file-zstd.arrow',
  'large-dictionary.arrows',
  'stream-lz4.arrows',
  'stream-none.arrows',
  'stream-zstd.arrows',
];
const reader = new ArrowReader({ store: new LocalObjectStore(fixtures), prefix: '', topicId: 'backfill:1' });

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** As `fixtures/write.py` has them. */
const rows = Array.from(
  { length: 30 },
  (_, index): ArchiveRow => ({
    offset: BigInt(10 + 2 * index),
    timestampMs: index % 7 === 3 ? -1 : 1_789_992_000_000 + index,
    schemaId: index % 2 === 1 ? 7 : null,
    key: index % 5 === 2 ? null : bytes(`key-${index % 3}`),
    value: index === 11 ? null : bytes(`value-${String(index).padStart(3, '0')}`),
    headers: Array.from({ length: index % 3 }, (_, at) => ({
      key: `k${at}`,
      value: at === 1 ? null : bytes(`v${index}`),
    })),
  }),
);

function planned(key: string, size: number): PlannedFile {
  return {
    key,
    bytes: size,
    rows: 30,
    topicId: 't',
    partition: 4,
    firstOffset: 0n,
    lastOffset: 99n,
    deletes: [],
    sequence: 0n,
  };
}

/** As the library's writer of files makes them. */
async function fileOfArrow(): Promise<{ readonly store: LocalObjectStore; readonly file: Buffer }> {
  const table = new Table({
    offset: vectorFromArray([5n, 6n, 9n], new Int64()),
    value: vectorFromArray([bytes('a'), null, bytes('ccc')], new Binary()),
  });
  const store = temporaryStore();
  const file = Buffer.from(tableToIPC(table, 'file'));
  await store.create('of-arrow.arrow', file);
  return { store, file };
}

async function rowsOf(
  from: ArrowReader,
  file: PlannedFile,
  start = 0n,
  filter = everything,
): Promise<{ rows: ArchiveRow[]; outside: number; places: unknown[] }> {
  const read: ArchiveRow[] = [];
  const places: unknown[] = [];
  let outside = 0;
  for await (const batch of from.rows(file, start, filter)) {
    read.push(...batch.rows);
    outside += batch.outside;
    places.push(batch.place);
  }
  return { rows: read, outside, places };
}

describe('Arrow files and streams', () => {
  it('are planned with their rows, offsets and partition', async () => {
    const files = await reader.files(everything);
    expect(files.map(({ key }) => key)).toEqual(names);
    for (const file of files)
      expect(file).toMatchObject({
        rows: 30,
        partition: 4,
        firstOffset: 10n,
        lastOffset: 68n,
        topicId: 'backfill:1',
      });
    expect(await reader.files({ ...everything, partitions: [3] })).toEqual([]);
    expect(await reader.files({ ...everything, fromOffset: 69n })).toEqual([]);
  });

  it.each(names)('of PyArrow are read row for row: %s', async (name) => {
    const size = readFileSync(join(fixtures, name)).length;
    const read = await rowsOf(reader, planned(name, size));
    expect(read.rows).toEqual(rows);
    expect(read.places).toEqual([{ file: name, group: 0, row: 0 }]);
  });

  it('are read from an offset on and within a time, and say how many rows lie outside', async () => {
    const size = readFileSync(join(fixtures, 'file-zstd.arrow')).length;
    const filter = { ...everything, fromMs: 1_789_992_000_020, untilMs: 1_789_992_000_026 };
    const read = await rowsOf(reader, planned('file-zstd.arrow', size), 40n, filter);
    expect(read.rows).toEqual(rows.slice(20, 26).filter(({ timestampMs }) => timestampMs >= 0));
    expect(read.outside).toBe(15 - read.rows.length);
    expect(read.places).toEqual([{ file: 'file-zstd.arrow', group: 1, row: 15 }]);
  });

  it('of apache-arrow are read, which have their schema in the footer alone', async () => {
    const { store, file } = await fileOfArrow();
    const own = new ArrowReader({ store, prefix: '', topicId: 't' });
    expect(file.indexOf('value')).toBeGreaterThan(file.length / 2);
    const [found] = await own.files(everything);
    expect(found).toMatchObject({ rows: 3, firstOffset: 5n, lastOffset: 9n });
    const read = await rowsOf(own, planned('of-arrow.arrow', file.length));
    expect(read.rows.map(({ offset, value }) => [offset, value])).toEqual([
      [5n, bytes('a')],
      [6n, null],
      [9n, bytes('ccc')],
    ]);
  });

  it('are refused by name, or read, whichever byte of such a footer was changed', async () => {
    const { store, file } = await fileOfArrow();
    const own = new ArrowReader({ store, prefix: '', topicId: 't' });
    const end = file.length - 10;
    const codes = new Set<string>();
    for (let at = end - file.readInt32LE(end); at < end + 4; at += 1) {
      const changed = Buffer.from(file);
      changed[at] = 255;
      await store.replace('of-arrow.arrow', changed);
      const code = await own.files(everything).then(
        () => 'read',
        (error: unknown) => (error instanceof BadDataError ? error.code : String(error)),
      );
      codes.add(code);
    }
    expect([...codes].sort()).toEqual(['ARROW_DAMAGED', 'ARROW_SCHEMA_DIFFERS', 'read']);
  });

  it('count from 0 where they have no offsets, and each as a partition where they have none', async () => {
    const store = temporaryStore();
    const columns = [column(1, 'value', 'binary')];
    const pages = async function* (): AsyncGenerator<readonly (readonly [Uint8Array])[]> {
      yield Array.from({ length: 1_500 }, (_, index) => [bytes(`a${index}`)] as const);
      yield Array.from({ length: 1_500 }, (_, index) => [bytes(`b${index}`)] as const);
    };
    for (const key of ['x/1.arrows', 'x/2.arrows'])
      await store.write(key, arrowStreamEncoder().encode(columns, pages()));
    const own = new ArrowReader({ store, prefix: 'x/', topicId: 't' });
    const files = await own.files(everything);
    expect(files.map(({ partition, rows: count, lastOffset }) => [partition, count, lastOffset])).toEqual([
      [0, 3_000, 2_999n],
      [1, 3_000, 2_999n],
    ]);
    const [first] = files;
    const read = first === undefined ? null : await rowsOf(own, first);
    expect(read?.places).toEqual([
      { file: 'x/1.arrows', group: 0, row: 0 },
      { file: 'x/1.arrows', group: 1, row: 2_000 },
    ]);
    expect(read?.rows[1_501]).toMatchObject({
      offset: 1_501n,
      timestampMs: -1,
      schemaId: null,
      value: bytes('b1'),
    });
  });
});

describe('a damaged Arrow file', () => {
  const damaged = async (name: string, change: (whole: Buffer) => Buffer): Promise<unknown> => {
    const store = temporaryStore();
    const changed = change(readFileSync(join(fixtures, name)));
    await store.write(name, chunks(changed, 1_000));
    const own = new ArrowReader({ store, prefix: '', topicId: 't' });
    return await rowsOf(own, planned(name, changed.length));
  };

  it.each<[string, string, (whole: Buffer) => Buffer, RegExp]>([
    ['is empty', 'stream-none.arrows', () => Buffer.alloc(0), /batch 0: it ends before byte 8/],
    [
      'is all zeros but its mark',
      'file-none.arrow',
      (whole) => Buffer.concat([whole.subarray(0, 8), Buffer.alloc(900)]),
      /does not end as Arrow files do/,
    ],
    ['is a cut file', 'file-none.arrow', (whole) => whole.subarray(0, -9), /does not end as Arrow files do/],
    [
      'is a cut stream',
      'stream-none.arrows',
      (whole) => whole.subarray(0, whole.length - 700),
      /batch 2: .*(cut|ends behind the file)/,
    ],
    [
      'was never ended',
      'stream-none.arrows',
      (whole) => whole.subarray(0, -8),
      /batch 3: it ends before byte .*: it is cut/,
    ],
    [
      'is another format',
      'stream-none.arrows',
      () => Buffer.from('PAR1'.repeat(90)),
      /what should be a message at byte 0/,
    ],
    [
      'has a message of ones',
      'stream-none.arrows',
      (whole) => Buffer.concat([whole.subarray(0, 8), Buffer.alloc(whole.length - 8, 255)]),
      /batch 0: /,
    ],
  ])('that %s is refused by name', async (_what, name, change, reason) => {
    const reading = damaged(name, change);
    await expect(reading).rejects.toMatchObject({ code: 'ARROW_DAMAGED' });
    await expect(reading).rejects.toThrow(reason);
  });

  it.each(names)('ends in rows or an error that names it, whatever bytes are changed: %s', async (name) => {
    let state = name.length;
    const chance = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 4_294_967_296;
    };
    for (let attempt = 0; attempt < 60; attempt += 1) {
      try {
        await damaged(name, (whole) => {
          for (let times = 0; times <= attempt % 3; times += 1)
            whole[Math.floor(chance() * whole.length)] = Math.floor(chance() * 256);
          return whole;
        });
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ARROW_(DAMAGED|SCHEMA_DIFFERS)$/) });
      }
    }
  });

  it('that has no values of bytes is refused by name', async () => {
    const store = temporaryStore();
    const pages = async function* (): AsyncGenerator<readonly (readonly [bigint])[]> {
      yield [[1n]];
    };
    await store.write('f.arrows', arrowStreamEncoder().encode([column(1, 'value', 'long')], pages()));
    const own = new ArrowReader({ store, prefix: '', topicId: 't' });
    await expect(own.files(everything)).rejects.toMatchObject({ code: 'ARROW_SCHEMA_DIFFERS' });
  });

  it('whose offsets do not rise, or whose partitions differ, is refused with the row', async () => {
    const store = temporaryStore();
    const columns = [
      column(1, 'value', 'binary'),
      column(2, 'offset', 'long'),
      column(3, 'partition', 'int'),
    ];
    for (const [key, second] of [
      ['falls', [bytes('b'), 1n, 0]],
      ['differs', [bytes('b'), 3n, 1]],
    ] as const) {
      const pages = async function* (): AsyncGenerator<readonly (readonly [Uint8Array, bigint, number])[]> {
        yield [[bytes('a'), 2n, 0], second];
      };
      const size = await store.write(`${key}.arrows`, arrowStreamEncoder().encode(columns, pages()));
      const own = new ArrowReader({ store, prefix: '', topicId: 't' });
      await expect(rowsOf(own, planned(`${key}.arrows`, size))).rejects.toMatchObject({
        code: 'ARROW_DAMAGED',
        message: expect.stringMatching(/batch 0: row 1 /),
      });
    }
  });
});
