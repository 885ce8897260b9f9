import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import type { EventMutations, GraphReader } from '../../graph-store/index.ts';
import { queryLimitsDefault } from '../api-context.ts';
import { startTestApi } from '../api-testing.ts';
import { callerWith, eventAt, policyFrom, storeWith } from '../policy/policy-testing.ts';
import { createTraversalBudget } from './traversal-budget.ts';

const title = { type: 'Title', id: 't' };
const nowMs = 100_000;
const clock = { ...systemClock, now: () => nowMs };
const policy = policyFrom(`
version: 1
scopes:
  all:
    operations: [traverse, journey]
    costBudget: 200
    nodes: { '*': { rows: all, fields: all } }
    edges: { WATCHED: { fields: all } }
    steps: { '*': { fields: all } }
  own:
    operations: [traverse]
    costBudget: 200
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: tenant }], fields: all }
      Title: { rows: all, fields: all }
    edges: { WATCHED: { fields: all } }
`);

/** Of 900 accounts that watched one title, of which every thirtieth is ours, the last one did many things. */
function audience(): readonly EventMutations[] {
  const step = { kind: 'step', owner: { type: 'Account', id: 'a-899' }, domain: 'd', links: [] } as const;
  return Array.from({ length: 900 }, (_, at) => {
    const node = { type: 'Account', id: `a-${at}` };
    return eventAt(1000 + at, at, [
      { kind: 'node', node, properties: [['tenant', at % 30 === 0 ? 'mine' : 'theirs']] },
      { kind: 'edge', type: 'WATCHED', from: node, to: title, properties: [['at', at]] },
      { ...step, action: `did-${at}`, properties: [] },
    ]);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for
async function askAs(scope: string, query: string, rowsOfCalls: number[] = []): Promise<any> {
  const store = await storeWith(audience());
  const reader: GraphReader = new Proxy(store, {
    get: (target, name) => {
      if (name !== 'adjacencies') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      const adjacencies: GraphReader['adjacencies'] = async (queries, signal) => {
        const pages = await store.adjacencies(queries, signal);
        rowsOfCalls.push(pages.reduce((sum, { scanned }) => sum + scanned, 0));
        return pages;
      };
      return adjacencies;
    },
  });
  const caller = callerWith([scope], { tenant: 'mine' });
  const jwt = { verify: async () => ({ kind: 'caller', caller }) as const };
  // Of an edge type that nobody has walked yet so many are planned.
  const limits = { hopEdgesMax: 20 };
  const server = await startTestApi({ reader, clock, limits, access: { jwt, policy } });
  onTestFinished(() => server.close());
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
    body: JSON.stringify({ query }),
  });
  return JSON.parse(await response.text());
}

const completeness = 'completeness { truncatedAt { kind limit } edgesScanned }';
const watchers = (where: string, selected: string): string =>
  `traverse(from: [{type: "Title", id: "t"}], hops: [{edge: "WATCHED", direction: IN${where}}]) { ${selected} ${completeness} }`;

describe('Traversals of a caller who may spend less than the limit of traversals', () => {
  it('stop and say so where the caller has come to the end of it, and nothing is refused', async () => {
    const calls: number[] = [];
    const where = ', where: {property: "at", lt: 10}';
    const answer = await askAs('all', `{ ${watchers(where, 'hops { nodes { id } }')} }`, calls);
    expect(answer.errors).toBeUndefined();
    expect(answer.data.traverse).toMatchObject({
      hops: [{ nodes: [] }],
      completeness: { truncatedAt: [{ kind: 'EDGES', limit: 160 }], edgesScanned: 160 },
    });
    expect(calls.reduce((sum, rows) => sum + rows, 0)).toBe(160);
  });

  it('leave enough to read the nodes of the answer', async () => {
    const where = ', where: {property: "at", lt: 760}';
    const answer = await askAs('all', `{ ${watchers(where, 'hops { nodes { node { properties } } }')} }`);
    expect(answer.errors).toBeUndefined();
    const { hops } = answer.data.traverse;
    expect(hops[0].nodes).toHaveLength(20);
    expect(hops[0].nodes[0].node).toEqual({ properties: { tenant: 'theirs' } });
  });

  it('count what the rest of the request has read', async () => {
    const steps =
      'journey(of: {type: "Account", id: "a-899"}, first: 10, domains: ["none"], since: "1970-01-01T00:00:01.840Z") { completeness { scanned } }';
    const where = ', where: {property: "at", lt: 10}';
    const answer = await askAs('all', `{ ${steps} ${watchers(where, 'hops { depth }')} }`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data.journey.completeness.scanned).toBe(60);
    expect(answer.data.traverse.completeness).toEqual({
      truncatedAt: [{ kind: 'EDGES', limit: 160 }],
      edgesScanned: 100,
    });
  });

  it('leave room for a look at each end where some may be hidden', async () => {
    const answer = await askAs('own', `{ ${watchers('', 'hops { nodes { id } }')} }`);
    expect(answer.errors).toBeUndefined();
    const { hops, completeness: said } = answer.data.traverse;
    expect(said.truncatedAt).toEqual([{ kind: 'EDGES', limit: 160 }]);
    expect(hops[0].nodes.map(({ id }: { id: string }) => id)).toEqual(['a-870', 'a-840']);
  });
});

describe('The budget of traversals', () => {
  const signal = new AbortController().signal;
  const limits = { ...queryLimitsDefault, traversalRowsMax: 1000 };
  const budgetOf = (rows: number, used = 0): { readonly rowsMax: number; readonly rowsLeft: number } =>
    createTraversalBudget(limits, clock, signal, {
      budget: { calls: 10, rows },
      run: { used: { calls: 0, rows: used } },
      grant: null,
    });

  it.each([
    [10_000, 0, 1000, 1000],
    [1250, 0, 1000, 1000],
    [1000, 0, 800, 800],
    [1000, 300, 800, 500],
    [1000, 900, 800, 0],
    [1, 0, 1, 1],
  ])('of %i rows, %i of them used, is %i, with %i left', (rows, used, rowsMax, rowsLeft) => {
    expect(budgetOf(rows, used)).toMatchObject({ rowsMax, rowsLeft });
  });
});
