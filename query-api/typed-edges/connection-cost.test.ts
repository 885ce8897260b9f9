import { describe, expect, it } from 'vitest';
import { queryLimitsDefault } from '../api-context.ts';
import { asked, testContext } from '../cost/cost-testing.ts';
import type { FieldCosts } from '../cost/field-cost.ts';
import { planQuery } from '../cost/query-plan.ts';
import { schemaOfGraph } from '../schema-in-force.ts';
import { type ConnectionArguments, connectionCost } from './connection-arguments.ts';
import { filteredRowsMin } from './store-loader.ts';
import { watchedGraph } from './typed-edges-testing.ts';

const side = { edgeType: 'WATCHED', direction: 'out', own: [], far: [] } as const;

function costs(input: Partial<ConnectionArguments>, rowsOfHop: number | null = 200): FieldCosts {
  const degrees = { rowsOfHop: () => rowsOfHop };
  return connectionCost(side)(
    { order: 'latest', ...input },
    { limits: queryLimitsDefault, degrees, nowMs: 0 },
  );
}

describe('What a connection says it costs', () => {
  it.each([
    ['a page and the one edge behind it, and its far ends', { first: 10 }, 2, 11 + 10],
    ['no more than there are edges at most nodes', { first: 500 }, 2, 200 + 500],
    [
      'with a condition all edges, and the far ends of a page',
      { first: 10, where: { seconds: { gte: 1 } } },
      3,
      200 + 10,
    ],
    [
      'with one on far ends all of those',
      { first: 10, where: { any: [{ not: { node: { year: { eq: 1 } } } }] } },
      4,
      200 + 200,
    ],
  ])('is %s', (_what, input, calls, rows) => {
    const { own, objects } = costs(input);
    expect(own).toEqual({ calls, rows });
    expect(objects).toBe(input.first);
  });

  it('is the bound on rows where nothing is known of the edge type', () => {
    expect(costs({ first: 1, where: { seconds: { gte: 1 } } }, null).own).toEqual({
      calls: 13,
      rows: 10_001,
    });
  });

  it('is that of the default page where none is said, and falls with it', () => {
    expect(costs({})).toMatchObject({
      own: { calls: 2, rows: 51 + 50 },
      objects: 50,
      cheaper: [{ argument: 'first', value: 50, least: 1 }],
    });
  });

  it.each([0, -1, 501, 1e9])('is nothing where the page will be refused: %s', (first) => {
    expect(costs({ first })).toEqual({ own: { calls: 0, rows: 0 }, objects: 0, cheaper: [] });
  });

  it('counts the rows that conditions look at once for a query, and the least of each beside', () => {
    const inner = 'watchedFrom(first: 5, where: {seconds: {gte: 1}}) { edges { time } }';
    const query = `{ account(id: "a") { watched(first: 50) { edges { node { x: ${inner} y: ${inner} } } } } }`;
    const { fields, total } = planQuery(asked(query, {}, schemaOfGraph(watchedGraph)), testContext);
    const { scanRowsMax } = queryLimitsDefault;
    const [least, ends] = [50 * filteredRowsMin, 50 * 5];
    expect(fields.slice(2).map(({ total: { rows } }) => rows)).toEqual(
      Array(2).fill(scanRowsMax + least + ends),
    );
    expect(total.rows).toBe(1 + (51 + 50) + scanRowsMax + 2 * (least + ends));
  });

  it('stands at each field that reads the store', () => {
    const schema = schemaOfGraph(watchedGraph);
    const account = schema.getType('Account');
    const fields = account !== undefined && 'getFields' in account ? account.getFields() : {};
    expect(fields.watched?.extensions.cost).toBeTypeOf('function');
    expect(schema.getQueryType()?.getFields().account?.extensions.cost).toBeTypeOf('function');
  });
});
