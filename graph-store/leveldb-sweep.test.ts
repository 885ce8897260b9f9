import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { advance, ann, dark, event, source, watched } from './conformance-subject.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMutationBatch } from './mutation-batch.ts';
import { keptForEver } from './time-to-live.ts';

const clock = { ...systemClock, now: () => 1_000 };

it('removes nothing by rules that are replaced while a sweep of LevelDB looks for rows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-sweep-'));
  const store = await openLevelStore({ folder }, clock);
  try {
    const batch = createMutationBatch();
    batch.add(event(1, [watched(dark)]));
    await store.apply(advance(await store.claim(source), 0, 1), batch);
    await store.setTimeToLive({ nodes: {}, edges: { WATCHED: 10 } });
    const before = await store.digest();
    // Both begin in this turn: the rules have changed when the sweep has found what the former ones hid.
    const [swept] = await Promise.all([store.sweep(null, 100), store.setTimeToLive(keptForEver)]);
    expect(swept).toEqual({ scanned: 0, removed: 0, next: null, again: true });
    expect((await store.digest()).hex).not.toBe(before.hex);
    const query = { of: ann, type: 'WATCHED', direction: 'out', sinceMs: 0, untilMs: 10, limit: 1 } as const;
    expect((await store.adjacency({ ...query, scanMax: 1 })).occurrences).toHaveLength(1);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
