import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Clock, must, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { Level } from './level.ts';
import { openLevel } from './leveldb-open.ts';
import { type ApplyRequest, defaultLevelSettings, type WriterReply } from './leveldb-protocol.ts';
import { LevelWriter } from './leveldb-writer.ts';
import { decodePosition, positionKey } from './position.ts';
import { graphRange } from './rows.ts';

function applyRequest(id: number, epoch: number, number: number): ApplyRequest {
  return { kind: 'apply', id, ...crashAdvance(epoch, number), ...crashBatch(number).take() };
}

/** The next write fails once; LevelDB itself would take the one after it. */
function failNextWrite(db: Level): void {
  const batches = Object.getPrototypeOf(db.batch());
  vi.spyOn(batches, '_write').mockRejectedValueOnce(new Error('no space'));
}

/** Time that passes when a test says so. */
function waitingClock(): Clock & {
  advance(ms: number): Promise<void>;
  setBack(ms: number): void;
  readonly sleepers: number;
} {
  let now = 1_000_000;
  let sleepers: { readonly dueMs: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (delayMs, signal) =>
      new Promise((wake) => {
        const sleeper = { dueMs: now + delayMs, wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          wake();
        });
      }),
    get sleepers() {
      return sleepers.length;
    },
    setBack: (ms) => {
      now -= ms;
    },
    advance: async (ms) => {
      now += ms;
      for (const { wake } of sleepers.filter(({ dueMs }) => dueMs <= now)) wake();
      sleepers = sleepers.filter(({ dueMs }) => dueMs > now);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('The LevelDB writer', () => {
  let folder: string;
  let db: Level;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-writer-'));
    db = await openLevel({ ...defaultLevelSettings, folder });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await db.close();
    await rm(folder, { recursive: true });
  });

  it('rejects what was being built and what still waited after a failed write, and writes none of it', async () => {
    const replies: WriterReply[] = [];
    // One request a group: the first is being written, the second built, and the rest waits.
    const settings = { ...defaultLevelSettings, folder, windowBytesMax: 1 };
    const writer = await LevelWriter.open(db, settings, systemClock, (reply) => replies.push(reply));
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    await writer.drained();
    expect(replies.splice(0)).toEqual([{ kind: 'claimed', id: 1, claim: { epoch: 1, next: null } }]);

    failNextWrite(db);
    for (const number of [0, 1, 2, 3]) writer.submit(applyRequest(10 + number, 1, number));
    writer.submit({ kind: 'claim', id: 20, source: crashSource });
    await writer.drained();
    writer.submit(applyRequest(30, 1, 4));
    await writer.drained();

    const error = { reaction: 'outage', code: 'STORE_WRITE_FAILED' };
    expect(replies).toMatchObject([
      { kind: 'broken', error },
      ...[10, 11, 12, 13, 20, 30].map((id) => ({ kind: 'rejected', id, error })),
    ]);
    const row = must(await db.get(Buffer.from(positionKey(crashSource))), 'the claim was written');
    expect(decodePosition(row)).toMatchObject({ epoch: 1, next: null });
    expect(await db.keys({ gte: Buffer.from('g'), lt: Buffer.from('h') })).toEqual([]);
  });

  it('writes a window that is full at once, and holds one that is not for as long as it may wait', async () => {
    const replies: WriterReply[] = [];
    const clock = waitingClock();
    const settings = { ...defaultLevelSettings, folder, windowMs: 50, windowEventsMax: 100 };
    const writer = await LevelWriter.open(db, settings, clock, (reply) => replies.push(reply));
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    await vi.waitFor(() => expect(replies).toHaveLength(1));
    writer.submit(applyRequest(2, 1, 0));
    await clock.advance(49);
    expect(replies).toHaveLength(1);
    writer.submit(applyRequest(3, 1, 1));
    await vi.waitFor(() => expect(replies).toHaveLength(3));
    writer.submit(applyRequest(4, 1, 2));
    await clock.advance(49);
    expect(replies).toHaveLength(3);
    await clock.advance(1);
    await vi.waitFor(() => expect(replies).toHaveLength(4));
    writer.submit(applyRequest(5, 1, 3));
    await writer.drained();
    expect(replies.slice(1).map(({ kind }) => kind)).toEqual(Array(4).fill('applied'));
  });

  it('puts a group into LevelDB in parts when it has more rows than the queue takes', async () => {
    const folders = [3, 2 ** 21].map(async (rowsMax) => {
      const own = await mkdtemp(join(tmpdir(), 'graph-store-parts-'));
      const level = await openLevel({ ...defaultLevelSettings, folder: own });
      const writer = await LevelWriter.open(
        level,
        { ...defaultLevelSettings, folder: own, queuedRowsMax: rowsMax },
        systemClock,
        () => undefined,
      );
      writer.submit({ kind: 'claim', id: 1, source: crashSource });
      for (const number of [0, 1, 2]) writer.submit(applyRequest(10 + number, 1, number));
      await writer.drained();
      const rows = await level.iterator({ gte: Buffer.from('g'), lt: Buffer.from('h') }).all();
      await level.close();
      await rm(own, { recursive: true });
      return rows.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`);
    });
    const [parts = [], whole = []] = await Promise.all(folders);
    expect(whole.length).toBeGreaterThan(100);
    expect(parts).toEqual(whole);
  });

  it('answers a claim at once, whatever the window, and ends without waiting for one', async () => {
    const replies: WriterReply[] = [];
    const clock = waitingClock();
    const settings = { ...defaultLevelSettings, folder, windowMs: 60_000 };
    const writer = await LevelWriter.open(db, settings, clock, (reply) => replies.push(reply));
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    await vi.waitFor(() => expect(replies).toHaveLength(1));
    writer.submit(applyRequest(2, 1, 0));
    expect(clock.sleepers).toBe(1);
    await writer.drained();
    expect(replies).toHaveLength(2);
    expect(clock.sleepers).toBe(0);
  });

  it('waits no longer than its window when the clock is set back', async () => {
    const replies: WriterReply[] = [];
    const clock = waitingClock();
    const settings = { ...defaultLevelSettings, folder, windowMs: 50 };
    const writer = await LevelWriter.open(db, settings, clock, (reply) => replies.push(reply));
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    writer.submit(applyRequest(2, 1, 0));
    clock.setBack(3_600_000);
    await vi.waitFor(() => expect(replies).toHaveLength(1));
    await clock.advance(50);
    await vi.waitFor(() => expect(replies).toHaveLength(2));
    await writer.drained();
  });

  it('takes rows again that are delivered while they are being taken away, and what finds them goes and comes with them', async () => {
    const settings = { ...defaultLevelSettings, folder };
    const first = await LevelWriter.open(db, settings, systemClock, () => undefined);
    first.submit({ kind: 'claim', id: 1, source: crashSource });
    first.submit(applyRequest(2, 1, 0));
    await first.drained();
    // Another writer has nothing in memory: it asks LevelDB, which answers what is about to go.
    const writer = await LevelWriter.open(db, settings, systemClock, () => undefined);
    const again = (id: number): ApplyRequest => ({
      ...applyRequest(id, 2, id),
      ...crashBatch(0).take(),
    });
    const index = async (): Promise<readonly string[]> =>
      (await db.keys({ gte: Buffer.from('i'), lt: Buffer.from('j') })).map(String);
    const indexed = await index();
    expect(indexed.length).toBeGreaterThan(0);
    const before = await db.iterator({ ...graphRange }).all();
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    const hiddenMs = Number.MAX_SAFE_INTEGER;
    writer.submit({ kind: 'remove', id: 2, rows: before.map(([key]) => ({ key, hiddenMs, hiding: null })) });
    writer.submit(again(3));
    await writer.drained();
    const after = await db.iterator({ ...graphRange }).all();
    expect(after.map(([key]) => key.toString('hex'))).toEqual(before.map(([key]) => key.toString('hex')));
    expect(await index()).toEqual(indexed);
    writer.submit({ kind: 'remove', id: 4, rows: before.map(([key]) => ({ key, hiddenMs, hiding: null })) });
    await writer.drained();
    expect(await index()).toEqual([]);
    writer.submit(again(4));
    await writer.drained();
    expect(await index()).toEqual(indexed);
  });
});
