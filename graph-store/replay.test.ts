import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { PiecemealStore } from './piecemeal-store.fake.ts';
import { replayLevelSettings, runReplays } from './replay-testing.ts';

const replays = 400;

describe('Shuffled replays', () => {
  it('give one digest on every store, with duplicates, in any batches and partitions', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const folder = await mkdtemp(join(tmpdir(), 'graph-store-replay-'));
    let opened = 0;
    const stores = {
      open: async () => {
        opened += 1;
        const level = await openLevelStore({ folder: join(folder, String(opened)) }, systemClock);
        return [createMemoryStore(systemClock), new PiecemealStore(systemClock), level];
      },
      dispose: async (used: readonly { close(): Promise<void> }[]) => {
        for (const store of used) await store.close();
      },
    };
    try {
      const {
        replays: done,
        deliveries,
        events,
      } = await runReplays(seed, replays, 200, stores, () => undefined);
      expect(done).toBe(replays);
      expect(deliveries).toBeGreaterThan(events);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('cross several stretches of event time in a third of the LevelDB stores', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'graph-store-replay-stretches-'));
    const stretches: number[] = [];
    let opened = 0;
    const folderOf = (number: number): string => join(folder, String(number));
    const stores = {
      open: async (seed: number) => {
        opened += 1;
        const settings = { folder: folderOf(opened), ...replayLevelSettings(Math.floor(seed / 100)) };
        return [await openLevelStore(settings, systemClock)];
      },
      dispose: async (used: readonly { close(): Promise<void> }[]) => {
        for (const store of used) await store.close();
        const level = await openLevel({ ...defaultLevelSettings, folder: folderOf(opened) });
        stretches.push(level.stretches.count);
        await level.close();
      },
    };
    try {
      await runReplays(20261121, 600, 100, stores, () => undefined);
    } finally {
      await rm(folder, { recursive: true });
    }
    const crossed = stretches.filter((count) => count > 3).length;
    expect([crossed, stretches.length], stretches.join(' ')).toEqual([2, 6]);
  }, 60_000);
});
