import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueryLimits, queryLimitsDefault } from '../api-context.ts';
import { openEndMs } from '../open-end.ts';
import type { Predicate } from '../where/predicate.ts';
import type { WhereInput } from '../where/where-input.ts';
import { completenessOf } from './completeness-type.ts';
import { type CheckedPlan, checkHops, naiveHops, walkedHops } from './hop-checks-testing.ts';
import { latestMs, NaiveWalks, someDirection, someEvents, someNode } from './naive-walks-testing.ts';
import {
  type HopInput,
  planTraversal,
  type TraversalUnique,
  type TraverseArguments,
} from './traversal-plan.ts';
import { runTraversal } from './traversal-run.ts';
import { inParts, WalkStores, walkEngines } from './walk-stores-testing.ts';
import { sessionOf, someBudget } from './walk-testing.ts';
import { nodeKey } from './walked-edge.ts';

const edges = ['USED', 'KNOWS'] as const;
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { freq: 2 });
const someCount = fc.integer({ min: 1, max: 6 });
/** From nearly nothing to everything. */
const someLookback = fc.integer({ min: 1, max: 2 * latestMs });
const someWhere = maybe(fc.integer({ min: 0, max: 3 }).map((gte): WhereInput => ({ property: 'n', gte })));
const someHop: fc.Arbitrary<HopInput> = fc.record({
  edge: fc.constantFrom(...edges),
  direction: someDirection,
  since: maybe(fc.integer({ min: 0, max: 12 })),
  until: maybe(fc.integer({ min: 12, max: latestMs })),
  limit: maybe(someCount),
  where: someWhere,
  nodeWhere: someWhere,
  order: fc.constantFrom('latest' as const, 'any' as const),
});
const someQuery: fc.Arbitrary<TraverseArguments> = fc.record({
  from: fc.uniqueArray(someNode, { minLength: 1, maxLength: 3, selector: nodeKey }),
  hops: fc.array(someHop, { minLength: 1, maxLength: 3 }),
  unique: fc.constantFrom<TraversalUnique>('traversal', 'hop'),
});
const someRules = fc.uniqueArray(
  fc.record({
    of: fc.constantFrom<number | string>(1, 2, 3, ...edges),
    edgesMax: maybe(someCount),
    lookbackMs: maybe(someLookback),
  }),
  { maxLength: 4, selector: ({ of }) => of },
);
const someSettings = fc.record({
  hopEdgesMax: fc.oneof(fc.constant(queryLimitsDefault.hopEdgesMax), someCount),
  lookbackMs: fc.oneof(fc.constant(queryLimitsDefault.lookbackMs), someLookback),
  hopRules: someRules,
  scanRowsMax: fc.oneof(fc.constant(queryLimitsDefault.scanRowsMax), fc.integer({ min: 1, max: 12 })),
});
const someNow = fc.integer({ min: latestMs / 2, max: 2 * latestMs });

/**
 * What the query asks for, and what of it the settings allow, as the manual says it: a setting for the depth beats the general one, one for the edge type beats both,
 * and the query only lowers what they allow. Without `since` it asks for what the lookback reaches.
 */
function understood(
  { from, hops, unique }: TraverseArguments,
  { hopEdgesMax, lookbackMs, hopRules }: Pick<QueryLimits, 'hopEdgesMax' | 'lookbackMs' | 'hopRules'>,
  nowMs: number,
): { readonly asked: CheckedPlan; readonly allowed: CheckedPlan; readonly cut: readonly number[] } {
  const both = hops.map((hop, index) => {
    let [most, back] = [hopEdgesMax, lookbackMs];
    for (const of of [index + 1, hop.edge]) {
      const rule = hopRules.find((one) => one.of === of);
      most = rule?.edgesMax ?? most;
      back = rule?.lookbackMs ?? back;
    }
    const untilMs = hop.until ?? openEndMs;
    const oldestMs = Math.max(0, Math.min(untilMs, nowMs) - back);
    const plain = { ...hop, where: predicateOf(hop.where), nodeWhere: predicateOf(hop.nodeWhere) };
    const edgesMax = Math.min(most, hop.limit ?? most);
    return {
      asked: { ...plain, limits: { edgesMax, untilMs, sinceMs: hop.since ?? oldestMs } },
      allowed: { ...plain, limits: { edgesMax, untilMs, sinceMs: Math.max(hop.since ?? 0, oldestMs) } },
      isCut: hop.since != null && hop.since < oldestMs,
    };
  });
  return {
    asked: { from, unique, hops: both.map(({ asked }) => asked) },
    allowed: { from, unique, hops: both.map(({ allowed }) => allowed) },
    cut: both.flatMap(({ isCut }, index) => (isCut ? [index + 1] : [])),
  };
}

function predicateOf(where: WhereInput | null | undefined): Predicate | null {
  if (where?.gte == null) return null;
  return { kind: 'property', name: 'n', comparison: { operator: 'gte', value: where.gte } };
}

describe.each(walkEngines)('A traversal that was planned from a query on $name', (engine) => {
  const stores = new WalkStores(engine);

  it('keeps the limits that the settings say, and is complete only where all that was asked for is there', async () => {
    const outcomes = { complete: 0, truncated: 0 };
    await fc.assert(
      fc.asyncProperty(
        someEvents,
        someQuery,
        someSettings,
        fc.record({ nowMs: someNow, budget: someBudget, withContents: fc.boolean() }),
        async (events, query, settings, { nowMs, budget, withContents }) => {
          const place = await stores.graph();
          const limits = { ...queryLimitsDefault, ...settings };
          const placed = { ...query, from: query.from.map(place.at) };
          const plan = planTraversal(placed, limits, nowMs, withContents);
          const { asked, allowed, cut } = understood(placed, limits, nowMs);
          for (const part of inParts(events)) {
            await place.write(part);
            const session = sessionOf(place.store, budget);
            const results = await runTraversal(plan, session, limits.scanRowsMax);
            const graph = new NaiveWalks(place.events);
            const { complete, truncatedAt } = completenessOf(session, []);
            outcomes[complete ? 'complete' : 'truncated'] += 1;
            if (complete) expect(walkedHops(results)).toEqual(naiveHops(graph, asked));
            const lookbacks = truncatedAt.filter(({ kind }) => kind === 'LOOKBACK');
            expect(lookbacks.map(({ hop }) => hop)).toEqual(cut);
            const others = truncatedAt.filter(({ kind }) => kind !== 'LOOKBACK');
            checkHops(graph, allowed, results, others);
          }
        },
      ),
      { numRuns: stores.runs(400) },
    );
    // Neither is rare, or nothing was shown.
    expect(Math.min(outcomes.complete, outcomes.truncated)).toBeGreaterThan(stores.runs(400) / 10);
  });
});
