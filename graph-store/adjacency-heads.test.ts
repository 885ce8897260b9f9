import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { AdjacencyHeads, type StampedSnapshot } from './adjacency-heads.ts';
import { expectEnds } from './conformance-ends.ts';
import { edgeTypes, events, nodes, pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, source, watched } from './conformance-subject.ts';
import { EndsArena } from './ends-page.ts';
import type { AdjacencyPage, AdjacencyQuery, GraphStore, OccurrencePosition } from './graph-store.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import type { EventMutations } from './model.ts';
import { adjacencyPrefix, occurrencePlace } from './rows.ts';
import { keptForEver } from './time-to-live.ts';
import { WriteStamps } from './write-stamps.ts';

const clock = { ...systemClock, now: () => 7 };

/** What is the same whether contents were asked for or not. */
function ends({ occurrences, ...page }: AdjacencyPage): unknown {
  return {
    ...page,
    occurrences: occurrences.map(({ type, from, to, key, timeMs, occurrence }) => {
      return { type, from, to, key, timeMs, occurrence };
    }),
  };
}

/** With contents every row is read from LevelDB; without them the newest ones may be remembered. */
async function expectSame(store: GraphStore, queries: readonly AdjacencyQuery[]): Promise<void> {
  const remembered = await store.adjacencies(queries.map((query) => ({ ...query, endsOnly: true })));
  const read = await store.adjacencies(queries);
  expect(remembered.map(ends)).toEqual(read.map(ends));
  await expectEnds(store, queries);
}

const place: fc.Arbitrary<OccurrencePosition> = fc.record({
  timeMs: fc.integer({ min: 0, max: 7 }),
  occurrence: fc.bigInt({ min: 0n, max: 5n }),
  far: fc.constantFrom(...nodes),
  key: fc.constantFrom(null, 'k'),
});

const query: fc.Arbitrary<AdjacencyQuery> = fc.record({
  of: fc.constantFrom(...nodes),
  type: fc.constantFrom(...edgeTypes),
  direction: fc.constantFrom('out', 'in'),
  sinceMs: fc.integer({ min: 0, max: 4 }),
  untilMs: fc.constantFrom(3, 6, Number.POSITIVE_INFINITY),
  after: fc.option(place, { nil: null }),
  limit: fc.constantFrom(1, 2, 5, 9, 70),
  scanMax: fc.constantFrom(1, 3, 1000),
});

type Action =
  | { readonly kind: 'apply'; readonly awaited: boolean }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'keep'; readonly ms: number | null }
  | { readonly kind: 'read'; readonly queries: readonly AdjacencyQuery[] };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('apply' as const), awaited: fc.boolean() }),
  fc.record({ kind: fc.constant('sweep' as const) }),
  fc.record({ kind: fc.constant('keep' as const), ms: fc.constantFrom(null, 2, 4) }),
  fc.record({ kind: fc.constant('read' as const), queries: fc.array(query, { minLength: 1, maxLength: 6 }) }),
);

async function play(
  store: GraphStore,
  batches: readonly EventMutations[][],
  actions: readonly Action[],
): Promise<void> {
  const claim = await store.claim(source);
  let next = 0;
  const underWay: Promise<unknown>[] = [];
  for (const one of actions) {
    if (one.kind === 'apply') {
      const applied = store.apply(advance(claim, next, next + 1), pack(batches[next % batches.length] ?? []));
      next += 1;
      underWay.push(applied);
      if (one.awaited) await Promise.all(underWay);
    } else if (one.kind === 'keep') {
      await store.setTimeToLive(one.ms === null ? keptForEver : { nodes: {}, edges: { E: one.ms } });
    } else if (one.kind === 'sweep') {
      await store.sweep(null, 1000);
    } else {
      // Read while batches are on their way as well, so that what is remembered then is asked for afterwards.
      await store.adjacencies(one.queries.map((each) => ({ ...each, endsOnly: true })));
      await Promise.all(underWay);
      await expectSame(store, one.queries);
    }
  }
}

