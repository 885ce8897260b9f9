import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must } from '../foundation/index.ts';
import { events, pack, type Reads, readEverything } from './conformance-graphs.ts';
import type {
  AdjacencyQuery,
  Advance,
  Claim,
  GraphStore,
  JourneyQuery,
  SourcePartition,
} from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EdgeMutation, EventMutations, Mutation, NodeRef, Property, StepMutation } from './model.ts';

/** How the suite gets at an adapter. */
export interface StoreHarness {
  /** An empty store. */
  open(): Promise<GraphStore>;
  /** Closes the store and opens what it left; null when the adapter keeps nothing. */
  readonly reopen: ((store: GraphStore) => Promise<GraphStore>) | null;
  /** Closes the store and removes what it left. */
  dispose(store: GraphStore): Promise<void>;
  /** Runs of each property; a durable store is slower to open. */
  readonly propertyRuns: number;
}

const source: SourcePartition = { cluster: 'c1', topic: 'plays', topicId: 'life-1', partition: 0 };
const ann: NodeRef = { type: 'Account', id: 'ann' };
const dark: NodeRef = { type: 'Title', id: 'dark' };
const lost: NodeRef = { type: 'Title', id: 'lost' };

function advance(claim: Claim, from: number, next: number, changes: Partial<Advance> = {}): Advance {
  return {
    source,
    epoch: claim.epoch,
    from: BigInt(from),
    next: BigInt(next),
    fates: { consumed: next - from, applied: next - from, superseded: 0, filtered: 0, deadLettered: 0 },
    newestEventMs: 0,
    ...changes,
  };
}

let nextOccurrence = 1n;
function event(timeMs: number, mutations: Mutation[], rank = 0): EventMutations {
  nextOccurrence += 1n;
  return { timeMs, rank, occurrence: nextOccurrence, mutations };
}

function journeyOf(of: NodeRef, changes: Partial<JourneyQuery> = {}): JourneyQuery {
  return {
    of,
    sinceMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    domains: null,
    order: 'newest-first',
    after: null,
    limit: 100,
    scanMax: 1000,
    ...changes,
  };
}

function hop(of: NodeRef, direction: 'out' | 'in', changes: Partial<AdjacencyQuery> = {}): AdjacencyQuery {
  const untilMs = Number.MAX_SAFE_INTEGER;
  return { of, type: 'WATCHED', direction, sinceMs: 0, untilMs, limit: 100, scanMax: 1000, ...changes };
}

const watched = (to: NodeRef, properties: Property[] = []): EdgeMutation => ({
  kind: 'edge',
  type: 'WATCHED',
  from: ann,
  to,
  properties,
});
const step = (domain: string, to: NodeRef = dark): StepMutation => ({
  kind: 'step',
  owner: ann,
  domain,
  action: 'did',
  links: [{ edge: 'WATCHED', direction: 'out', node: to }],
  properties: [['n', 1]],
});
const named = (name: string | null): Mutation => ({ kind: 'node', node: ann, properties: [['name', name]] });

