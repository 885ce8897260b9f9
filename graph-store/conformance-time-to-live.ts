import { describe, expect, it } from 'vitest';
import { readEverything } from './conformance-graphs.ts';
import { ann, dark, event, hop, journeyOf, lost, named, nameOf, type StoreHarness, type Subject, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { GraphStore, Swept } from './graph-store.ts';
import type { Mutation, NodeRef } from './model.ts';
import { keptForEver } from './time-to-live.ts';

/** Types that are kept for a while only. */
export function describeTimeToLive(subject: Subject, { reopen, guarantee = 'atomic' }: StoreHarness): void {
  describe('time to live', () => {
    const short = { nodes: { Account: 10 }, edges: { WATCHED: 5 } };

    it('hides what is older than its type is kept, as though it had been deleted then', async () => {
      await subject.apply(event(10, [named('x'), step('s')]), event(12, [watched(dark)]));
      await subject.store.setTimeToLive(short);
      subject.nowMs = 16;
      expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(1);
      subject.nowMs = 17;
      expect((await subject.store.adjacency(hop(dark, 'in'))).occurrences).toEqual([]);
      expect(await subject.store.node(dark)).toBeNull();
      expect(await nameOf(subject.store)).toEqual([['x', 10]]);
      subject.nowMs = 20;
      expect(await subject.store.node(ann)).toBeNull();
      expect((await subject.store.journey(journeyOf(ann))).steps).toEqual([]);
    });
    it('hides edges to a node that is kept no longer', async () => {
      await subject.apply(event(10, [watched(dark), watched(lost), step('s')]));
      await subject.store.setTimeToLive({ nodes: { Title: 5 }, edges: {} });
      subject.nowMs = 15;
      expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
      expect((await subject.store.journey(journeyOf(ann))).steps[0]?.links).toEqual([]);
    });
    it('goes by each property of its own', async () => {
      const other: Mutation = { kind: 'node', node: ann, properties: [['late', 1]] };
      await subject.apply(event(1, [named('x')]), event(8, [other]));
      await subject.store.setTimeToLive(short);
      subject.nowMs = 11;
      expect((await subject.store.node(ann))?.properties.map(({ name }) => name)).toEqual(['late']);
    });
    it('takes longer rules back', async () => {
      await subject.apply(event(1, [named('x')]));
      await subject.store.setTimeToLive(short);
      subject.nowMs = 100;
      expect(await subject.store.node(ann)).toBeNull();
      await subject.store.setTimeToLive({ nodes: {}, edges: {} });
      expect(await nameOf(subject.store)).toEqual([['x', 1]]);
    });
    it('sweeps hidden rows without changing any answer or the digest', async () => {
      for (let timeMs = 1; timeMs <= 20; timeMs += 1) {
        await subject.apply(
          event(timeMs, [watched(timeMs % 2 === 0 ? dark : lost), step('s'), named(`n${timeMs}`)]),
        );
      }
      await subject.apply(
        event(3, [{ kind: 'node', node: { type: 'Account', id: 'old' }, properties: [['a', 1]] }]),
      );
      await subject.store.setTimeToLive(short);
      subject.nowMs = 22;
      const reads = async (): Promise<unknown> => [
        await readEverything(subject.store),
        await subject.store.node(ann),
        await subject.store.node({ type: 'Account', id: 'old' }),
        await subject.store.journey(journeyOf(ann)),
        await subject.store.adjacency(hop(ann, 'out')),
        await subject.store.adjacency(hop(dark, 'in')),
      ];
      const before = await reads();
      // 17 occurrences, twice; 12 steps; one node.
      expect(await sweepAll(subject.store)).toBe(17 * 2 + 12 + 1);
      expect(await reads()).toEqual(before);
      expect(await sweepAll(subject.store)).toBe(0);
      await subject.apply(
        event(21, [{ kind: 'node', node: { type: 'Account', id: 'old' }, properties: [['b', 2]] }]),
      );
      const back = await subject.store.node({ type: 'Account', id: 'old' });
      expect(back?.properties).toEqual([{ name: 'b', value: 2, timeMs: 21 }]);
    });
    it('sweeps edges to a type that is kept no longer from both their ends, and tombstones', async () => {
      await subject.apply(
        event(1, [watched(dark), { kind: 'edge-delete', type: 'WATCHED', from: ann, to: lost }]),
        event(2, [{ kind: 'node-delete', node: lost }]),
        event(3, [{ ...watched(dark), type: 'LIKED' }]),
      );
      await subject.store.setTimeToLive({ nodes: { Title: 5 }, edges: {} });
      subject.nowMs = 7;
      // Two rows of the first occurrence, two tombstones.
      const node = await subject.store.node(ann);
      expect(await sweepAll(subject.store)).toBe(4);
      expect(await subject.store.node(ann)).toEqual(node);
      subject.nowMs = 8;
      expect(await subject.store.node(ann)).toBeNull();
      expect(await sweepAll(subject.store)).toBe(2);
      await subject.store.setTimeToLive({ nodes: {}, edges: {} });
      expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
      expect((await subject.store.adjacency(hop(dark, 'in'))).occurrences).toEqual([]);
    });
    it('finds the newest edge of every type behind one that is hidden whole', async () => {
      const other = { type: 'Genre', id: 'crime' };
      await subject.apply(
        event(2, [{ ...watched(dark), type: 'PLAYED' }]),
        event(3, [{ ...watched(other), type: 'RATED' }]),
      );
      await subject.store.setTimeToLive({ nodes: { Title: 5 }, edges: {} });
      subject.nowMs = 100;
      expect(await subject.store.node(ann)).toEqual({ node: ann, properties: [], lineage: null });
    });
    it('sweeps nothing when everything is kept', async () => {
      await subject.apply(event(1, [named('x')]));
      expect(await subject.store.sweep(null, 100)).toMatchObject({ removed: 0, next: null });
    });
    if (guarantee === 'atomic') {
      it('removes an edge from both its ends at once, so that longer rules in the middle of a sweep show it from both or from neither', async () => {
        const ends = Array.from({ length: 20 }, (_, i) => ({
          from: { type: 'Account', id: `a${i}` },
          to: { type: 'Title', id: `t${i}` },
        }));
        await subject.apply(
          event(
            1,
            ends.map((one) => ({ ...watched(one.to), ...one })),
          ),
        );
        await subject.store.setTimeToLive({ nodes: {}, edges: { WATCHED: 5 } });
        subject.nowMs = 100;
        let after: Uint8Array | null = null;
        let removed = 0;
        do {
          const swept: Swept = await subject.store.sweep(after, 1);
          removed += swept.removed;
          after = swept.next;
        } while (after !== null && removed < ends.length);
        await subject.store.setTimeToLive(keptForEver);
        const seen = async (of: NodeRef, direction: 'out' | 'in'): Promise<number> =>
          (await subject.store.adjacency(hop(of, direction))).occurrences.length;
        const fromStarts = await Promise.all(ends.map(({ from }) => seen(from, 'out')));
        expect(await Promise.all(ends.map(({ to }) => seen(to, 'in')))).toEqual(fromStarts);
        expect(fromStarts.filter((count) => count === 0)).toHaveLength(removed / 2);
      });
    }
    if (reopen !== null) {
      it('is remembered over a restart', async () => {
        await subject.apply(event(1, [named('x')]));
        await subject.store.setTimeToLive(short);
        await subject.restart(reopen);
        subject.nowMs = 100;
        expect(subject.store.timeToLive()).toEqual(short);
        expect(await subject.store.node(ann)).toBeNull();
      });
    }
  });
}

async function sweepAll(store: GraphStore): Promise<number> {
  let removed = 0;
  let after: Uint8Array | null = null;
  do {
    const swept = await store.sweep(after, 7);
    removed += swept.removed;
    after = swept.next;
  } while (after !== null);
  return removed;
}
