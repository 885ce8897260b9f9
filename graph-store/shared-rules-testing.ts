import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../foundation/index.ts';
import { ann, dark, event, hop, named, nameOf, Subject, watched } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { keptForEver } from './time-to-live.ts';

/** What is known of another process is a second old at most; a busy machine takes its time. */
const patient = { timeout: 20_000 };
const farMs = 1_000_000;
const short = { nodes: { Account: 10 }, edges: { WATCHED: 5 } };

/** How a graph that several processes share goes by times to live. `open` opens the same graph each time between two calls of `dispose`. */
export function describeSharedRules(
  open: (clock: Clock) => Promise<GraphStore>,
  dispose: () => Promise<void>,
): void {
  describe('times to live that another process set', () => {
    const others: GraphStore[] = [];
    let clock: Clock | null = null;
    const subject = new Subject({
      open: (given) => {
        clock = given;
        return open(given);
      },
      reopen: null,
      dispose: async (store) => {
        await store.close();
        await dispose();
      },
      propertyRuns: 1,
    });
    afterEach(async () => {
      vi.useRealTimers();
      for (const store of others.splice(0)) await store.close();
    });
    const other = async (): Promise<GraphStore> => {
      if (clock === null) throw new Error('the subject is opened before each test');
      const store = await open(clock);
      others.push(store);
      return store;
    };

    it('hide here what they hide there, and show it again, within a second', async () => {
      await subject.apply(event(10, [named('x')]), event(12, [watched(dark)]));
      const api = await other();
      expect(await nameOf(api)).toEqual([['x', 10]]);
      await subject.store.setTimeToLive(short);
      subject.nowMs = farMs;
      await expect.poll(() => api.node(ann), patient).toBeNull();
      expect((await api.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
      await subject.store.setTimeToLive(keptForEver);
      await expect.poll(() => nameOf(api), patient).toEqual([['x', 10]]);
    });

    it('are changed from what the graph has, whatever was known of it here', async () => {
      const api = await other();
      await subject.store.setTimeToLive({ nodes: { Account: 10 }, edges: {} });
      await api.setTimeToLive(({ nodes }) => ({ nodes: { ...nodes, Title: 20 }, edges: {} }));
      expect(api.timeToLive().nodes).toEqual({ Account: 10, Title: 20 });
    });

    it('go with a snapshot, and with what was swept by them, however fresh what is known of them is', async () => {
      vi.useFakeTimers({ toFake: ['performance'] });
      await subject.apply(event(10, [named('x')]), event(11, [{ kind: 'node-delete', node: ann }]));
      // Kept: a table of Cassandra that is swept empty still has the sweep's deletes, and would be handed on with them.
      await subject.apply(event(10, [{ kind: 'node', node: dark, properties: [] }]));
      const api = await other();
      await api.setTimeToLive(short);
      subject.nowMs = farMs;
      expect((await api.sweep(null, 1_000)).removed).toBeGreaterThan(0);
      expect(subject.store.timeToLive()).toEqual(keptForEver);
      await using snapshot = await subject.store.snapshot();
      expect(snapshot.timeToLive).toEqual({ ...short, swept: { nodes: { Account: 11 }, edges: {} } });
    });

    it('count in a digest, however fresh what is known of them is', async () => {
      vi.useFakeTimers({ toFake: ['performance'] });
      const empty = await subject.store.digest();
      await subject.apply(event(10, [named('x')]));
      expect((await subject.store.digest()).hex).not.toBe(empty.hex);
      const api = await other();
      await api.setTimeToLive(short);
      subject.nowMs = farMs;
      expect(subject.store.timeToLive()).toEqual(keptForEver);
      expect((await subject.store.digest()).hex).toBe(empty.hex);
    });

    it('keep a sweep from removing what they show again, though it began by those before', async () => {
      await subject.apply(event(10, [named('x')]), event(12, [watched(dark)]));
      await subject.store.setTimeToLive(short);
      subject.nowMs = farMs;
      const api = await other();
      expect(await subject.store.node(ann)).toBeNull();
      await api.setTimeToLive(keptForEver);
      expect((await subject.store.sweep(null, 1_000)).removed).toBe(0);
      await expect.poll(() => nameOf(subject.store), patient).toEqual([['x', 10]]);
      expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(1);
    });
  });
}
