import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, event, source } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import type { EventMutations, NodeRef } from './model.ts';

const ad: NodeRef = { type: 'Ad', id: 'ad' };
const viewer = (id: string): NodeRef => ({ type: 'Viewer', id });
const saw = (from: NodeRef, timeMs: number): EventMutations =>
  event(timeMs, [{ kind: 'edge', type: 'SAW', from, to: ad, properties: [] }]);

describe('A node of the LevelDB store that only edges mention', () => {
  let folder: string;
  let store: GraphStore;
  let nowMs: number;
  const clock: Clock = { ...systemClock, now: () => nowMs };
  beforeEach(async () => {
    nowMs = 0;
    folder = await mkdtemp(join(tmpdir(), 'graph-store-expired-'));
    store = await openLevelStore({ folder }, clock);
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function apply(events: readonly EventMutations[]): Promise<void> {
    await store.apply(advance(await store.claim(source), 0, events.length), pack([...events]));
  }

  /** So many viewers who saw the ad. */
  const many = (count: number): EventMutations[] =>
    Array.from({ length: count }, (_, number) => saw(viewer(`v${number}`), 100 + number));

  async function expire(edges: Readonly<Record<string, number>> = {}): Promise<void> {
    await store.setTimeToLive({ nodes: { Viewer: 1_000 }, edges });
    nowMs = 1_000_000;
  }

  it('is gone when all other ends are kept no longer', async () => {
    await apply(many(4_096));
    await expire();
    expect(await store.node(ad)).toBeNull();
  });

  it('is found through the one end that is still kept, behind those that are not', async () => {
    await apply([...many(4_096), saw({ type: 'Account', id: 'a' }, 50)]);
    await expire();
    expect(await store.node(ad)).toMatchObject({ node: ad, properties: [] });
  });

  it('counts as there, of unknown lineage, while more of them wait to be swept than one look passes over', async () => {
    await apply(many(4_097));
    await expire();
    expect(await store.node(ad)).toEqual({ node: ad, properties: [], lineage: null });
    expect(await store.sweep(null, 10_000)).toMatchObject({ next: null });
    expect(await store.node(ad)).toBeNull();
  });

  it('counts as there behind an old step that is kept no longer, too', async () => {
    const stepped: EventMutations = event(40, [
      { kind: 'step', owner: ad, domain: 'ads', action: 'shown', links: [], properties: [] },
    ]);
    await apply([stepped, ...many(4_097), saw({ type: 'Account', id: 'a' }, 60)]);
    await store.setTimeToLive({ nodes: { Viewer: 1_000, Ad: 999_950 }, edges: {} });
    nowMs = 1_000_000;
    expect(await store.node(ad)).toEqual({ node: ad, properties: [], lineage: null });
  });

  it('is gone at once, however many they were, when the edges themselves are kept no longer', async () => {
    await apply(many(4_097));
    await expire({ SAW: 1_000 });
    expect(await store.node(ad)).toBeNull();
  });
});
