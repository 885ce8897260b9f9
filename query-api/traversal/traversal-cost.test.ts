import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphStore } from '../../graph-store/index.ts';
import { queryLimitsDefault } from '../api-context.ts';
import type { CostContext, FieldCosts } from '../cost/field-cost.ts';
import { runCycles } from './cycles-run.ts';
import { someDirection, someEvents, someNode } from './naive-walks-testing.ts';
import { runPaths } from './paths-run.ts';
import { runSharedNeighbours } from './shared-neighbours-run.ts';
import { cyclesCost, pathsCost, sharedNeighboursCost, traverseCost } from './traversal-cost.ts';
import { planTraversal } from './traversal-plan.ts';
import { runTraversal } from './traversal-run.ts';
import type { TraversalSession } from './traversal-session.ts';
import { planCycles, planPaths, planSharedNeighbours } from './walk-plan.ts';
import { sessionOf, storeOf } from './walk-testing.ts';

const limits = { ...queryLimitsDefault, lookbackMs: 1e12, scanRowsMax: 150 };
const edgeTypes = (): readonly string[] => ['USED', 'KNOWS'];
const context: CostContext = { limits, degrees: { rowsOfHop: () => null }, nowMs: 1000, edgeTypes };

/** Counts what a walk asks of the store, beside its rows. */
function counting(store: GraphStore): { readonly store: GraphStore; readonly calls: () => number } {
  let calls = 0;
  const counted = new Proxy(store, {
    get: (target, name) => {
      if (name === 'adjacencies' || name === 'nodes') calls += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store: counted, calls: () => calls };
}

async function assertBounded<Input>(
  inputs: fc.Arbitrary<Input>,
  cost: (input: Input, context: CostContext) => FieldCosts,
  run: (input: Input, session: TraversalSession) => Promise<unknown>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(someEvents, inputs, async (events, input) => {
      const { store, calls } = counting(await storeOf(events));
      const session = sessionOf(store, { rowsMax: limits.traversalRowsMax });
      await run(input, session);
      const { own } = cost(input, context);
      expect(session.edgesScanned).toBeLessThanOrEqual(own.rows);
      expect(calls()).toBeLessThanOrEqual(own.calls);
    }),
    { numRuns: 150 },
  );
}

const someOver = fc.record({ edge: fc.constantFrom('USED', 'KNOWS'), direction: someDirection });

describe('What a walk says that it costs', () => {
  it('is never less than what a traversal then costs', async () => {
    const nodeWhere = fc.option(fc.constant({ property: 'n', gte: 1 }));
    const someHop = fc
      .record({ over: someOver, order: fc.constantFrom('latest' as const, 'any' as const), nodeWhere })
      .map(({ over, ...rest }) => ({ ...over, ...rest }));
    const inputs = fc.record({
      from: fc.array(someNode, { minLength: 1, maxLength: 3 }),
      hops: fc.array(someHop, { minLength: 1, maxLength: 3 }),
      unique: fc.constantFrom('traversal' as const, 'hop' as const),
    });
    await assertBounded(inputs, traverseCost, (input, session) =>
      runTraversal(planTraversal(input, limits, context.nowMs), session, limits.scanRowsMax),
    );
  });
  it('is never less than what paths and cycles then cost', async () => {
    const over = someOver.map((one) => [one]);
    const inputs = fc
      .record({ from: someNode, to: someNode, over, maxDepth: fc.integer({ min: 1, max: 5 }) })
      .filter(({ from, to }) => from !== to);
    await assertBounded(inputs, pathsCost, (input, session) =>
      runPaths(planPaths(input, limits, context.nowMs, edgeTypes), session, limits.scanRowsMax),
    );
    // Without `over` every type is walked both ways.
    const overOrAll = fc.option(over);
    await assertBounded(fc.record({ through: someNode, over: overOrAll }), cyclesCost, (input, session) =>
      runCycles(planCycles(input, limits, context.nowMs, edgeTypes), session, limits.scanRowsMax),
    );
  });
  it('is never less than what shared neighbours then cost', async () => {
    const inputs = fc.record({ of: someNode, over: someOver, minShared: fc.constant(1) });
    await assertBounded(inputs, sharedNeighboursCost, (input, session) =>
      runSharedNeighbours(planSharedNeighbours(input, limits, context.nowMs), session, limits.scanRowsMax),
    );
  });
  it('falls with what has been seen of degrees and with the limits that it names, and never beyond the budget', () => {
    const ann = { type: 'Account', id: 'ann' };
    const hop = { edge: 'WATCHED', direction: 'out', order: 'latest' } as const;
    const input = { from: [ann], hops: [hop, { ...hop, limit: 50 }], unique: 'hop' } as const;
    const seen = { limits: queryLimitsDefault, degrees: { rowsOfHop: () => 20 }, nowMs: 0 };
    const costs = traverseCost(input, seen);
    expect(costs.own.rows).toBe(20 + 20 * 20);
    expect(costs.objects).toBe(20 + 50);
    expect(costs.cheaper).toEqual([
      { argument: 'hops.1.limit', value: 50, least: 1 },
      { argument: 'hops.0.limit', value: 300, least: 1 },
    ]);
    const blind = traverseCost(input, { ...seen, degrees: { rowsOfHop: () => null } });
    expect(blind.own.rows).toBe(300 + 300 * 300);
  });
  it.each([null, 200, 10_000])(
    'is within what a caller may spend with all limits at their defaults: hops of %s rows',
    (rows) => {
      const usual: CostContext = { limits: queryLimitsDefault, degrees: { rowsOfHop: () => rows }, nowMs: 0 };
      const ann = { type: 'Account', id: 'ann' };
      const bob = { type: 'Account', id: 'bob' };
      const nodeWhere = { property: 'country', eq: 'BR' };
      const hop = { edge: 'WATCHED', direction: 'out', order: 'latest' } as const;
      const hops = [hop, { ...hop, nodeWhere }, { ...hop, nodeWhere }];
      const over = [
        { edge: 'USED', direction: 'out' },
        { edge: 'KNOWS', direction: 'both' },
      ] as const;
      const { budget } = queryLimitsDefault;
      for (const { own } of [
        traverseCost({ from: [ann], hops, unique: 'traversal' }, usual),
        pathsCost({ from: ann, to: bob, over, maxDepth: 6 }, usual),
        cyclesCost({ through: ann, over, maxDepth: 6 }, usual),
      ]) {
        expect(own.calls).toBeLessThanOrEqual(budget.calls);
        expect(own.rows).toBeLessThanOrEqual(budget.rows);
      }
      // Conditions on nodes of several hops share what one may read, in calls as in rows.
      const bare = traverseCost({ from: [ann], hops: [hop, hop, hop], unique: 'traversal' }, usual);
      const both = traverseCost({ from: [ann], hops, unique: 'traversal' }, usual);
      expect(both.own.calls - bare.own.calls).toBeLessThan(450);
    },
  );
  it('is nothing of what will be refused', () => {
    const refused = { from: [], hops: [], unique: 'hop' } as const;
    expect(traverseCost(refused, context)).toEqual({ own: { calls: 0, rows: 0 }, objects: 0, cheaper: [] });
  });
});
