import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { events, pack, readEverything } from './conformance-graphs.ts';
import { assertProperty } from './conformance-property.ts';
import {
  advance,
  event,
  hop,
  propertyTimeoutOf,
  type StoreHarness,
  type Subject,
  source,
} from './conformance-subject.ts';
import type { Claim, GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, NodeRef, Property } from './model.ts';
import { keptForEver, type TimeToLive } from './time-to-live.ts';

interface Round {
  readonly elapsedMs: number;
  readonly batches: readonly {
    readonly events: readonly EventMutations[];
    readonly sweep: boolean;
    /** Delivers everything so far once more. */
    readonly rewind: boolean;
  }[];
}

/** Sweeps that race with batches whose applies nobody has waited for. */
export function describeSweep(subject: Subject, harness: StoreHarness): void {
  describe('a sweep beside applies', () => {
    it('changes neither reads nor the digest, and what is delivered again after it is kept again', {
      timeout: propertyTimeoutOf(harness),
    }, async () => {
      const property = fc.asyncProperty(history(), async ({ rules, rounds }) => {
        const clock = new SetClock();
        const stores = [await harness.open(clock), await harness.open(clock)] as const;
        const [store, other] = stores;
        try {
          const swept = await Deliveries.to(store, rules);
          const unswept = await Deliveries.to(other, rules);
          for (const { elapsedMs, batches } of rounds) {
            clock.nowMs += elapsedMs;
            for (const { events: batch, sweep, rewind } of batches) {
              const timed = batch.map((one) => ({ ...one, timeMs: clock.nowMs - newestMs + one.timeMs }));
              swept.apply(timed);
              unswept.apply(timed);
              if (sweep) swept.sweep();
              if (rewind) swept.rewind();
            }
            await swept.settled();
            await unswept.settled();
            expect(await answers(store)).toEqual(await answers(other));
          }
          await store.sweep(null, rowsMax);
          expect(await store.sweep(null, rowsMax)).toMatchObject({ removed: 0, next: null });
          swept.rewind();
          await swept.settled();
          for (const one of stores) await one.setTimeToLive(keptForEver);
          expect(await answers(store)).toEqual(await answers(await hiddenFor(store, other, clock)));
        } finally {
          for (const one of stores) await harness.dispose(one);
        }
      });
      await assertProperty(harness.sweepRuns ?? harness.propertyRuns, property);
    });

    const old: NodeRef = { type: 'Account', id: 'old' };
    const written = (timeMs: number, ...properties: Property[]): EventMutations =>
      event(timeMs, [{ kind: 'node', node: old, properties }]);
    const rules = { nodes: { Account: 5 }, edges: {} };

    it('leaves a node that is written anew after the sweep has looked at it', async () => {
      await subject.store.setTimeToLive(rules);
      for (let round = 1; round <= 5; round += 1) {
        subject.nowMs = round * 100;
        const sweeping = subject.store.sweep(null, rowsMax);
        await subject.apply(written(subject.nowMs, ['round', round]));
        await sweeping;
        const node = await subject.store.node(old);
        expect(node?.properties).toEqual([{ name: 'round', value: round, timeMs: subject.nowMs }]);
      }
    });

    it('removes a node that is written in between and stays hidden', async () => {
      await subject.store.setTimeToLive(rules);
      subject.nowMs = 100;
      const deliveries = new Deliveries(subject.store, subject.claim);
      const large = ['text', 'x'.repeat(4_096)] as const;
      for (let round = 0; round < 5; round += 1) {
        deliveries.apply([written(2 * round, ['a', round])]);
        await deliveries.settled();
        // They keep a writer busy, so that the node and its removal come to lie in one write.
        for (let i = 0; i < 10; i += 1) {
          const filler: NodeRef = { type: 'Filler', id: `${round} ${i}` };
          deliveries.apply([event(1, [{ kind: 'node', node: filler, properties: [large] }])]);
        }
        deliveries.apply([written(2 * round + 1, ['a', round])]);
        deliveries.sweep();
        await deliveries.settled();
        expect(await subject.store.sweep(null, rowsMax)).toMatchObject({ removed: 0 });
      }
    });

    it('brings nothing back that was deleted when its type is kept longer and older events are delivered again', async () => {
      const other: NodeRef = { type: 'Title', id: 'gone' };
      const edge = { type: 'WATCHED', from: old, to: other } as const;
      const created = [
        written(1, ['a', 1]),
        event(2, [{ kind: 'edge', ...edge, type: 'LIKED', properties: [] }]),
        event(3, [{ kind: 'edge', ...edge, properties: [] }]),
      ];
      await subject.apply(...created);
      await subject.apply(
        event(4, [{ kind: 'edge-delete', ...edge }]),
        event(5, [{ kind: 'node-delete', node: old }]),
      );
      await subject.store.setTimeToLive({ nodes: { Account: 5 }, edges: { WATCHED: 5 } });
      subject.nowMs = 100;
      await subject.store.sweep(null, rowsMax);
      await subject.store.setTimeToLive(keptForEver);
      expect(subject.store.timeToLive()).toEqual({
        ...keptForEver,
        swept: { nodes: { Account: 5 }, edges: { WATCHED: 4 } },
      });
      await subject.apply(...created);
      const seen = async (): Promise<unknown> => [
        await subject.store.node(old),
        await subject.store.node(other),
        (await subject.store.adjacency(hop(other, 'in'))).occurrences,
        (await subject.store.adjacency(hop(other, 'in', { type: 'LIKED' }))).occurrences,
      ];
      expect(await seen()).toEqual([null, null, [], []]);
      const empty = (await createMemoryStore(systemClock).digest()).hex;
      expect((await subject.store.digest()).hex).toBe(empty);
      await using snapshot = await subject.store.snapshot();
      expect(snapshot.timeToLive.swept).toEqual({ nodes: { Account: 5 }, edges: { WATCHED: 4 } });
      await subject.apply(written(6, ['a', 6]));
      // What is delivered again and hidden is swept again.
      expect(await subject.store.sweep(null, rowsMax)).toMatchObject({ next: null });
      const node = [{ name: 'a', value: 6, timeMs: 6 }];
      expect((await subject.store.node(old))?.properties).toEqual(node);
      if (harness.reopen === null) return;
      await subject.restart(harness.reopen);
      expect(await seen()).toEqual([expect.objectContaining({ properties: node }), null, [], []]);
    });

    it('removes nothing for good while the clock is ahead of all events, and all that is hidden when it is not', async () => {
      const dayMs = 86_400_000;
      const startMs = 20_000 * dayMs;
      const gone: NodeRef = { type: 'Account', id: 'gone' };
      const title: NodeRef = { type: 'Title', id: 'dark' };
      const edge = { type: 'WATCHED', from: old, to: title } as const;
      const batch = [
        written(startMs, ['a', 1]),
        event(startMs, [{ kind: 'edge', ...edge, properties: [] }]),
        event(startMs, [{ kind: 'node-delete', node: gone }]),
      ];
      const kept = { nodes: { Account: dayMs }, edges: { WATCHED: dayMs } };
      await subject.applyAsOf(startMs, ...batch);
      await subject.store.setTimeToLive(kept);
      subject.nowMs = startMs + 1_000;
      const before = await subject.store.digest();
      subject.nowMs = startMs + 365 * dayMs;
      expect(await subject.store.node(old)).toBeNull();
      expect(await sweepAll(subject.store)).toBe(0);
      expect(subject.store.timeToLive()).toEqual(kept);
      subject.nowMs = startMs + 1_000;
      expect((await subject.store.digest()).hex).toBe(before.hex);
      expect((await subject.store.node(old))?.properties).toHaveLength(1);
      // An event of then, such as arrives when the clock was right after all.
      subject.nowMs = startMs + 2 * dayMs;
      await subject.applyAsOf(
        subject.nowMs,
        event(subject.nowMs, [{ kind: 'node', node: { type: 'Filler', id: 'f' }, properties: [] }]),
      );
      // A node, a tombstone, an edge from both its ends.
      expect(await sweepAll(subject.store)).toBe(4);
    });

    it('keeps a node again that is delivered again after it was removed', async () => {
      const first = written(1, ['a', 1]);
      await subject.apply(first);
      await subject.store.setTimeToLive(rules);
      subject.nowMs = 100;
      expect(await subject.store.sweep(null, rowsMax)).toMatchObject({ removed: 1 });
      await subject.apply(first);
      await subject.store.setTimeToLive(keptForEver);
      expect((await subject.store.node(old))?.properties).toEqual([{ name: 'a', value: 1, timeMs: 1 }]);
    });

    it('has again what is delivered again after its type is kept longer', async () => {
      const dark: NodeRef = { type: 'Title', id: 'dark' };
      const first = event(1, [
        { kind: 'node', node: old, properties: [['a', 1]] },
        { kind: 'edge', type: 'WATCHED', from: old, to: dark, properties: [] },
      ]);
      await subject.apply(first);
      await subject.store.setTimeToLive(rules);
      subject.nowMs = 100;
      await sweepAll(subject.store);
      await subject.store.setTimeToLive(keptForEver);
      await subject.apply(first);
      expect((await subject.store.node(old))?.properties).toEqual([{ name: 'a', value: 1, timeMs: 1 }]);
      expect((await subject.store.adjacency(hop(old, 'out'))).occurrences).toHaveLength(1);
    });
  });
}

