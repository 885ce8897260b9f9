import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { PiecemealStore } from './piecemeal-store.fake.ts';
import { runReplays } from './replay-testing.ts';

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
});
