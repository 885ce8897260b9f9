import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, it, onTestFinished } from 'vitest';
import { must, seededRandom, systemClock } from '../foundation/index.ts';
import { reverseKey } from './graph-key.ts';
import type { Level, ScanOptions } from './level.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { completeStretches } from './leveldb-stretches.ts';
import * as rows from './rows.ts';
import { Stretches } from './stretches.ts';

const types = ['WATCHED', 'USED'] as const;
const node = (random: () => number): { type: string; id: string } => ({
  type: random() < 0.5 ? 'Account' : 'Title',
  id: String(Math.floor(random() * 4)),
});

type Random = () => number;

async function openedIn(name: string): Promise<Level> {
  const folder = await mkdtemp(join(tmpdir(), `level-${name}-`));
  const level = await openLevel({ ...defaultLevelSettings, folder, writeBufferBytes: 2 ** 20 });
  onTestFinished(async () => {
    await level.close();
    await rm(folder, { recursive: true });
  });
  return level;
}

/** Any row of a graph, now and then one that follows another in time. */
function keyAt(timeMs: number, random: Random): Buffer {
  const of = node(random);
  const occurrence = BigInt(Math.floor(random() * 3));
  const kind = random();
  if (kind < 0.1) return random() < 0.5 ? rows.nodeKey(of) : rows.tombstoneKey(of);
  if (kind < 0.15) return rows.edgeTombstoneKey('WATCHED', of, node(random), null);
  if (kind < 0.4) return Buffer.concat([rows.stepsPrefix(of), rows.eventKey({ timeMs, occurrence })]);
  const type = types[Math.floor(random() * types.length)] ?? 'WATCHED';
  const place = rows.occurrencePlace({ timeMs, occurrence, far: node(random), key: null });
  return Buffer.concat([rows.adjacencyPrefix(of, random() < 0.5 ? 'out' : 'in', type), place]);
}

/** The same rows in both: in one of them in stretches, each as `stretches` says when it is put. */
async function filled(plain: Level, stretched: Level, random: Random): Promise<Stretches> {
  const stretches = new Stretches();
  const count = 30 + Math.floor(random() * 300);
  for (let i = 0; i < count; i += 1) {
    // Now and then late, also by more than a stretch.
    const timeMs = Math.max(0, Math.floor(i - random() ** 3 * count));
    const key = keyAt(timeMs, random);
    if (i > 0 && (i === 20 || random() < 0.03) && stretches.isFull(0)) stretches.begin();
    stretches.note(timeMs);
    await plain.raw.put(key, Buffer.from([i % 256, 1]));
    await stretched.raw.put(stretches.storedKey(key), Buffer.from([i % 256, 1]));
  }
  for (const level of [plain, stretched]) await level.put(rows.metaKey.format, Buffer.from('4'));
  await plain.put(rows.metaKey.stretches, new Stretches().encode());
  await stretched.put(rows.metaKey.stretches, stretches.encode());
  await stretched.readStretches();
  return stretches;
}