async function sweepAll(store: GraphStore): Promise<number> {
  let removed = 0;
  for (let after: Uint8Array | null | undefined; after !== null; ) {
    const swept = await store.sweep(after ?? null, rowsMax);
    removed += swept.removed;
    after = swept.next;
  }
  return removed;
}

/** The graph of `other`, of which is hidden for good what sweeps of `store` took tombstones of. */
async function hiddenFor(store: GraphStore, other: GraphStore, clock: Clock): Promise<GraphStore> {
  const oracle = createMemoryStore(clock);
  await using snapshot = await other.snapshot();
  const { sources } = snapshot;
  await oracle.restore({ sources, timeToLive: store.timeToLive(), rows: () => snapshot.rows() });
  return oracle;
}

const rowsMax = 10_000;
/** Greatest event time that `events` makes. */
const newestMs = 6;

function history(): fc.Arbitrary<{ readonly rules: TimeToLive; readonly rounds: readonly Round[] }> {
  const batch = fc.record({ events: events(), sweep: fc.boolean(), rewind: fc.boolean() });
  const round = fc.record({
    elapsedMs: fc.integer({ min: 0, max: 5 }),
    batches: fc.array(batch, { minLength: 1, maxLength: 4 }),
  });
  return fc.record({
    rules: fc.constantFrom<TimeToLive>(
      { nodes: { A: 4 }, edges: { E: 3 } },
      { nodes: { A: 1, B: 5 }, edges: {} },
      { nodes: { B: 2 }, edges: { E: 6, EE: 1 } },
    ),
    rounds: fc.array(round, { minLength: 1, maxLength: 3 }).map(withOccurrences),
  });
}

