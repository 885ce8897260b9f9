import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutageError } from '../foundation/index.ts';
import type { ArchiveFilter } from './archive-reader.ts';
import { openContainer } from './avro-container.ts';
import { ContainerReader } from './container-reader.ts';
import type { LocalObjectStore } from './local-object-store.ts';
import { chunks } from './object-store-conformance.ts';
import { temporaryStore } from './parquet/parquet-testing.ts';

const everything: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null };
/** Five rides each; written by Java's Avro and fastavro. */
const fixture = (codec: string): string =>
  join(import.meta.dirname, '..', 'ingest', 'fixtures', `rides-${codec}.avro`);
const framing = { schemaId: 7, bytes: Uint8Array.of(0, 0, 0, 0, 7) };

function readerOf(store: LocalObjectStore): ContainerReader {
  return new ContainerReader({
    store,
    prefix: '',
    topicId: 't',
    framing: async () => framing,
    timeMs: (writer, datum) => Number(writer.type.fromBuffer(Buffer.from(datum)).at),
  });
}

/** As Avro writes whole numbers. */
function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

describe('Avro object container files', () => {
  it('are planned as a partition each, by the counts of their blocks', async () => {
    const store = temporaryStore();
    await store.replace('readme.txt', Buffer.from('no data'));
    for (const codec of ['deflate', 'null', 'snappy', 'zstandard'])
      copyFileSync(fixture(codec), join(store.location, `${codec}.avro`));
    const files = await readerOf(store).files(everything);
    expect(files.map(({ key, partition, rows, lastOffset }) => [key, partition, rows, lastOffset])).toEqual([
      ['deflate.avro', 0, 5, 4n],
      ['null.avro', 1, 5, 4n],
      ['snappy.avro', 2, 5, 4n],
      ['zstandard.avro', 3, 5, 4n],
    ]);
    expect(await readerOf(store).files({ ...everything, partitions: [2] })).toHaveLength(1);
    expect(await readerOf(store).files({ ...everything, fromOffset: 5n })).toEqual([]);
  });

  it('whose values claim more items than any memory holds are damaged, and nothing is built of them', async () => {
    const store = temporaryStore();
    const schema = JSON.stringify({
      type: 'record',
      name: 'R',
      fields: [{ name: 'nothing', type: { type: 'array', items: 'null' } }],
    });
    const sync = Buffer.alloc(16, 7);
    const sized = (bytes: Buffer): Buffer => Buffer.concat([zigzag(bytes.length), bytes]);
    const meta = [sized(Buffer.from('avro.schema')), sized(Buffer.from(schema))];
    const header = [Buffer.from('Obj\x01'), zigzag(1), ...meta, zigzag(0), sync];
    const block = sized(Buffer.concat([zigzag(2 ** 31), zigzag(0)]));
    await store.replace('bomb.avro', Buffer.concat([...header, zigzag(1), block, sync]));
    const reader = readerOf(store);
    const [file] = await reader.files(everything);
    if (file === undefined) throw new Error('no file');
    await expect(reader.rows(file, 0n, everything).next()).rejects.toMatchObject({
      code: 'CONTAINER_DAMAGED',
    });
  });

  it('leave nothing out by its time that cannot be told, and end where it cannot be told yet', async () => {
    const store = temporaryStore();
    copyFileSync(fixture('null'), join(store.location, 'rides.avro'));
    const never = { ...everything, untilMs: 1 };
    const rowsWith = async (
      timeMs: () => number | null | Promise<number | null>,
    ): Promise<readonly number[]> => {
      const parts = { store, prefix: '', topicId: 't', framing: async () => framing, timeMs };
      const reader = new ContainerReader(parts);
      const [file] = await reader.files(everything);
      if (file === undefined) throw new Error('no file');
      const read = [];
      for await (const { rows, outside } of reader.rows(file, 0n, never)) read.push(rows.length, outside);
      return read;
    };
    expect(await rowsWith(() => -1)).toEqual([0, 5]);
    expect(await rowsWith(() => null)).toEqual([5, 0]);
    expect(await rowsWith(async () => null)).toEqual([5, 0]);
    expect(await rowsWith(async () => 0)).toEqual([5, 0]);
    expect(await rowsWith(async () => 1)).toEqual([0, 5]);
    const away = new OutageError('LOOKUP_TABLE_BEHIND', 'It is still being read.');
    const unknown = (): never => {
      throw away;
    };
    await expect(rowsWith(unknown)).rejects.toBe(away);
  });

  it('give values framed as in Kafka, from any row on, within any time', async () => {
    const store = temporaryStore();
    copyFileSync(fixture('snappy'), join(store.location, 'rides.avro'));
    const reader = readerOf(store);
    const [file] = await reader.files(everything);
    if (file === undefined) throw new Error('no file');
    const filter = { ...everything, untilMs: 1_780_272_000_004 };
    const read = [];
    for await (const batch of reader.rows(file, 2n, filter)) read.push(batch);
    expect(read).toHaveLength(1);
    expect(read[0]?.outside).toBe(1);
    expect(read[0]?.place).toMatchObject({ file: 'rides.avro', row: 2 });
    expect(read[0]?.rows.map(({ offset, timestampMs, schemaId }) => [offset, timestampMs, schemaId])).toEqual(
      [
        [2n, 1_780_272_000_002, 7],
        [3n, 1_780_272_000_003, 7],
      ],
    );
    expect(Buffer.from(read[0]?.rows[0]?.value ?? []).subarray(0, 5)).toEqual(Buffer.from(framing.bytes));
  });

  it.each<[string, (whole: Buffer) => Buffer, RegExp]>([
    ['is empty', () => Buffer.alloc(0), /ends in the middle/],
    ['is all zeros', (whole) => Buffer.alloc(whole.length), /is no Avro object container file/],
    ['is cut', (whole) => whole.subarray(0, -5), /ends in the middle/],
    ['has a changed bit in a block', (whole) => flipped(whole, whole.length - 30), /is damaged/],
  ])('are refused by name when one %s', async (_what, change, reason) => {
    const store = temporaryStore();
    await store.write('a/rides.avro', chunks(change(readFileSync(fixture('snappy'))), 1_000));
    const reader = readerOf(store);
    const reading = (async () => {
      for (const file of await reader.files(everything))
        for await (const batch of reader.rows(file, 0n, everything))
          expect(batch.rows.length).toBeGreaterThan(0);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'CONTAINER_DAMAGED' });
    await expect(reading).rejects.toThrow(reason);
    await expect(reading).rejects.toThrow(/a\/rides\.avro/);
  });

  it('are read however their bytes are cut', async () => {
    const whole = readFileSync(fixture('deflate'));
    for (const size of [1, 7, 100]) {
      const container = await openContainer('f', chunks(whole, size));
      expect(JSON.parse(String(container.metadata.get('avro.schema')))).toHaveProperty('type', 'record');
      let count = 0;
      for await (const block of container.blocks()) count += block.count;
      expect(count).toBe(5);
    }
  });
});

function flipped(whole: Buffer, at: number): Buffer {
  whole[at] = (whole[at] ?? 0) ^ 1;
  return whole;
}