function rangeOf(random: Random): Pick<ScanOptions, 'gte' | 'lt'> {
  const from = Math.floor(random() * 400);
  const of = node(random);
  const kind = random();
  if (kind < 0.2) return rows.graphRange;
  if (kind < 0.3) return { gte: keyAt(from, random), lt: rows.graphRange.lt };
  if (kind < 0.4)
    return { gte: rows.nodePrefix(of), lt: Buffer.concat([rows.nodePrefix(of), Buffer.of(0xff)]) };
  const prefix =
    kind < 0.6
      ? rows.stepsPrefix(of)
      : rows.adjacencyPrefix(of, random() < 0.5 ? 'out' : 'in', types[kind < 0.8 ? 0 : 1]);
  const behind = Buffer.from(prefix);
  behind[behind.length - 1] = (behind.at(-1) ?? 0) + 1;
  if (random() < 0.3) return { gte: prefix, lt: behind };
  const span = must(rows.timeRange(prefix, from, from + 1 + random() * 200), 'it is not empty');
  if (random() < 0.7) return span;
  const after = Buffer.concat([prefix, rows.eventKey({ timeMs: from + 20, occurrence: 1n }), Buffer.of(0)]);
  return { gte: after, lt: random() < 0.5 ? span.lt : behind };
}

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'A database in stretches shows the rows of one without, seed %i',
  async (seed) => {
    const random = seededRandom(seed);
    const plain = await openedIn('plain');
    const stretched = await openedIn('stretched');
    const stretches = await filled(plain, stretched, random);
    expect(stretches.count).toBeGreaterThan(1);
    const hex = (found: readonly (readonly [Buffer, Buffer | string])[]): string[] =>
      found.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`);
    let found = 0;
    for (let i = 0; i < 150; i += 1) {
      const options: ScanOptions = {
        ...rangeOf(random),
        reverse: random() < 0.3,
        ...(random() < 0.2 ? { limit: Math.floor(random() * 12) } : {}),
        ...(random() < 0.2 ? { highWaterMarkBytes: 64 } : {}),
      };
      const wanted = hex(await plain.iterator(options).all());
      found += wanted.length;
      const size = 1 + Math.floor(random() * 20);
      const inChunks: string[] = [];
      await using iterator = stretched.iterator(options);
      for (;;) {
        const chunk = await iterator.nextv(size);
        if (chunk.length === 0) break;
        expect(chunk.length).toBeLessThanOrEqual(size);
        // Less than was asked for only at the end, or where it is many bytes: callers take it for the end.
        const isLarge = chunk.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > 64;
        if (chunk.length < size && !(options.highWaterMarkBytes === 64 && isLarge))
          expect(inChunks.length + chunk.length).toBe(wanted.length);
        inChunks.push(...hex(chunk));
      }
      expect(inChunks).toEqual(wanted);
      expect(await stretched.keys(options)).toEqual(await plain.keys(options));
      const some: string[] = [];
      for await (const row of stretched.iterator(options)) some.push(...hex([row]));
      expect(some).toEqual(wanted);
    }
    expect(found).toBeGreaterThan(100);
  },
);

it.each([11, 12, 13])(
  'Moving on within the graph of a database in stretches goes to the same row, seed %i',
  async (seed) => {
    const random = seededRandom(seed);
    const plain = await openedIn('plain');
    const stretched = await openedIn('stretched');
    await filled(plain, stretched, random);
    await using expected = plain.iterator(rows.graphRange);
    await using moved = stretched.iterator(rows.graphRange);
    for (let i = 0; i < 60; i += 1) {
      const key = keyAt(Math.floor(random() * 300), random);
      expected.seek(key);
      moved.seek(key);
      const size = 1 + Math.floor(random() * 5);
      expect(await moved.nextv(size)).toEqual(await expected.nextv(size));
    }
  },
);

it('All keys of a database in stretches are those of one without, and those of nobody behind them', async () => {
  const random = seededRandom(21);
  const plain = await openedIn('plain');
  const stretched = await openedIn('stretched');
  await filled(plain, stretched, random);
  for (const level of [plain, stretched]) {
    await level.put(Buffer.from('i'), Buffer.alloc(0));
    await level.put(Buffer.of(0xf0), Buffer.alloc(0));
  }
  const everything = { gte: Buffer.alloc(0), lt: Buffer.of(0xff) };
  expect(await stretched.keys(everything)).toEqual(await plain.keys(everything));
});

it('The reverse row of an occurrence is found in whichever stretch it lies', async () => {
  const stretches = new Stretches();
  const level = await openedIn('stretched');
  const key = (timeMs: number): Parameters<typeof reverseKey>[0] => ({
    ...{ kind: 'out', node: { type: 'Account', id: '1' }, type: 'WATCHED', timeMs, occurrence: 1n },
    ...{ other: { type: 'Title', id: '2' }, key: null },
  });
  for (const timeMs of [1, 2, 3]) {
    stretches.note(timeMs);
    await level.raw.put(stretches.storedKey(reverseKey(key(timeMs))), Buffer.from([timeMs]));
    stretches.begin();
  }
  await level.put(rows.metaKey.stretches, stretches.encode());
  await level.readStretches();
  const found = await level.getOccurrences([3, 1, 2, 4].map((timeMs) => reverseKey(key(timeMs))));
  expect(found.map((value) => value?.[0])).toEqual([3, 1, 2, undefined]);
});

it('A handle that is told of a new stretch shows what lies in it from the next moment on, and not in the one before', async () => {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const folder = await mkdtemp(join(tmpdir(), 'level-told-'));
  const settings = { ...defaultLevelSettings, folder };
  const reading = await openLevel(settings, shared);
  const writing = await openLevel(settings, shared);
  onTestFinished(async () => {
    await writing.close();
    await reading.close();
    await rm(folder, { recursive: true });
  });
  await completeStretches(reading);
  await writing.readStretches();
  reading.tellStretches();
  const prefix = rows.stepsPrefix({ type: 'Account', id: '1' });
  const step = (timeMs: number): Buffer => Buffer.concat([prefix, rows.eventKey({ timeMs, occurrence: 1n })]);
  const { stretches } = writing;
  const put = async (timeMs: number): Promise<void> => {
    stretches.note(timeMs);
    const batch = writing.batch();
    batch.put(stretches.storedKey(step(timeMs)), Buffer.alloc(0));
    batch.put(rows.metaKey.stretches, stretches.encode());
    await batch.write();
  };
  const range = must(rows.timeRange(prefix, 0, 100), 'it is not empty');
  await put(1);
  await using before = reading.snapshot();
  stretches.begin();
  writing.tellStretches();
  // Told, and nothing of it written yet.
  await using between = reading.snapshot();
  expect(await reading.keys({ ...range, snapshot: between })).toEqual([step(1)]);
  await put(2);
  await using after = reading.snapshot();
  expect(await reading.keys({ ...range, snapshot: after })).toEqual([step(2), step(1)]);
  expect(await reading.keys({ ...range, snapshot: before })).toEqual([step(1)]);
});

it('One row in two stretches, which only damage makes, ends no reading', async () => {
  const stretches = new Stretches();
  const level = await openedIn('twice');
  const key = Buffer.concat([
    rows.stepsPrefix({ type: 'Account', id: '1' }),
    rows.eventKey({ timeMs: 3, occurrence: 1n }),
  ]);
  stretches.note(5);
  stretches.begin();
  await level.put(key, Buffer.alloc(0));
  await level.put(stretches.inStretch(key, 1), Buffer.alloc(0));
  await level.put(rows.metaKey.stretches, stretches.encode());
  await level.readStretches();
  expect(await level.keys(rows.graphRange)).toEqual([key, key]);
});

it('A database of which nobody knows where stretches begin is opened by nobody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'level-damaged-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const raw = new ClassicLevel(folder);
  for (const text of [
    '{',
    '{"fromMs":[2,1],"newestMs":3,"bytes":0,"bytesOfAll":0}',
    '{"fromMs":[1.5],"newestMs":3,"bytes":0,"bytesOfAll":0}',
    '[]',
  ]) {
    await raw.open();
    await raw.put('mstretches', text);
    await raw.put('mformat', rows.folderFormat);
    await raw.close();
    await expect(openLevel({ ...defaultLevelSettings, folder })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
    });
  }
});

it('A database of a later format is opened whatever it says of stretches: its format is looked at next', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'level-later-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const raw = new ClassicLevel(folder);
  await raw.put('mstretches', '{"later":true}');
  await raw.put('mformat', '99');
  await raw.close();
  await expect(openLevelStore({ folder }, systemClock)).rejects.toMatchObject({ code: 'STORE_FORMAT' });
});

it('A snapshot that was closed is read no more, wherever reading has come to', async () => {
  const level = await openedIn('closed-snapshot');
  const snapshot = level.snapshot();
  await snapshot.close();
  const error = expect.objectContaining({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' });
  expect(() => level.iterator({ ...rows.graphRange, snapshot })).toThrow(error);
  expect(() => level.keysAlone({ ...rows.graphRange, snapshot })).toThrow(error);
});

it('A graph of before there were stretches is read once for its newest event', async () => {
  const level = await openedIn('before');
  const key = Buffer.concat([
    rows.stepsPrefix({ type: 'Account', id: '1' }),
    rows.eventKey({ timeMs: 7, occurrence: 1n }),
  ]);
  const step9 = Buffer.concat([
    rows.stepsPrefix({ type: 'Account', id: '1' }),
    rows.eventKey({ timeMs: 9, occurrence: 1n }),
  ]);
  await level.put(key, Buffer.alloc(0));
  // A key that says nothing does not end it: it is for `verify` to name.
  await level.put(Buffer.from('g....A\0'), Buffer.alloc(0));
  await completeStretches(level);
  expect(level.stretches.newestMs).toBe(7);
  expect((await level.get(rows.metaKey.format))?.toString()).toBe(rows.folderFormat);
  // A second time nothing is read.
  await level.put(Buffer.concat([key, Buffer.of(1)]), Buffer.alloc(0));
  await level.put(step9, Buffer.alloc(0));
  await completeStretches(level);
  expect(Stretches.decode(must(await level.get(rows.metaKey.stretches), 'it was written')).newestMs).toBe(7);
});