/** Each event has an occurrence of its own over all batches. */
function withOccurrences(rounds: readonly Round[]): Round[] {
  let occurrence = 0n;
  const numbered = (one: EventMutations): EventMutations => {
    occurrence += 1n;
    return { ...one, occurrence };
  };
  return rounds.map(({ elapsedMs, batches }) => ({
    elapsedMs,
    batches: batches.map((batch) => ({ ...batch, events: batch.events.map(numbered) })),
  }));
}

class SetClock implements Clock {
  nowMs = newestMs;
  readonly sleep = systemClock.sleep;

  now(): number {
    return this.nowMs;
  }
}

/** Batches and sweeps of one store, none waited for before `settled`. */
class Deliveries {
  readonly #store: GraphStore;
  readonly #claim: Claim;
  readonly #delivered: EventMutations[] = [];
  #offset = 0;
  #underWay: Promise<unknown>[] = [];

  constructor(store: GraphStore, claim: Claim) {
    this.#store = store;
    this.#claim = claim;
  }

  static async to(store: GraphStore, rules: TimeToLive): Promise<Deliveries> {
    await store.setTimeToLive(rules);
    return new Deliveries(store, await store.claim(source));
  }

  apply(batch: readonly EventMutations[]): void {
    this.#delivered.push(...batch);
    this.#send(batch);
  }

  rewind(): void {
    this.#send(this.#delivered);
  }

  sweep(): void {
    this.#underWay.push(this.#store.sweep(null, rowsMax));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }

  #send(batch: readonly EventMutations[]): void {
    const from = this.#offset;
    this.#offset += 1;
    this.#underWay.push(this.#store.apply(advance(this.#claim, from, from + 1), pack(batch)));
  }
}

/** Without what tells how many rows were looked at, of which a sweep leaves fewer: a bounded hop may then see further. */
async function answers(store: GraphStore): Promise<unknown> {
  const { digest, nodes, journeys, adjacency, edges } = await readEverything(store);
  return {
    digest,
    nodes,
    journeys,
    // Every second page has bounds that bite.
    hops: adjacency.filter((_, i) => i % 2 === 0).map(({ occurrences }) => occurrences),
    edges: edges.filter((_, i) => i % 2 === 1),
  };
}
