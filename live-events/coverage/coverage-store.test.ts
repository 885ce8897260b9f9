import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { beforeEach, describe, expect, it } from 'vitest';
import { CoverageStore } from './coverage-store.ts';
import { coverageFolder } from './coverage-testing.ts';

const key = (event: string, sequence: number) => ({ event, epoch: 1, sequence });

describe('The store of coverage', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await coverageFolder();
  });

  it('lets the oldest of all go when there are too many bytes, but never what it was just given', async () => {
    const limits = { broadcastsMax: 10, broadcastsOfEventMax: 10, bytesMax: 100 };
    const store = await CoverageStore.open(folder, limits);
    await store.put(key('a', 1), 1, Buffer.alloc(40));
    await store.put(key('b', 1), 2, Buffer.alloc(40));
    expect(await store.put(key('a', 1), 1, Buffer.alloc(50))).toEqual([]);
    expect(await store.put(key('c', 1), 3, Buffer.alloc(30))).toMatchObject([key('a', 1)]);
    expect(store.bytes).toBe(70);
    expect(await store.put(key('d', 1), 4, Buffer.alloc(500))).toMatchObject([key('b', 1), key('c', 1)]);
    expect(await store.get(key('a', 1))).toBeNull();
    await store.close();
    const again = await CoverageStore.open(folder, limits);
    expect(again.count).toBe(1);
    expect(again.bytes).toBe(500);
    expect(await again.get(key('d', 1))).toHaveLength(500);
    await again.close();
  });

  it('drops all of one event, for good', async () => {
    const store = await CoverageStore.open(folder);
    for (const [event, sequence] of [['a', 1], ['a', 2], ['a.b', 1]] as const) // biome-ignore format: one row
      await store.put(key(event, sequence), sequence, Buffer.alloc(10));
    await store.drop('a');
    await store.drop('nothing');
    expect([store.count, store.bytes, [...store.events()]]).toEqual([1, 10, ['a.b']]);
    await store.close();
    const again = await CoverageStore.open(folder);
    expect([...again.events()]).toEqual(['a.b']);
    expect(await again.get(key('a', 2))).toBeNull();
    await again.close();
  });

  it('lists an event newest first, whose id begins like another', async () => {
    const store = await CoverageStore.open(folder);
    for (const [event, sequence] of [['a', 9], ['a.b', 1], ['a', 10]] as const) // biome-ignore format: one row
      await store.put(key(event, sequence), sequence, Buffer.from('x'));
    expect(store.list('a').map(({ sequence }) => sequence)).toEqual([10, 9]);
    await store.close();
  });

  it('refuses by name what another version wrote, what is no store of coverage, and a second owner', async () => {
    const open = await CoverageStore.open(folder);
    await expect(CoverageStore.open(folder)).rejects.toMatchObject({ code: 'COVERAGE_LOCKED' });
    await open.close();
    const db = new ClassicLevel(folder);
    await db.put('format', '99');
    await db.close();
    await expect(CoverageStore.open(folder)).rejects.toMatchObject({ code: 'COVERAGE_FORMAT' });
    await db.open();
    await db.del('format');
    await db.put('x', 'y');
    await db.close();
    await expect(CoverageStore.open(folder)).rejects.toMatchObject({ code: 'COVERAGE_FORMAT' });
  });

  it('refuses by name a folder that is damaged', async () => {
    await (await CoverageStore.open(folder)).close();
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'));
    await truncate(join(folder, manifest ?? 'none'), 3);
    await expect(CoverageStore.open(folder)).rejects.toMatchObject({ code: 'COVERAGE_CORRUPT' });
  });

  it('says by name when its disk does not take or give', async () => {
    const store = await CoverageStore.open(folder);
    await store.put(key('a', 1), 1, Buffer.from('x'));
    await store.close();
    await expect(store.get(key('a', 1))).rejects.toMatchObject({ code: 'COVERAGE_READ_FAILED' });
    await expect(store.put(key('a', 2), 1, Buffer.from('x'))).rejects.toMatchObject({
      code: 'COVERAGE_WRITE_FAILED',
    });
  });
});
