import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Level } from './level.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { RowBatches } from './row-batches.ts';

async function openedLevel(): Promise<Level> {
  const folder = await mkdtemp(join(tmpdir(), 'row-batches-'));
  const db = await openLevel({ ...defaultLevelSettings, folder });
  onTestFinished(async () => {
    await db.close();
    await rm(folder, { recursive: true });
  });
  return db;
}

const row = (name: string): Buffer => Buffer.from(name);

async function keysOf(db: Level): Promise<readonly string[]> {
  return (await db.raw.keys().all()).map(String);
}

it('A batch of rows is used again, and nothing of what it wrote before is written with it', async () => {
  const db = await openedLevel();
  const batches = new RowBatches(db);
  const first = batches.take();
  first.put(row('a'), row('1'));
  first.put(row('b'), row('1'));
  await first.write();
  await batches.leave(first);
  await db.raw.del(row('a'));
  const second = batches.take();
  expect(second).toBe(first);
  expect(second.sizeBytes).toBe(0);
  second.del(row('b'));
  second.put(row('c'), row('2'));
  await second.write();
  expect(await keysOf(db)).toEqual(['c']);
});

it('Batches that are filled at once are different ones, and two of them are kept', async () => {
  const batches = new RowBatches(await openedLevel());
  const taken = [batches.take(), batches.take(), batches.take()];
  expect(new Set(taken).size).toBe(3);
  const closed = taken.map((batch) => vi.spyOn(batch, 'close'));
  for (const batch of taken) await batches.leave(batch);
  expect(closed.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 1]);
  expect(new Set([batches.take(), batches.take()])).toEqual(new Set(taken.slice(0, 2)));
});

it('What one unusually large batch needed is not kept', async () => {
  const batches = new RowBatches(await openedLevel());
  const large = batches.take();
  const value = Buffer.alloc(2 ** 20);
  for (let i = 0; i < 33; i += 1) large.put(row(String(i)), value);
  await batches.leave(large);
  expect(batches.take()).not.toBe(large);
});

it('A batch that waits for its next use does not keep the database from closing', async () => {
  const db = await openedLevel();
  const batches = new RowBatches(db);
  await batches.leave(batches.take());
  await db.close();
  expect(db.raw.status).toBe('closed');
});
