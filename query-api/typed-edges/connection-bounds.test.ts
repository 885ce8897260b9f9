import { describe, expect, it, onTestFinished } from 'vitest';
import type { Property } from '../../graph-store/index.ts';
import { expectWithinPlan, toldCost } from '../cost/told-cost-testing.ts';
import { bytesOfQueryMax, edgesOfQueryMax } from './store-loader.ts';
import { nodeAt, startTestGraph, type TestGraph, watchedAt } from './typed-edges-testing.ts';

async function start(...parameters: Parameters<typeof startTestGraph>): Promise<TestGraph> {
  const graph = await startTestGraph(...parameters);
  onTestFinished(() => graph.server.close());
  return graph;
}

interface Edges<Edge> {
  readonly edges: readonly Edge[];
}

interface Watchers {
  readonly account: {
    readonly watched: Edges<{ readonly node: { readonly watchedFrom: Edges<unknown> } }>;
  };
}

/** Every account has watched every title, and `a` them all; lately, and each account one after the other. */
async function crowd(accounts: number, titles: number): Promise<TestGraph> {
  const graph = await start();
  const ids = Array.from({ length: titles }, (_, i) => `t${i}`);
  const names = ['a', ...Array.from({ length: accounts - 1 }, (_, i) => `b${i}`)];
  await graph.write(
    ...names.map((name, i) => watchedAt(1000 + i, name, ids, [['seconds', BigInt(i)]])),
    ...names.map((name) => nodeAt('Account', name, [['country', 'FR']])),
  );
  return graph;
}

describe('What is planned of connections is what runs', () => {
  it('of a default page in a default page', async () => {
    const graph = await crowd(51, 51);
    const { data, cost } = await toldCost<Watchers>(
      graph.server,
      '{ account(id: "a") { watched { edges { node { watchedFrom { edges { node { country } } } } } } } }',
    );
    const found = data.account.watched.edges.flatMap(({ node }) => node.watchedFrom.edges);
    expect(found).toHaveLength(2500);
    // Handed on in parts, a level is one call all the same.
    expect(graph.calls).toEqual(['node', 'adjacencies 1', 'adjacencies 50', 'nodes 50']);
    expectWithinPlan(cost);
  });

  it('of a condition below a default page: the rows that all conditions look at are counted once', async () => {
    const graph = await crowd(120, 51);
    for (const where of ['{seconds: {lt: 5}}', '{node: {country: {eq: "FR"}}}']) {
      const { cost } = await toldCost(
        graph.server,
        `{ account(id: "a") { watched { edges { node { watchedFrom(first: 5, where: ${where}) { edges { time } } } } } } }`,
      );
      expect(cost.rows).toBeLessThan(25_000);
      expectWithinPlan(cost);
    }
  });

  it('of an edge of each of 500 entities', async () => {
    const graph = await start(undefined, { federation: true });
    const ids = Array.from({ length: 500 }, (_, i) => `x${i}`);
    await graph.write(...ids.map((id) => watchedAt(1000, id, ['t'])));
    const { cost } = await toldCost(
      graph.server,
      `query ($of: [_Any!]!) { _entities(representations: $of) {
         ... on Account { watched(first: 1) { edges { node { name } } } } } }`,
      { of: ids.map((id) => ({ __typename: 'Account', id })) },
    );
    expect(cost.calls).toBeLessThan(10);
    expectWithinPlan(cost);
  });
});