/** The promises of the store port, run on every adapter. */
export function describeGraphStore(name: string, harness: StoreHarness): void {
  describe(`${name} keeps the store's promises`, () => {
    let store: GraphStore;
    let claim: Claim;
    let applied = 0;

    beforeEach(async () => {
      store = await harness.open();
      claim = await store.claim(source);
      applied = 0;
    });
    afterEach(() => harness.dispose(store));

    async function apply(...batch: EventMutations[]): Promise<void> {
      await store.apply(advance(claim, applied, applied + batch.length), pack(batch));
      applied += batch.length;
    }
    const nameNow = async (): Promise<unknown> =>
      (await store.node(ann))?.properties.map(({ value, timeMs }) => [value, timeMs]);

    describe('nodes', () => {
      it('does not know a node that nothing mentioned', async () => {
        expect(await store.node(ann)).toBeNull();
      });
      it('lets the newest write win whatever order writes arrive in', async () => {
        await apply(event(20, [named('new')]), event(10, [named('old')]));
        await apply(event(15, [named('middle')]));
        expect(await nameNow()).toEqual([['new', 20]]);
      });
      it('breaks a tie of time by rank and a tie of rank by content', async () => {
        await apply(event(5, [named('z')], 1), event(5, [named('a')], 2), event(5, [named('z')], 0));
        expect(await nameNow()).toEqual([['a', 5]]);
        await apply(event(5, [named('b')], 2), event(5, [named('a')], 2));
        expect(await nameNow()).toEqual([['b', 5]]);
      });
      it('keeps registers apart and sorts them by name', async () => {
        await apply(event(1, [{ kind: 'node', node: ann, properties: [['b', 1], ['a', 1]] }])); // biome-ignore format: one row
        await apply(event(2, [{ kind: 'node', node: ann, properties: [['c', 2], ['b', 2]] }])); // biome-ignore format: one row
        const node = must(await store.node(ann), 'the node exists');
        expect(node.properties).toEqual([
          { name: 'a', value: 1, timeMs: 1 },
          { name: 'b', value: 2, timeMs: 2 },
          { name: 'c', value: 2, timeMs: 2 },
        ]);
      });
      it('gives every kind of value back as it was', async () => {
        const properties: Property[] = [
          ['big', 2n ** 63n - 1n],
          ['empty', ''],
          ['false', false],
          ['long', 'ü'.repeat(5000)],
          ['negative', -(2n ** 63n)],
          ['null', null],
          ['number', -1.5e300],
          ['true', true],
          ['zero', 0],
        ];
        await apply(
          event(1, [
            { kind: 'node', node: ann, properties },
            { ...watched(dark), properties },
            step('x'),
          ]),
        ); // biome-ignore format: one row
        const node = must(await store.node(ann), 'the node exists');
        expect(node.properties.map(({ name: key, value }) => [key, value])).toEqual(properties);
        const page = await store.adjacency(hop(dark, 'in'));
        expect(page.occurrences.map((found) => found.properties)).toEqual([properties]);
      });
      it('counts the writes that changed nothing', async () => {
        const first = event(5, [named('x')]);
        expect(await store.apply(advance(claim, 0, 1), pack([first]))).toEqual({
          nodeWrites: 1,
          nodeWritesSuppressed: 0,
        });
        const again = pack([first, event(4, [named('y')])]);
        expect(await store.apply(advance(claim, 1, 3), again)).toEqual({
          nodeWrites: 0,
          nodeWritesSuppressed: 2,
        });
      });
      it('knows a node from its edges alone, without properties', async () => {
        await apply(event(1, [watched(dark)]));
        expect(await store.node(dark)).toEqual({ node: dark, properties: [] });
      });
      it.each(['__proto__', 'constructor', '🎬🍿', 'x'.repeat(1024), ' ', '>', 'a/b\u0001\uffff'])(
        'takes the hostile id %j as any other',
        async (id) => {
          const hostile = { type: 'Account', id };
          const owned: Mutation = {
            kind: 'step',
            owner: hostile,
            domain: 'd',
            action: 'a',
            links: [],
            properties: [['__proto__', 'p']],
          };
          const edge: Mutation = {
            kind: 'edge',
            type: 'WATCHED',
            from: hostile,
            to: hostile,
            properties: [],
          };
          const node: Mutation = { kind: 'node', node: hostile, properties: [['constructor', 'c']] };
          await apply(event(1, [owned, edge, node]));
          expect((await store.node(hostile))?.properties[0]).toMatchObject({
            name: 'constructor',
            value: 'c',
          });
          expect((await store.journey(journeyOf(hostile))).steps[0]?.properties).toEqual([
            ['__proto__', 'p'],
          ]);
          expect((await store.adjacency(hop(hostile, 'in'))).occurrences[0]?.from).toEqual(hostile);
          expect(await store.node({ type: 'Account', id: `${id.slice(0, 1000)}2` })).toBeNull();
        },
      );
    });

    describe('tombstones', () => {
      const deletion: Mutation = { kind: 'node-delete', node: ann };
      const unwatched: Mutation = { kind: 'edge-delete', type: 'WATCHED', from: ann, to: dark };

      it('hides what is not newer than a delete, in whatever order it arrives', async () => {
        const changes = [event(5, [named('x'), step('s'), watched(dark)]), event(5, [deletion])];
        await apply(...changes.toReversed());
        expect(await store.node(ann)).toBeNull();
        expect((await store.journey(journeyOf(ann))).steps).toEqual([]);
        expect((await store.adjacency(hop(dark, 'in'))).occurrences).toEqual([]);
        expect((await store.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
      });
      it('shows what is newer than a delete', async () => {
        await apply(event(5, [deletion]), event(6, [named('back')]), event(4, [step('late')]));
        expect(await nameNow()).toEqual([['back', 6]]);
        expect((await store.journey(journeyOf(ann))).steps).toEqual([]);
      });
      it('lets a late write of another property stay hidden', async () => {
        await apply(event(6, [named('back')]), event(5, [deletion]));
        await apply(event(3, [{ kind: 'node', node: ann, properties: [['late', 1]] }]));
        expect(await nameNow()).toEqual([['back', 6]]);
      });
      it('keeps the greater of two deletes', async () => {
        await apply(event(9, [deletion]), event(3, [deletion]));
        await apply(event(2, [deletion]), event(8, [named('x')]));
        expect(await store.node(ann)).toBeNull();
      });
      it('brings a deleted node back when a newer edge or step mentions it', async () => {
        await apply(event(5, [{ kind: 'node-delete', node: dark }]), event(4, [watched(dark)]));
        expect(await store.node(dark)).toBeNull();
        await apply(event(6, [{ kind: 'edge', type: 'LIKED', from: ann, to: dark, properties: [] }]));
        expect(await store.node(dark)).toEqual({ node: dark, properties: [] });
        await apply(event(7, [deletion]));
        expect(await store.node(ann)).toBeNull();
        await apply(event(8, [step('s')]));
        expect(await store.node(ann)).toEqual({ node: ann, properties: [] });
      });
      it('takes an edge before its nodes, and deletes one edge alone', async () => {
        await apply(event(3, [watched(dark)]), event(3, [watched(lost)]), event(4, [unwatched]));
        expect(await store.edge('WATCHED', ann, dark, 10)).toBeNull();
        expect(await store.edge('WATCHED', ann, lost, 10)).toMatchObject({ count: 1 });
        await apply(event(5, [watched(dark)]), event(1, [named('x')]));
        expect(await store.edge('WATCHED', ann, dark, 10)).toMatchObject({ count: 1, firstSeenMs: 5 });
        expect((await store.adjacency(hop(dark, 'in'))).occurrences).toHaveLength(1);
      });
      it('leaves out links to nodes that were deleted since', async () => {
        const gone: Mutation = { kind: 'node-delete', node: dark };
        await apply(event(3, [step('a')]), event(4, [step('b', lost)]), event(6, [step('c')]));
        await apply(event(5, [gone]));
        const { steps } = await store.journey(journeyOf(ann));
        expect(steps.map(({ links }) => links.map(({ node }) => node.id))).toEqual([['dark'], ['lost'], []]);
      });
    });

    describe('edges', () => {
      it('folds occurrences: first, last, count, newest properties', async () => {
        await apply(
          event(3, [watched(dark, [['a', 3], ['b', 3]])]), // biome-ignore format: one row
          event(9, [watched(dark, [['a', 9]])]),
          event(1, [watched(dark)]),
          event(5, [watched(lost)]),
        );
        expect(await store.edge('WATCHED', ann, dark, 10)).toEqual({
          type: 'WATCHED',
          from: ann,
          to: dark,
          firstSeenMs: 1,
          lastSeenMs: 9,
          count: 3,
          properties: [['a', 9], ['b', 3]], // biome-ignore format: one row
          truncated: false,
        });
        expect(await store.edge('WATCHED', ann, dark, 2)).toMatchObject({ count: 1, truncated: true });
        expect(await store.edge('LIKED', ann, dark, 10)).toBeNull();
      });
      it('counts an event once however often it comes', async () => {
        const same = event(3, [watched(dark)]);
        await apply(same, same);
        await apply(same);
        expect(await store.edge('WATCHED', ann, dark, 10)).toMatchObject({ count: 1 });
      });
      it('lists occurrences newest first within time bounds, and says when it stopped looking', async () => {
        for (let timeMs = 1; timeMs <= 6; timeMs += 1) await apply(event(timeMs, [watched(dark)]));
        const times = async (changes: Partial<AdjacencyQuery>): Promise<unknown> => {
          const page = await store.adjacency(hop(ann, 'out', changes));
          return [page.occurrences.map(({ timeMs }) => timeMs), page.scanned, page.truncated];
        };
        expect(await times({})).toEqual([[6, 5, 4, 3, 2, 1], 6, false]);
        expect(await times({ sinceMs: 2, untilMs: 5 })).toEqual([[4, 3, 2], 3, false]);
        expect(await times({ limit: 2 })).toEqual([[6, 5], 2, false]);
        expect(await times({ scanMax: 4 })).toEqual([[6, 5, 4, 3], 4, true]);
        expect(await times({ sinceMs: 5, untilMs: 5 })).toEqual([[], 0, false]);
        expect(await times({ type: 'WATCHE' })).toEqual([[], 0, false]);
      });
    });

    describe('journeys', () => {
      const order = ['oldest-first', 'newest-first'] as const;

      it.each(order)('pages %s through steps of one time without losing or repeating any', async (way) => {
        const batch = [1, 2, 2, 2, 2, 3, 3, 7].map((timeMs, i) => event(timeMs, [step(`d${i % 2}`)]));
        await apply(...batch.toReversed());
        const oldest = batch.map(({ timeMs, occurrence }) => ({ timeMs, occurrence }));
        const expected = way === 'oldest-first' ? oldest : oldest.toReversed();
        const seen: unknown[] = [];
        let query = journeyOf(ann, { order: way, limit: 3 });
        for (let pages = 0; pages < 10; pages += 1) {
          const page = await store.journey(query);
          seen.push(...page.steps.map(({ timeMs, occurrence }) => ({ timeMs, occurrence })));
          if (!page.more) break;
          query = { ...query, after: page.last };
        }
        expect(seen).toEqual(expected);
      });
      it.each(order)('stops at scanMax, %s, and goes on from where it looked', async (way) => {
        for (let timeMs = 1; timeMs <= 9; timeMs += 1)
          await apply(event(timeMs, [step(timeMs === 5 ? 'rare' : 'often')]));
        const query = journeyOf(ann, { order: way, domains: ['rare'], limit: 1, scanMax: 3 });
        const first = await store.journey(query);
        expect(first).toMatchObject({ steps: [], scanned: 3, more: true, truncated: true });
        const second = await store.journey({ ...query, after: first.last });
        expect(second).toMatchObject({ scanned: 2, more: true, truncated: false });
        expect(second.steps.map(({ timeMs }) => timeMs)).toEqual([5]);
        const rest = await store.journey({ ...query, after: second.last, scanMax: 100 });
        expect(rest).toMatchObject({ steps: [], scanned: 4, more: false, truncated: false });
      });
      it('keeps to its time bounds, the cursor outside them included', async () => {
        for (let timeMs = 1; timeMs <= 6; timeMs += 1) await apply(event(timeMs, [step('d')]));
        const times = async (changes: Partial<JourneyQuery>): Promise<unknown> =>
          (await store.journey(journeyOf(ann, changes))).steps.map(({ timeMs }) => timeMs);
        const bounds = { sinceMs: 2, untilMs: 5 };
        const from = (timeMs: number): Partial<JourneyQuery> => ({
          ...bounds,
          after: { timeMs, occurrence: 0n },
        });
        expect(await times(bounds)).toEqual([4, 3, 2]);
        expect(await times(from(6))).toEqual([4, 3, 2]);
        expect(await times(from(1))).toEqual([]);
        expect(await times({ ...from(0), order: 'oldest-first' })).toEqual([2, 3, 4]);
        expect(await times({ ...from(6), order: 'oldest-first' })).toEqual([]);
      });
      it('keeps the journeys of owners apart whose ids begin alike', async () => {
        await apply(event(1, [step('d')]), event(1, [{ ...step('d'), owner: { type: 'Account', id: 'ann2' } }])); // biome-ignore format: one row
        expect((await store.journey(journeyOf(ann))).steps).toHaveLength(1);
        expect((await store.journey(journeyOf({ type: 'Accoun', id: 'ann' }))).last).toBeNull();
      });
    });

    describe('positions', () => {
      it('answers a first claim with epoch 1 and no position, and each later one with more', async () => {
        expect(claim).toEqual({ epoch: 1, next: null });
        await apply(event(1, [named('x')]));
        expect(await store.claim(source)).toEqual({ epoch: 2, next: 1n });
      });
      it('fences an older epoch and changes nothing', async () => {
        const newer = await store.claim(source);
        const before = await store.digest();
        const late = store.apply(advance(claim, 0, 1), pack([event(1, [named('zombie')])]));
        await expect(late).rejects.toMatchObject({ code: 'FENCED', reaction: 'fenced' });
        expect(await store.digest()).toBe(before);
        await store.apply(advance(newer, 0, 1), pack([]));
        expect((await store.sources())[0]).toMatchObject({ next: 1n, epoch: 2 });
      });
      it('fences what begins below the position, and takes holes', async () => {
        await store.apply(advance(claim, 0, 10), pack([]));
        const back = store.apply(advance(claim, 9, 11), pack([event(1, [named('x')])]));
        await expect(back).rejects.toMatchObject({ code: 'FENCED' });
        await store.apply(advance(claim, 20, 30), pack([]));
        expect((await store.sources())[0]).toMatchObject({ next: 30n });
        expect(await store.node(ann)).toBeNull();
      });
      it('refuses a batch of a partition that nobody claimed', async () => {
        const unclaimed = { ...advance(claim, 0, 1), source: { ...source, partition: 7 } };
        await expect(store.apply(unclaimed, pack([]))).rejects.toMatchObject({ code: 'STORE_NOT_CLAIMED' });
        expect(await store.sources()).toHaveLength(1);
      });
      it('applies batches in call order though nobody waits between them', async () => {
        const results = Array.from({ length: 20 }, (_, i) =>
          store.apply(advance(claim, i, i + 1), pack([event(i, [named(`n${i}`), step('d')])])),
        );
        await Promise.all(results);
        expect(await nameNow()).toEqual([['n19', 19]]);
        expect((await store.journey(journeyOf(ann))).steps).toHaveLength(20);
      });
      it('adds fates up and keeps the greatest event time', async () => {
        const fates = { consumed: 10, applied: 4, superseded: 3, filtered: 2, deadLettered: 1 };
        await store.apply(advance(claim, 0, 10, { fates, newestEventMs: 99 }), pack([]));
        await store.apply(advance(claim, 10, 20, { fates, newestEventMs: 50 }), pack([]));
        expect(await store.sources()).toEqual([
          {
            source,
            epoch: 1,
            next: 20n,
            fates: { consumed: 20, applied: 8, superseded: 6, filtered: 4, deadLettered: 2 },
            newestEventMs: 99,
          },
        ]);
      });
      it('starts a recreated topic from its own beginning', async () => {
        await store.apply(advance(claim, 0, 10), pack([]));
        const recreated = { ...source, topicId: 'life-2' };
        expect(await store.claim(recreated)).toEqual({ epoch: 1, next: null });
        expect((await store.sources()).map(({ next }) => next)).toEqual([10n, 0n]);
      });
    });

    it('estimates distinct nodes and edges, duplicates aside', async () => {
      const some = (): EventMutations[] =>
        Array.from({ length: 500 }, (_, i) => event(i, [watched({ type: 'Title', id: `t${i}` })]));
      await apply(...some());
      await apply(...some());
      const { nodes, edges, relativeError } = await store.estimate();
      expect(Math.abs(nodes - 501)).toBeLessThanOrEqual(501 * 4 * relativeError);
      expect(Math.abs(edges - 500)).toBeLessThanOrEqual(500 * 4 * relativeError);
    });

    it('can be closed twice, and says afterwards that it is closed', async () => {
      await store.close();
      await store.close();
      await expect(store.node(ann)).rejects.toMatchObject({ reaction: 'outage' });
      await expect(store.claim(source)).rejects.toMatchObject({ reaction: 'outage' });
    });

    it('gives one digest and the same reads for any order, duplicates and split', async () => {
      const shuffled = fc.record({
        original: events(),
        seed: fc.integer(),
        splits: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      });
      const property = fc.asyncProperty(shuffled, async ({ original, seed, splits }) => {
        const reference = await readsAfter(createMemoryStore(), [original]);
        const other = await harness.open();
        try {
          const reads = await readsAfter(other, split(shuffle([...original, ...original], seed), splits));
          expect(reads).toEqual(reference);
        } finally {
          await harness.dispose(other);
        }
      });
      await fc.assert(property, { numRuns: harness.propertyRuns });
    }, 60_000);

    const { reopen } = harness;
    if (reopen !== null) {
      it('finds everything again after a restart', async () => {
        const batch = fc.sample(events(), { numRuns: 5, seed: 7 }).flat();
        await apply(...batch.map((one, i) => ({ ...one, occurrence: BigInt(i) })));
        const before = await readEverything(store);
        const sources = await store.sources();
        const estimate = await store.estimate();
        store = await reopen(store);
        expect(await readEverything(store)).toEqual(before);
        expect(await store.sources()).toEqual(sources);
        expect(await store.estimate()).toEqual(estimate);
        await expect(store.apply(advance(claim, applied, applied), pack([]))).rejects.toMatchObject({
          code: 'STORE_NOT_CLAIMED',
        });
        expect(await store.claim(source)).toEqual({ epoch: 2, next: BigInt(applied) });
      });
    }
  });
}

async function readsAfter(store: GraphStore, batches: EventMutations[][]): Promise<Reads> {
  const claim = await store.claim(source);
  await Promise.all(batches.map((batch, i) => store.apply(advance(claim, i, i + 1), pack(batch))));
  return await readEverything(store);
}

function split<T>(items: T[], sizes: number[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0, i = 0; at < items.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    parts.push(items.slice(at, at + size));
    at += size;
  }
  return parts;
}

/** A shuffle that fast-check's printed counterexample reproduces. */
function shuffle<T>(items: T[], seed: number): T[] {
  let state = seed;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return { item, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
