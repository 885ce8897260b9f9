import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { cassandraFormat } from './cassandra-schema.ts';
import { events, pack, readEverything } from './conformance-graphs.ts';
import { advance, source } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { neo4jFormat } from './neo4j-schema.ts';
import { nodeKey, rowFormat } from './rows.ts';
import { SnapshotEncoder, SnapshotReader } from './snapshot-file.ts';
import { FrameWriter, frameKind, snapshotMagic } from './snapshot-frames.ts';

const about = { productVersion: '1.2.3', takenAtMs: 1_700_000_000_000 };

async function storeOf(seed: number, runs: number): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const batch = fc
    .sample(events(), { numRuns: runs, seed })
    .flat()
    .map((one, i) => ({ ...one, occurrence: BigInt(i) }));
  await store.apply(advance(await store.claim(source), 0, batch.length), pack(batch));
  return store;
}

async function fileOf(store: GraphStore): Promise<Buffer> {
  await using snapshot = await store.snapshot();
  return Buffer.concat(await collected(new SnapshotEncoder(snapshot, about).bytes()));
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** As a disk or a network gives it: in pieces that mean nothing. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readWhole(bytes: Buffer): Promise<SnapshotReader> {
  const reader = await SnapshotReader.open('a.jgs', pieces(bytes, 1000));
  for await (const [key] of reader.rows()) expect(key.length).toBeGreaterThan(0);
  return reader;
}

async function skimmed(bytes: Buffer): Promise<SnapshotReader> {
  const reader = await SnapshotReader.open('a.jgs', pieces(bytes, 1000));
  await reader.skim();
  return reader;
}

const damaged = (at: number | RegExp): object => ({
  code: 'SNAPSHOT_DAMAGED',
  reaction: 'stop',
  message: expect.stringMatching(
    typeof at === 'number' ? new RegExp(`a\\.jgs is damaged at byte ${at}:`) : at,
  ),
});

describe('A snapshot file', () => {
  it('carries a graph into another store, in pieces of any size', async () => {
    const store = await storeOf(1, 20);
    await store.setTimeToLive({ nodes: { A: 2 ** 40 }, edges: {} });
    const file = await fileOf(store);
    for (const size of [1, 7, 4096, file.length]) {
      const reader = await SnapshotReader.open('a.jgs', pieces(file, size));
      const restored = createMemoryStore(systemClock);
      await restored.restore({ ...reader.header, rows: () => reader.rows() });
      expect(await readEverything(restored)).toEqual(await readEverything(store));
      expect(await restored.sources()).toEqual(await store.sources());
      expect(restored.timeToLive()).toEqual(store.timeToLive());
      expect(reader.bytesRead).toBe(file.length);
    }
  });

  it('says when it was taken, by what, and how many rows of which kind it holds', async () => {
    const store = await storeOf(2, 20);
    const file = await fileOf(store);
    const reader = await readWhole(file);
    expect(reader.header).toMatchObject({ ...about, sources: await store.sources() });
    const { rows = 0, rowsByKind, digest } = reader.footer ?? {};
    expect(digest).toBe((await store.digest()).hex);
    expect(rows).toBe(reader.rowsRead);
    expect(Object.values(rowsByKind ?? {}).reduce((sum, count) => sum + count, 0)).toBe(rows);
    expect(rowsByKind).toMatchObject({ origins: 1, reverseOccurrences: 0 });
    expect(await (await skimmed(file)).footer).toEqual(reader.footer);
  });

  it('holds an empty graph', async () => {
    const reader = await readWhole(await fileOf(createMemoryStore(systemClock)));
    expect(reader.footer).toMatchObject({ rows: 0, digest: '0000000000000000' });
  });

  it.each([
    ['reading', readWhole],
    ['skimming', skimmed],
  ] as const)(
    'is refused by %s wherever a bit has turned or it was cut off, with the offset',
    async (_name, read) => {
      const file = await fileOf(await storeOf(3, 6));
      await read(file);
      const starts = frameOffsets(file);
      const property = fc.asyncProperty(fc.integer({ min: 0, max: file.length * 8 - 1 }), async (bit) => {
        const at = bit >> 3;
        const turned = Buffer.from(file);
        turned[at] = (turned[at] ?? 0) ^ (1 << (bit & 7));
        if (at < snapshotMagic.length) {
          await expect(read(turned)).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
        } else {
          const frame = starts.findLast((start) => start <= at) ?? 0;
          // A length that has grown is found at the file's end; the frame it began with is named as well.
          const places = new RegExp(
            `damaged at byte (${frame}:|${file.length}: .* begins at byte ${frame};)`,
          );
          await expect(read(turned)).rejects.toMatchObject(damaged(places));
        }
        await expect(read(file.subarray(0, at))).rejects.toMatchObject(
          at === 0 ? { code: 'SNAPSHOT_FOREIGN' } : damaged(at),
        );
      });
      await fc.assert(property, { numRuns: 150 });
    },
  );

  it('is refused when something follows its end, or a block is missing, twice there or elsewhere', async () => {
    const file = await fileOf(await storeOf(4, 400));
    const starts = frameOffsets(file);
    await expect(readWhole(Buffer.concat([file, Buffer.of(0)]))).rejects.toMatchObject(damaged(file.length));
    const [header = 0, first = 0, second = 0] = starts;
    const head = file.subarray(0, first);
    const block = file.subarray(first, second);
    const rest = file.subarray(second);
    for (const other of [
      Buffer.concat([head, rest]),
      Buffer.concat([head, block, block, rest]),
      Buffer.concat([file.subarray(0, header), block, head.subarray(header), rest]),
    ]) {
      await expect(readWhole(other)).rejects.toMatchObject(damaged(/the checksum/));
    }
  });

  it('is refused when it is another file, or none', async () => {
    for (const foreign of ['', 'PK\x03\x04 something else entirely', 'JGSNAP\n\x1a\n turned into text']) {
      await expect(readWhole(Buffer.from(foreign))).rejects.toMatchObject({
        code: 'SNAPSHOT_FOREIGN',
        message: expect.stringContaining('a.jgs'),
      });
    }
  });

  it.each([{ fileVersion: 2 }, { rowFormat: '999' }])(
    'is refused when it is of another version: %o',
    async (change) => {
      const frames = await FrameWriter.create();
      const header = {
        fileVersion: 1,
        rowFormat: '1',
        productVersion: '9.9.9',
        takenAtMs: 0,
        sources: [],
        ...change,
      };
      const json = Buffer.from(JSON.stringify(header));
      const file = Buffer.concat([snapshotMagic, ...frames.frame(frameKind.header, json.length, json)]);
      await expect(readWhole(file)).rejects.toMatchObject({
        code: 'SNAPSHOT_VERSION',
        message: expect.stringMatching(/a\.jgs was written by version 9\.9\.9/),
      });
    },
  );

  it('has rows of the format that servers hold, which stays when the embedded store is laid out anew', () => {
    // Who changes one of these shuts out all files and graphs there are, and says so in the changelog.
    expect([rowFormat, neo4jFormat, cassandraFormat]).toEqual(['3', '1/3', '1/3']);
  });

  const node = nodeKey({ type: 'A', id: 'x' });
  const elsewhere = (at: number, byte: number): Buffer => {
    const key = Buffer.from(node);
    key[at] = byte;
    return key;
  };
  it.each([
    ...['mformat', 'p["c","i",0]', 'gA', 'gA\0x\0?', 'l12345'].map((key) => Buffer.from(key)),
    // Where positions lie, in a stretch, and where nobody looks for a node of this name.
    ...[elsewhere(0, 0x70), elsewhere(0, 0x80), elsewhere(1, (node[1] ?? 0) ^ 1)],
  ])(
    'lets no row in that is no row of a graph, or lies where none does, though its checksums are right: %o',
    async (key) => {
      const empty = await fileOf(createMemoryStore(systemClock));
      const [header = 0, footer = 0] = frameOffsets(empty);
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32BE(key.length);
      const block = Buffer.concat([lengths, key]);
      const frames = await FrameWriter.create();
      const json = empty.subarray(header + 17, footer);
      const file = [
        snapshotMagic,
        ...frames.frame(frameKind.header, json.length, json),
        ...frames.frame(frameKind.rows, block.length, zstdCompressSync(block)),
      ];
      await expect(readWhole(Buffer.concat(file))).rejects.toMatchObject(
        damaged(/no kind that belongs there/),
      );
    },
  );
});

function frameOffsets(file: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = snapshotMagic.length; at < file.length; at += 17 + file.readUInt32BE(at + 1))
    offsets.push(at);
  return offsets;
}
