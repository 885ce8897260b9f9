import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventMutations } from '../../graph-store/index.ts';
import { checkHops, naiveHops, newestFirst, walkedHops } from './hop-checks-testing.ts';
import type { HopLimits } from './hop-limits.ts';
import type { HopPlan } from './hop-read.ts';
import { NaiveWalks, someEvents, someNode, somePredicate, someWalk } from './naive-walks-testing.ts';
import type { TraversalPlan, TraversalUnique } from './traversal-plan.ts';
import { runTraversal } from './traversal-run.ts';
import { inParts, WalkStores, walkEngines } from './walk-stores-testing.ts';
import { sessionOf, someBudget, storeOf } from './walk-testing.ts';
import { nodeKey } from './walked-edge.ts';

const unlimited = Number.MAX_SAFE_INTEGER;
const someHop = fc
  .record({
    walk: someWalk,
    nodeWhere: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, somePredicate),
    order: fc.constantFrom('latest' as const, 'any' as const),
    withContents: fc.boolean(),
  })
  .map(({ walk: { sinceMs, untilMs, ...walk }, ...rest }) => ({ ...walk, ...rest, sinceMs, untilMs }));
const somePlan = fc.record({
  from: fc.uniqueArray(someNode, { minLength: 1, maxLength: 3, selector: nodeKey }),
  hops: fc.array(someHop, { minLength: 1, maxLength: 3 }),
  unique: fc.constantFrom<TraversalUnique>('traversal', 'hop'),
});
type SomePlan = typeof somePlan extends fc.Arbitrary<infer Plan> ? Plan : never;

function planOf({ from, hops, unique }: SomePlan, edgesMax: readonly number[]): TraversalPlan {
  const planned = hops.map(({ sinceMs, untilMs, ...hop }, index): HopPlan => {
    const limits: HopLimits = {
      edgesMax: edgesMax[index] ?? unlimited,
      edgesFrom: 'DEFAULT',
      sinceMs,
      sinceFrom: 'DEFAULT',
      untilMs,
      lookbackMs: 0,
      cutsSince: false,
    };
    return { depth: index + 1, ...hop, limits };
  });
  return { from, hops: planned, unique };
}

describe.each(walkEngines)('A traversal on $name', (engine) => {
  const stores = new WalkStores(engine);

  it('without limits finds what the list of events says, whatever was deleted, and says that it is complete', async () => {
    // More than there can be: a store that keeps the newest edges of nodes does so for limits that somebody has.
    const enough = fc.constantFrom(unlimited, 100);
    await fc.assert(
      fc.asyncProperty(someEvents, somePlan, enough, async (events, some, edgesMax) => {
        const graph = await stores.graph();
        const plan = planOf({ ...some, from: some.from.map(graph.at) }, [edgesMax, edgesMax, edgesMax]);
        for (const part of inParts(events)) {
          await graph.write(part);
          const session = sessionOf(graph.store);
          const results = await runTraversal(plan, session, unlimited);
          expect(walkedHops(results)).toEqual(naiveHops(new NaiveWalks(graph.events), plan));
          for (const { nodes } of results) {
            const times = nodes.map(({ via }) => via[0]?.occurrence.timeMs ?? -1);
            expect(times).toEqual([...times].sort(newestFirst));
          }
          expect(session.truncations.list()).toEqual([]);
        }
      }),
      { numRuns: stores.runs(400) },
    );
  });

  it('with limits never claims to be complete when it is not, and keeps every limit', async () => {
    const limits = fc.record({
      edgesMax: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
      scanMax: fc.oneof(fc.constant(unlimited), fc.integer({ min: 1, max: 12 })),
      budget: someBudget,
    });
    await fc.assert(
      fc.asyncProperty(someEvents, somePlan, limits, async (events, some, { edgesMax, scanMax, budget }) => {
        const placed = await stores.graph();
        const plan = planOf({ ...some, from: some.from.map(placed.at) }, edgesMax);
        for (const part of inParts(events)) {
          await placed.write(part);
          const session = sessionOf(placed.store, budget);
          const results = await runTraversal(plan, session, scanMax);
          const graph = new NaiveWalks(placed.events);
          if (!session.truncations.any) expect(walkedHops(results)).toEqual(naiveHops(graph, plan));
          expect(session.edgesScanned).toBeLessThanOrEqual(budget.rowsMax ?? unlimited);
          checkHops(graph, plan, results, session.truncations.list());
        }
      }),
      { numRuns: stores.runs(800) },
    );
  });
});

describe('The merge of many busy nodes', () => {
  const accounts = Array.from({ length: 12 }, (_, index) => ({ type: 'Account', id: `a${index}` }));
  const someTimes = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 60, maxLength: 60 }), {
    minLength: accounts.length,
    maxLength: accounts.length,
  });
  const walk = { edge: 'WATCHED', direction: 'out', where: null, sinceMs: 0, untilMs: 200 } as const;
  const busyPlan = (edgesMax: number): TraversalPlan =>
    planOf(
      {
        from: accounts,
        hops: [{ ...walk, nodeWhere: null, order: 'latest', withContents: true }],
        unique: 'hop',
      },
      [edgesMax],
    );

  it('finds the newest edges of all, and looks at few of the others', async () => {
    await fc.assert(
      fc.asyncProperty(someTimes, fc.integer({ min: 1, max: 300 }), async (times, edgesMax) => {
        const all = times.flatMap((list, account) =>
          list.map((time, title) => ({
            timeMs: time + (account % 4) * 20,
            from: `a${account}`,
            to: `t${title}`,
          })),
        );
        const events = all.map(({ timeMs, from, to }, index): EventMutations => {
          const ends = { from: { type: 'Account', id: from }, to: { type: 'Title', id: to } };
          const edge = { kind: 'edge', type: 'WATCHED', ...ends, properties: [] } as const;
          return { timeMs, rank: 0, occurrence: BigInt(index), mutations: [edge] };
        });
        const session = sessionOf(await storeOf(events));
        const results = await runTraversal(busyPlan(edgesMax), session, unlimited);
        const found = results.flatMap(({ nodes }) => nodes.flatMap(({ via }) => via));
        const newest = all.map(({ timeMs }) => timeMs).sort(newestFirst);
        expect(found.map(({ occurrence }) => occurrence.timeMs).sort(newestFirst)).toEqual(
          newest.slice(0, edgesMax),
        );
        expect(session.truncations.list()).toMatchObject([{ hop: 1, kind: 'HOP_EDGES', limit: edgesMax }]);
        expect(session.edgesScanned).toBeLessThan(6 * edgesMax + 12 * accounts.length);
      }),
      { numRuns: 100 },
    );
  });
});
