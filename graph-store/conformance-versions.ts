import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import {
  advance,
  ann,
  dark,
  event,
  hop,
  journeyOf,
  lost,
  type StoreHarness,
  source,
  watched,
} from './conformance-subject.ts';
import type { EventMutations, Mutation } from './model.ts';

/** What is left of an event that two mappings have read: processes do not take a new one at the same moment. */
export function describeVersions(harness: StoreHarness): void {
  describe('an event that two versions of a mapping have read', () => {
    const { occurrence } = event(5, []);
    const reading = (version: string, only: Mutation): EventMutations => ({
      ...{ timeMs: 5, rank: 0, occurrence },
      mutations: [
        { kind: 'node', node: ann, properties: [['name', version]] },
        watched(dark, [['by', version]]),
        { kind: 'step', owner: ann, domain: 'd', action: version, links: [], properties: [] },
        only,
      ],
    });
    const older = reading('older', { kind: 'edge', type: 'LIKED', from: ann, to: dark, properties: [] });
    const newer = reading('newer', { kind: 'edge', type: 'RATED', from: ann, to: lost, properties: [] });

    const leftOf = async (...readings: readonly EventMutations[]) => {
      const store = await harness.open(systemClock);
      try {
        const claim = await store.claim(source);
        for (const [at, one] of readings.entries()) {
          await store.apply(advance(claim, at, at + 1), pack([one]));
        }
        const journey = await store.journey(journeyOf(ann));
        const types = ['WATCHED', 'LIKED', 'RATED'];
        const hops = await store.adjacencies(types.map((type) => hop(ann, 'out', { type })));
        return {
          actions: journey.steps.map(({ action }) => action),
          edges: hops.map(({ occurrences }) => occurrences.length),
          properties: (await store.node(ann))?.properties,
        };
      } finally {
        await harness.dispose(store);
      }
    };

    it('is one step and one occurrence, with what only one of them said, and the same properties in any order', async () => {
      const [first, second] = [await leftOf(older, newer), await leftOf(newer, older, newer)];
      for (const { actions, edges } of [first, second]) {
        expect(actions).toHaveLength(1);
        expect(['older', 'newer']).toContain(actions[0]);
        expect(edges).toEqual([1, 1, 1]);
      }
      expect(first.properties).toEqual(second.properties);
      expect(first.properties).toMatchObject([{ name: 'name', timeMs: 5 }]);
    });
  });
}
