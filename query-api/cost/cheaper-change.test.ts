import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cheapestChange, fits } from './cheaper-change.ts';
import { asked, testContext } from './cost-testing.ts';
import type { Cost } from './field-cost.ts';
import { type PlanChange, planQuery } from './query-plan.ts';

function changeFor(query: string, budget: Cost): ReturnType<typeof cheapestChange> {
  const operation = asked(query);
  return cheapestChange(operation, testContext, planQuery(operation, testContext), budget);
}

describe('The cheapest change that would pass', () => {
  it('lowers one argument as little as is enough', () => {
    const found = changeFor('{ person { friends(first: 500) { id } } }', { calls: 10, rows: 21 });
    expect(found).toEqual({
      change: { kind: 'argument', path: 'person.friends', argument: 'first', from: 500, to: 20 },
      cost: { calls: 2, rows: 21 },
    });
  });

  it('takes the argument that loses least of what it was', () => {
    const found = changeFor('{ person { a: friends(first: 100) { id } b: friends(first: 400) { id } } }', {
      calls: 10,
      rows: 451,
    });
    expect(found?.change).toEqual({
      kind: 'argument',
      path: 'person.b',
      argument: 'first',
      from: 400,
      to: 350,
    });
  });

  it('reaches an argument within another', () => {
    const found = changeFor('{ traverse(hops: [{limit: 10}, {limit: 300}]) }', { calls: 5, rows: 1000 });
    expect(found?.change).toEqual({
      kind: 'argument',
      path: 'traverse',
      argument: 'hops.1.limit',
      from: 300,
      to: 100,
    });
  });

  it('leaves one field out, after which most is left, where no argument is enough', () => {
    const found = changeFor('{ a: person { posts { author { posts { id } } } } b: person { id } }', {
      calls: 12,
      rows: 16,
    });
    expect(found?.change).toEqual({ kind: 'without', path: 'a.posts.author.posts' });
  });

  it('is none where nothing passes', () => {
    expect(changeFor('{ person { id } }', { calls: 0, rows: 0 })).toBeNull();
    expect(changeFor('{ a: person { id } b: person { id } }', { calls: 0, rows: 10 })).toBeNull();
  });

  it('always passes when it is planned', () => {
    const size = fc.integer({ min: 1, max: 60 });
    const property = fc.property(size, size, size, fc.integer({ min: 1, max: 2000 }), (a, b, c, rows) => {
      const operation = asked(
        `{ person { friends(first: ${a}) { friends(first: ${b}) { id } } more: friends(first: ${c}) { id } } }`,
      );
      const plan = planQuery(operation, testContext);
      const budget = { calls: 40, rows };
      fc.pre(!fits(plan.total, budget));
      const found = cheapestChange(operation, testContext, plan, budget);
      if (found === null) {
        const { fields } = plan;
        const least = fields.flatMap(({ path, costs }): PlanChange[] => [
          ...costs.cheaper.map(
            ({ argument, value: from }) => ({ kind: 'argument', path, argument, from, to: 1 }) as const,
          ),
          ...(path === 'person' ? [] : [{ kind: 'without', path } as const]),
        ]);
        return least.every((change) => !fits(planQuery(operation, testContext, change).total, budget));
      }
      const changed = planQuery(operation, testContext, found.change);
      expect(changed.total).toEqual(found.cost);
      return fits(changed.total, budget);
    });
    fc.assert(property, { numRuns: 200, seed: 20261121 });
  });
});
