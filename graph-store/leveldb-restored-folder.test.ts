import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { GraphStore, Restorable } from './graph-store.ts';
import { restoreLevelFolder } from './leveldb-restored-folder.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** A mark after every few rows. */
const limits = { batchBytesMax: 2_000, unmarkedBytesMax: 6_000 };

async function folderAnew(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-restored-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function filled(count: number): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = 0; number < count; number += 1) {
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  }
  return store;
}

async function rowsOf(
  store: GraphStore,
): Promise<{ readonly graph: Restorable; readonly rows: readonly Row[] }> {
  await using snapshot = await store.snapshot();
  const rows: Row[] = [];
  for await (const row of snapshot.rows()) rows.push(row);
  const { sources, timeToLive } = snapshot;
  return { graph: { sources, timeToLive, rows: () => inTurn(rows) }, rows };
}

async function* inTurn<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

/** Rows that end with a failure after so many. */
async function* failing(rows: readonly Row[], after: number): AsyncGenerator<Row> {
  yield* rows.slice(0, after);
  throw new TypeError('an invented failure');
}

/** The same rows, but those that were kept the first time say something that would be seen if they were written again. */
async function* changedUpTo(rows: readonly Row[], count: number): AsyncGenerator<Row> {
  for (const [index, [key, value]] of rows.entries()) {
    const isStep = key.includes(Buffer.from([0, 0x73]));
    yield index < count && isStep ? [key, Buffer.concat([value, value])] : [key, value];
  }
}

describe('A folder that a graph is restored into', () => {
  it('is the same graph, after it was interrupted anywhere', async () => {
    const original = await filled(15);
    const { graph, rows } = await rowsOf(original);
    const folder = await folderAnew();
    for (const share of [0.2, 0.5, 0.9]) {
      const interrupted = { ...graph, id: 'one', rows: () => failing(rows, Math.floor(rows.length * share)) };
      await expect(restoreLevelFolder({ folder }, interrupted, limits)).rejects.toThrow(
        'an invented failure',
      );
      await expect(openLevelStore({ folder }, systemClock)).rejects.toMatchObject({
        code: 'STORE_RESTORE_INCOMPLETE',
      });
    }
    await restoreLevelFolder({ folder }, { ...graph, id: 'one' }, limits);
    const store = await openLevelStore({ folder }, systemClock);
    expect((await store.digest()).hex).toBe((await original.digest()).hex);
    const straight = await folderAnew();
    await restoreLevelFolder({ folder: straight }, graph);
    const other = await openLevelStore({ folder: straight }, systemClock);
    expect(await store.estimate()).toEqual(await other.estimate());
    await other.close();
    expect(await store.sources()).toEqual(await original.sources());
    await store.close();
  });

  it('goes on behind the rows that it has, and does not write them again', async () => {
    const { graph, rows } = await rowsOf(await filled(15));
    const folder = await folderAnew();
    const half = Math.floor(rows.length / 2);
    await expect(
      restoreLevelFolder({ folder }, { ...graph, id: 'one', rows: () => failing(rows, half) }, limits),
    ).rejects.toThrow('an invented failure');
    const again = { ...graph, id: 'one', rows: () => changedUpTo(rows, Math.floor(half / 2)) };
    await restoreLevelFolder({ folder }, again, limits);
    const store = await openLevelStore({ folder }, systemClock);
    const whole = await rowsOf(store);
    const values = new Map(whole.rows.map(([key, value]) => [key.toString('hex'), value.toString('hex')]));
    for (const [key, value] of rows) expect(values.get(key.toString('hex'))).toBe(value.toString('hex'));
    await store.close();
  });

  it('is refused to another graph, and to one that does not say which it is', async () => {
    const { graph, rows } = await rowsOf(await filled(10));
    const folder = await folderAnew();
    const broken = { ...graph, id: 'one', rows: () => failing(rows, 5) };
    await expect(restoreLevelFolder({ folder }, broken, limits)).rejects.toThrow('an invented failure');
    for (const other of [{ ...graph, id: 'two' }, graph]) {
      await expect(restoreLevelFolder({ folder }, other, limits)).rejects.toMatchObject({
        code: 'STORE_RESTORE_INCOMPLETE',
      });
    }
  });

  it('stays as it is when it has that graph already, and is refused to another one and once it is used', async () => {
    const original = await filled(3);
    const { graph } = await rowsOf(original);
    const folder = await folderAnew();
    await restoreLevelFolder({ folder }, { ...graph, id: 'one' }, limits);
    const unread = { ...graph, id: 'one', rows: () => failing([], 0) };
    await restoreLevelFolder({ folder }, unread, limits);
    const refused = { code: 'STORE_NOT_EMPTY' };
    for (const other of [{ ...graph, id: 'two' }, graph])
      await expect(restoreLevelFolder({ folder }, other)).rejects.toMatchObject(refused);
    const store = await openLevelStore({ folder }, systemClock);
    expect((await store.digest()).hex).toBe((await original.digest()).hex);
    await store.claim(crashSource);
    await store.close();
    await expect(restoreLevelFolder({ folder }, unread)).rejects.toMatchObject(refused);
  });
});