describe('Connections of one query', () => {
  it('are refused where they find more edges than one query may, however many they asked for', async () => {
    const few = await crowd(2, 50);
    const query =
      '{ account(id: "a") { watched { edges { node { watchedFrom(first: 500) { edges { time } } } } } } }';
    expect((await few.ask(query)).errors).toBeUndefined();
    const many = await crowd(edgesOfQueryMax / 50, 51);
    const { errors } = await many.ask(query);
    expect(errors[0].extensions).toMatchObject({ code: 'QUERY_TOO_LARGE', limit: edgesOfQueryMax });
  });

  it('hold so many bytes: a page ends behind the edge that is too much, the next one goes on, and what is below is not read', async () => {
    const graph = await start();
    // A quarter of the bound, and a little.
    const long = Array.from({ length: 18 }, (_, i): Property => [`p${i}`, 'x'.repeat(60_000)]);
    for (let i = 0; i < 6; i += 1) await graph.write(watchedAt(1000 + i, 'a', [`t${i}`], long));
    const query = `query ($after: String) { account(id: "a") { watched(after: $after) {
      edges { nodeRef { id } node { watchedFrom { edges { time } completeness { truncatedBy limit } } } }
      pageInfo { hasNextPage endCursor } completeness { complete truncatedBy limit } } } }`;
    const { data } = await graph.ask(query);
    const { edges, pageInfo, completeness } = data.account.watched;
    expect(edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id)).toEqual([
      't0',
      't1',
      't2',
      't3',
    ]);
    const cut = { truncatedBy: 'BYTES', limit: bytesOfQueryMax };
    expect(completeness).toEqual({ complete: false, ...cut });
    expect(pageInfo.hasNextPage).toBe(true);
    for (const { node } of edges) expect(node.watchedFrom).toEqual({ edges: [], completeness: cut });
    expect(graph.calls).toEqual(['node', 'adjacencies 1']);
    const next = (await graph.ask(query, { after: pageInfo.endCursor })).data.account.watched;
    expect(next.edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id)).toEqual(['t4', 't5']);
    expect(next.completeness).toEqual({ complete: true, truncatedBy: null, limit: null });
  });
});

describe('A connection of which the query says nothing', () => {
  const secondMs = 1000;
  const query = (args: string): string =>
    `{ account(id: "a") { watched${args} { edges { time } completeness { since truncatedBy limit } } } }`;

  it('keeps to what is in force for its edge type as a first hop: lookback and, below the default page, edges', async () => {
    const hopRules = [
      { of: 1, edgesMax: 4, lookbackMs: 20 * secondMs },
      { of: 'WATCHED', edgesMax: 2, lookbackMs: null },
      { of: 2, edgesMax: 1, lookbackMs: secondMs },
    ];
    const graph = await start(undefined, { limits: { hopRules } });
    for (const ago of [1, 2, 3, 30]) await graph.write(watchedAt(ago * secondMs, 'a', [`t${ago}`]));
    const page = async (args: string) => (await graph.ask(query(args))).data.account.watched;
    expect(await page('')).toMatchObject({
      edges: [{}, {}],
      completeness: { since: '2025-12-31T23:59:40.000Z', truncatedBy: 'PAGE', limit: 2 },
    });
    // The query is the most specific of all: it may ask for more, and for older ones.
    expect((await page('(first: 3)')).edges).toHaveLength(3);
    expect((await page('(first: 4)')).completeness).toMatchObject({ truncatedBy: null });
    expect((await page('(first: 4)')).edges).toHaveLength(3);
    expect(await page('(first: 4, since: "2025-01-01T00:00:00Z")')).toMatchObject({
      edges: [{}, {}, {}, {}],
      completeness: { since: '2025-01-01T00:00:00.000Z', truncatedBy: null },
    });
    const { data, cost } = await toldCost<{ readonly account: unknown }>(graph.server, query(''));
    expect(data.account).not.toBeNull();
    // The node, a page of two with the one behind it, and its far ends.
    expect(cost).toMatchObject({ rows: 1 + 3 + 2 });
    expectWithinPlan(cost);
  });

  it('may look further back than the general lookback where its edge type may, and never has a larger page', async () => {
    const dayMs = 86_400_000;
    const hopRules = [{ of: 'WATCHED', edgesMax: 300, lookbackMs: 365 * dayMs }];
    const graph = await start(undefined, { limits: { hopRules, pageDefault: 2 } });
    for (const days of [1, 200, 300]) await graph.write(watchedAt(days * dayMs, 'a', [`t${days}`]));
    const { data } = await graph.ask(query(''));
    expect(data.account.watched).toMatchObject({
      edges: [{}, {}],
      completeness: { since: '2025-01-01T00:00:00.000Z', truncatedBy: 'PAGE', limit: 2 },
    });
  });
});
