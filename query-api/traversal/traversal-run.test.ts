import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventMutations } from '../../graph-store/index.ts';
import type { HopLimits } from './hop-limits.ts';
import type { HopPlan } from './hop-read.ts';
import {
  type NaiveEdge,
  NaiveWalks,
  someEvents,
  someNode,
  somePredicate,
  someWalk,
} from './naive-walks-testing.ts';
import type { TraversalPlan, TraversalUnique } from './traversal-plan.ts';
import { type HopResult, runTraversal } from './traversal-run.ts';
import { sessionOf, someBudget, storeOf } from './walk-testing.ts';
import { nodeKey, type WalkedEdge } from './walked-edge.ts';

const unlimited = Number.MAX_SAFE_INTEGER;
const someHop = fc
  .record({
    walk: someWalk,
    nodeWhere: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, somePredicate),
    order: fc.constantFrom('latest' as const, 'any' as const),
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
    return { depth: index + 1, ...hop, limits, withContents: index % 2 === 0 };
  });
  return { from, hops: planned, unique };
}

function walked({ parent, node, way, occurrence }: WalkedEdge): string {
  return `${nodeKey(parent)} ${way} ${nodeKey(node)} ${occurrence.type} ${occurrence.timeMs}`;
}

function naive({ parent, node, way, edge, timeMs }: NaiveEdge): string {
  return `${nodeKey(parent)} ${way} ${nodeKey(node)} ${edge} ${timeMs}`;
}

function edgesOf(results: readonly HopResult[]): readonly (readonly WalkedEdge[])[] {
  return results.map(({ nodes }) => nodes.flatMap(({ via }) => via));
}

const newestFirst = (a: number, b: number): number => b - a;

describe('A traversal', () => {
  it('without limits finds what the list of events says, whatever was deleted, and says that it is complete', async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, somePlan, async (events, some) => {
        const plan = planOf(some, []);
        const session = sessionOf(await storeOf(events));
        const results = await runTraversal(plan, session, unlimited);
        const expected = new NaiveWalks(events).traverse(plan.from, plan.hops, plan.unique);
        expect(edgesOf(results).map((edges) => edges.map(walked).sort())).toEqual(
          expected.map((edges) => edges.map(naive).sort()),
        );
        for (const { nodes } of results) {
          const times = nodes.map(({ via }) => via[0]?.occurrence.timeMs ?? -1);
          expect(times).toEqual([...times].sort(newestFirst));
        }
        expect(session.truncations.list()).toEqual([]);
      }),
      { numRuns: 400 },
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
        const plan = planOf(some, edgesMax);
        const session = sessionOf(await storeOf(events), budget);
        const results = await runTraversal(plan, session, scanMax);
        const graph = new NaiveWalks(events);
        const hops = edgesOf(results).map((edges) => edges.map(walked).sort());
        const whole = graph
          .traverse(plan.from, plan.hops, plan.unique)
          .map((edges) => edges.map(naive).sort());
        if (!session.truncations.any) expect(hops).toEqual(whole);
        expect(session.edgesScanned).toBeLessThanOrEqual(budget.rowsMax ?? unlimited);
        for (const [index, edges] of hops.entries()) {
          expect(edges.length).toBeLessThanOrEqual(edgesMax[index] ?? unlimited);
        }
        checkHops(graph, plan, results, session.truncations.list());
      }),
      { numRuns: 800 },
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
    planOf({ from: accounts, hops: [{ ...walk, nodeWhere: null, order: 'latest' }], unique: 'hop' }, [
      edgesMax,
    ]);

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

/** Whatever was left out, each hop says the truth about the nodes that it left from. */
function checkHops(
  graph: NaiveWalks,
  plan: TraversalPlan,
  results: readonly HopResult[],
  truncated: readonly { readonly hop: number; readonly kind: string }[],
): void {
  const visited = new Set(plan.from.map(nodeKey));
  let frontier = plan.from;
  for (const { plan: hop, nodes } of results) {
    const whole = graph.hop(frontier, hop, plan.unique === 'traversal' ? visited : new Set());
    const edges = nodes.flatMap(({ via }) => via);
    const real = new Set(whole.map(naive));
    expect(edges.map(walked).filter((edge) => !real.has(edge))).toEqual([]);
    const kinds = truncated.filter((one) => one.hop === hop.depth).map(({ kind }) => kind);
    const over = truncated.some(
      (one) => one.hop < hop.depth && one.kind !== 'HOP_EDGES' && one.kind !== 'SCAN',
    );
    if (kinds.length === 0 && !over) expect(edges).toHaveLength(whole.length);
    if (kinds.includes('HOP_EDGES')) expect(whole.length).toBeGreaterThan(hop.limits.edgesMax);
    if (kinds.join() === 'HOP_EDGES' && hop.order === 'latest') {
      const times = edges.map(({ occurrence }) => occurrence.timeMs).sort(newestFirst);
      const newest = whole.map(({ timeMs }) => timeMs).sort(newestFirst);
      expect(times).toEqual(newest.slice(0, hop.limits.edgesMax));
    }
    frontier = nodes.map(({ node }) => node);
    for (const node of frontier) visited.add(nodeKey(node));
  }
}