describe('The newest edges that are remembered', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-heads-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });

  /** Closed when the test is over. */
  const open = async (nowMs = 7): Promise<GraphStore> => {
    const store = await openLevelStore({ folder }, { ...systemClock, now: () => nowMs });
    onTestFinished(() => store.close());
    return store;
  };
  const watchedByAnn = {
    of: ann,
    type: 'WATCHED',
    direction: 'out',
    sinceMs: 0,
    scanMax: 100,
    endsOnly: true,
  } as const;

  it.each([2 ** 20, 4096])(
    'are those that LevelDB has, whatever is written in between (%i bytes)',
    async (headCacheBytes) => {
      let opened = 0;
      const batches = fc.array(events(), { minLength: 1, maxLength: 4 });
      const actions = fc.array(action, { minLength: 3, maxLength: 14 });
      const property = fc.asyncProperty(batches, actions, async (lists, list) => {
        opened += 1;
        const store = await openLevelStore({ folder: join(folder, String(opened)), headCacheBytes }, clock);
        try {
          await play(store, lists, list);
        } finally {
          await store.close();
        }
      });
      await fc.assert(property, { numRuns: 15 });
    },
    60_000,
  );

  it('go on in LevelDB behind what is remembered', async () => {
    const store = await open();
    const claim = await store.claim(source);
    const seen = Array.from({ length: 30 }, (_, i) => event(i + 1, [watched(dark)]));
    await store.apply(advance(claim, 0, 30), pack(seen));
    const timesOf = async (untilMs: number, limit: number): Promise<readonly number[]> => {
      const { occurrences } = await store.adjacency({ ...watchedByAnn, untilMs, limit });
      return occurrences.map(({ timeMs }) => timeMs);
    };
    expect(await timesOf(100, 2)).toEqual([30, 29]);
    expect(await timesOf(24, 3)).toEqual([23, 22, 21]);
    expect(await timesOf(21, 3)).toEqual([20, 19, 18]);
  });

  it('are read on where names are long, and taken for all of them only when they are', async () => {
    const store = await open();
    const claim = await store.claim(source);
    const titles = Array.from({ length: 150 }, (_, i) => ({ type: 'Title', id: `${i}`.padStart(400, 'é') }));
    const seen = titles.map((title, i) => event(i + 1, [watched(title)]));
    await store.apply(advance(claim, 0, 150), pack(seen));
    for (const limit of [10, 40, 120, 300]) {
      const query = { ...watchedByAnn, untilMs: 1000, limit, scanMax: 1000 };
      await expectSame(store, [query]);
      await expectSame(store, [query]);
      const [page] = await store.adjacencies([query]);
      expect(page?.occurrences).toHaveLength(Math.min(limit, 150));
    }
  });

  it('are read on from place to place, and are the same where they are remembered', async () => {
    const store = await open();
    const claim = await store.claim(source);
    // Longer than what is handed over at once, though what is kept of it is not.
    const of = { type: 'Account', id: 'x'.repeat(480) };
    const seen = Array.from({ length: 200 }, (_, i) => event(i + 1, [{ ...watched(dark), from: of }]));
    await store.apply(advance(claim, 0, 200), pack(seen));
    const timesBy = async (limit: number): Promise<readonly number[]> => {
      const times: number[] = [];
      let after: AdjacencyPage['last'] = null;
      do {
        const [page]: readonly AdjacencyPage[] = await store.adjacencies([
          { ...watchedByAnn, of, untilMs: 1000, scanMax: 1000, limit, after },
        ]);
        times.push(...(page?.occurrences ?? []).map(({ timeMs }) => timeMs));
        after = page?.last ?? null;
      } while (after !== null && times.length < 400);
      return times;
    };
    const all = Array.from({ length: 200 }, (_, i) => 200 - i);
    for (const limit of [300, 7, 7, 64, 300]) expect(await timesBy(limit)).toEqual(all);
  });

  it('are forgotten with what a sweep removes, should its rules be replaced', async () => {
    const store = await open(1000);
    const claim = await store.claim(source);
    await store.apply(advance(claim, 0, 1), pack([event(1, [watched(dark)])]));
    const asked = { ...watchedByAnn, untilMs: 10, limit: 5 };
    const seen = async (): Promise<number> => (await store.adjacency(asked)).occurrences.length;
    expect(await seen()).toBe(1);
    await store.setTimeToLive({ nodes: {}, edges: { WATCHED: 10 } });
    expect((await store.sweep(null, 1000)).removed).toBeGreaterThan(0);
    await store.setTimeToLive(keptForEver);
    expect(await seen()).toBe(0);
  });

  it('are not those that somebody else read at a later moment', async () => {
    const db = await openLevel({ ...defaultLevelSettings, folder });
    onTestFinished(() => db.close());
    const stamps = new WriteStamps();
    const heads = new AdjacencyHeads(db, stamps, 2 ** 20);
    const prefix = adjacencyPrefix(ann, 'out', 'WATCHED');
    const key = (timeMs: number): Buffer =>
      Buffer.concat([prefix, occurrencePlace({ timeMs, occurrence: 1n, far: dark, key: null })]);
    const asked = { ...watchedByAnn, untilMs: 100, limit: 8 };
    const span = { sinceMs: 0, untilMs: 100 };
    const timesAt = async (moment: StampedSnapshot): Promise<readonly number[] | null> => {
      const kept = heads.kept(asked, span, moment.settled, new EndsArena(100));
      const page = kept ?? (await heads.read(asked, span, moment));
      return page === null ? null : Array.from({ length: page.count }, (_, at) => page.timeMs(at));
    };
    await db.put(key(2), Buffer.alloc(0));
    await using before = db.snapshot();
    const earlier = { snapshot: before, settled: stamps.settled };
    const number = stamps.begin(pack([event(1, [watched(dark)])]).packed);
    await db.put(key(3), Buffer.alloc(0));
    stamps.end(number);
    await using after = db.snapshot();
    expect(await timesAt({ snapshot: after, settled: stamps.settled })).toEqual([3, 2]);
    expect(await timesAt(earlier)).toEqual([2]);
  });

  it('are not asked of LevelDB again until a batch names the node', async () => {
    const store = await open();
    const claim = await store.claim(source);
    await store.apply(advance(claim, 0, 1), pack([event(1, [watched(dark)])]));
    const asked = { ...watchedByAnn, untilMs: 10, limit: 5 };
    const { ClassicLevel } = await import('classic-level');
    // Other files share the process, and a test that fails must not leave them a spy.
    onTestFinished(() => void vi.restoreAllMocks());
    const iterators = vi.spyOn(ClassicLevel.prototype, 'iterator');
    const searches = async (): Promise<number> => {
      iterators.mockClear();
      await store.adjacency(asked);
      return iterators.mock.calls.length;
    };
    expect(await searches()).toBe(1);
    expect(await searches()).toBe(0);
    const other = { kind: 'node', node: { type: 'Account', id: 'somebody' }, properties: [] } as const;
    await store.apply(advance(claim, 1, 2), pack([event(2, [other])]));
    expect(await searches()).toBe(0);
    await store.apply(advance(claim, 2, 3), pack([event(3, [watched(dark)])]));
    expect(await searches()).toBe(1);
    expect((await store.adjacency(asked)).occurrences).toHaveLength(2);
  });
});
