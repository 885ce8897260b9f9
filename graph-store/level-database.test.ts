import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LevelDatabase } from './level-database.ts';
import { LevelRows } from './level-rows.ts';

let folder: string;
let db: LevelDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'level-database-'));
  db = new LevelDatabase(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  const batch = Array.from({ length: 50 }, (_, i) => ({
    type: 'put' as const,
    key: Buffer.of(i),
    value: Buffer.of(i),
  }));
  await db.batch(batch);
});
afterEach(async () => {
  await db.close();
  await rm(folder, { recursive: true });
});

const rowsOf = () => new LevelRows(db.iterator());

it('closes what is read to the end, what is not, and what was never read', async () => {
  const [whole, part, none] = [rowsOf(), rowsOf(), rowsOf()];
  expect(await whole.nextv(100)).toHaveLength(50);
  expect(await part.nextv(10)).toHaveLength(10);
  part.seek(Buffer.of(40));
  expect(await part.nextv(100)).toHaveLength(10);
  for (const rows of [whole, part, none]) {
    await rows[Symbol.asyncDispose]();
    await rows[Symbol.asyncDispose]();
  }
  await db.close();
  expect(db.status).toBe('closed');
});

it('refuses to read one that is closed', async () => {
  const rows = rowsOf();
  await rows[Symbol.asyncDispose]();
  await expect(rows.nextv(1)).rejects.toThrow('before they are closed');
  expect(() => rows.seek(Buffer.of(1))).toThrow('before they are closed');
  expect(() => rows.all()).toThrow('before they are closed');
  expect(() => rows[Symbol.asyncIterator]()).toThrow('before they are closed');
});

it('closes one that is being read when the read is done', async () => {
  const rows = rowsOf();
  const reading = rows.nextv(10);
  const closing = rows[Symbol.asyncDispose]();
  expect(await reading).toHaveLength(10);
  await closing;
});

it('closes those that close by themselves once', async () => {
  const [all, each] = [rowsOf(), rowsOf()];
  expect(await all.all()).toHaveLength(50);
  await all[Symbol.asyncDispose]();
  let count = 0;
  for await (const _ of each) count += 1;
  expect(count).toBe(50);
  await each[Symbol.asyncDispose]();
});

it('closes with the database what is open, be it read or being closed meanwhile', async () => {
  const [idle, busy, both] = [rowsOf(), rowsOf(), rowsOf()];
  const snapshot = db.snapshot();
  const reading = busy.nextv(10);
  const closing = db.close();
  await both[Symbol.asyncDispose]();
  expect(await reading).toHaveLength(10);
  await closing;
  expect(db.status).toBe('closed');
  await expect(idle.nextv(1)).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' });
  await idle[Symbol.asyncDispose]();
  await busy[Symbol.asyncDispose]();
  await snapshot.close();
});

it('closes what is opened while it closes', async () => {
  const first = rowsOf();
  const closing = db.close();
  const late = rowsOf();
  await closing;
  expect(db.status).toBe('closed');
  await Promise.all([first, late].map((rows) => rows[Symbol.asyncDispose]()));
});
