import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type GraphStore,
  type Mutation,
} from '../../graph-store/index.ts';
import type { GraphSchema } from '../../schemas/index.ts';
import { ask, createWriter, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { graphOf } from '../graph-schema-testing.ts';
import type { ApiServer } from '../server.ts';
import { edgeType, graphWith } from '../typed-edges/typed-edges-testing.ts';

const startMs = Date.UTC(2026, 0, 1);
const clock = { ...systemClock, now: () => startMs + 86_400_000 };
const account = (id: string): { readonly type: string; readonly id: string } => ({ type: 'Account', id });
const title = (id: string): { readonly type: string; readonly id: string } => ({ type: 'Title', id });

function eventsOf(mutations: readonly Mutation[]): readonly EventMutations[] {
  return mutations.map((mutation, index) => {
    return { timeMs: startMs + index * 1000, rank: 0, occurrence: BigInt(index), mutations: [mutation] };
  });
}

function watched(of: string, id: string, seconds: number): Mutation {
  return {
    kind: 'edge',
    type: 'WATCHED',
    from: account(of),
    to: title(id),
    properties: [['seconds', seconds]],
  };
}

const evening: readonly Mutation[] = [
  { kind: 'node', node: title('dark'), properties: [['name', 'Dark']] },
  { kind: 'node', node: account('bob'), properties: [['country', 'DE']] },
  watched('ann', 'dark', 600),
  watched('ann', 'lost', 5),
  watched('bob', 'dark', 60),
  watched('cem', 'dark', 61),
  watched('bob', 'lupin', 62),
  { kind: 'edge', type: 'USED', from: account('ann'), to: { type: 'device', id: 'tv' }, properties: [] },
];

let server: ApiServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function storeOf(mutations: readonly Mutation[]): Promise<GraphStore> {
  const store = createMemoryStore(clock);
  await (await createWriter(store))(eventsOf(mutations));
  return store;
}

/** The store with some of its methods replaced. */
function readerWith(store: GraphStore, methods: Partial<GraphReader>): GraphReader {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function answer(query: string, options: TestApiOptions = {}): Promise<unknown> {
  const graph = graphOf({ Account: { country: 'text' }, Title: { name: 'text' } });
  const topics = [
    { topic: 'plays', state: 'running', reason: null, freshnessMs: 7, partitions: [] },
  ] as const;
  server = await startTestApi({
    clock,
    reader: await storeOf(evening),
    status: { graphSchema: () => graph, topics: () => topics },
    ...options,
  });
  return JSON.parse((await ask(server, query)).text);
}

const fromAnn = 'from: [{type: "Account", id: "ann"}]';

describe('traverse', () => {
  it('gives the nodes of each hop with the edges that led to them, and properties by their type', async () => {
    const query = `{ traverse(${fromAnn}, hops: [
        {edge: "WATCHED", where: {property: "seconds", gte: 60}},
        {edge: "WATCHED", direction: IN, nodeWhere: {property: "country", eq: "DE"}}]) {
      hops { depth nodes { type id time via { edge direction from { type id } to { id } key time properties }
        node { __typename nodeType ... on Title { name } ... on Account { country } } } }
      completeness { complete truncatedAt { kind } limit edgesScanned
        limitsInForce { hop edge edges edgesFrom since sinceFrom } }
      freshness { topic freshnessMs } } }`;
    const inForce = {
      edge: 'WATCHED',
      edges: 300,
      edgesFrom: 'DEFAULT',
      since: '2025-09-24T00:00:00.000Z',
      sinceFrom: 'DEFAULT',
    };
    const dark = {
      edge: 'WATCHED',
      direction: 'OUT',
      from: account('ann'),
      to: { id: 'dark' },
      key: null,
      time: '2026-01-01T00:00:02.000Z',
      properties: { seconds: 600 },
    };
    const bob = {
      edge: 'WATCHED',
      direction: 'IN',
      from: title('dark'),
      to: { id: 'bob' },
      key: null,
      time: '2026-01-01T00:00:04.000Z',
      properties: { seconds: 60 },
    };
    expect(await answer(query)).toEqual({
      data: {
        traverse: {
          hops: [
            {
              depth: 1,
              nodes: [
                {
                  ...title('dark'),
                  time: dark.time,
                  via: [dark],
                  node: { __typename: 'Title', nodeType: 'Title', name: 'Dark' },
                },
              ],
            },
            {
              depth: 2,
              nodes: [
                {
                  ...account('bob'),
                  time: bob.time,
                  via: [bob],
                  node: { __typename: 'Account', nodeType: 'Account', country: 'DE' },
                },
              ],
            },
          ],
          completeness: {
            complete: true,
            truncatedAt: [],
            limit: null,
            edgesScanned: 5,
            limitsInForce: [
              { hop: 1, ...inForce },
              { hop: 2, ...inForce },
            ],
          },
          freshness: [{ topic: 'plays', freshnessMs: 7 }],
        },
      },
    });
  });

  it('gives a node whose type has none in GraphQL as such', async () => {
    const query = `{ traverse(${fromAnn}, hops: [{edge: "USED"}]) { hops { nodes { type node { __typename id nodeType } } } } }`;
    const node = { __typename: 'OtherNode', id: 'tv', nodeType: 'device' };
    expect(await answer(query)).toEqual({
      data: { traverse: { hops: [{ nodes: [{ type: 'device', node }] }] } },
    });
  });

  it('says which limit was in force, where it came from and that it left something out', async () => {
    const query = `{ traverse(${fromAnn}, hops: [{edge: "WATCHED", limit: 500, since: "2025-01-01T00:00:00Z"}]) {
      hops { nodes { id } } completeness { complete limit truncatedAt { hop kind limit edge node { id } nodes }
        limitsInForce { edges edgesFrom since sinceFrom } } } }`;
    const limits = {
      hopRules: [{ of: 'WATCHED', edgesMax: 1, lookbackMs: null }],
      lookbackMs: 2 * 86_400_000,
    };
    expect(await answer(query, { limits })).toEqual({
      data: {
        traverse: {
          hops: [{ nodes: [{ id: 'lost' }] }],
          completeness: {
            complete: false,
            limit: 2 * 86_400_000,
            truncatedAt: [
              { hop: 1, kind: 'LOOKBACK', limit: 2 * 86_400_000, edge: 'WATCHED', node: null, nodes: 0 },
              { hop: 1, kind: 'HOP_EDGES', limit: 1, edge: 'WATCHED', node: null, nodes: 0 },
            ],
            limitsInForce: [
              { edges: 1, edgesFrom: 'EDGE_TYPE', since: '2025-12-31T00:00:00.000Z', sinceFrom: 'SETTINGS' },
            ],
          },
        },
      },
    });
  });

  it('answers with what it has when the time is about to end, and says so', async () => {
    let now = clock.now();
    const store = await storeOf(evening);
    const reader = readerWith(store, {
      adjacencies: (queries) => {
        now += 4500;
        return store.adjacencies(queries);
      },
    });
    const query = `{ traverse(${fromAnn}, hops: [{edge: "WATCHED"}, {edge: "WATCHED", direction: IN}]) {
      hops { nodes { id } } completeness { complete truncatedAt { hop kind limit } } } }`;
    expect(await answer(query, { reader, clock: { ...clock, now: () => now } })).toEqual({
      data: {
        traverse: {
          hops: [{ nodes: [{ id: 'lost' }, { id: 'dark' }] }, { nodes: [] }],
          completeness: { complete: false, truncatedAt: [{ hop: 2, kind: 'DEADLINE', limit: 4000 }] },
        },
      },
    });
  });

  it('gives null for a node that was deleted since it was reached', async () => {
    const store = await storeOf(evening);
    const reader = readerWith(store, { nodes: async (refs) => refs.map(() => null) });
    const query = `{ traverse(${fromAnn}, hops: [{edge: "USED"}]) { hops { nodes { id node { id } } } } }`;
    expect(await answer(query, { reader })).toEqual({
      data: { traverse: { hops: [{ nodes: [{ id: 'tv', node: null }] }] } },
    });
  });

  it('shares one budget of rows with the other traversals of a query', async () => {
    const one = `traverse(${fromAnn}, hops: [{edge: "WATCHED"}]) { completeness { truncatedAt { kind limit } } }`;
    expect(await answer(`{ a: ${one} b: ${one} }`, { limits: { traversalRowsMax: 3 } })).toEqual({
      data: {
        a: { completeness: { truncatedAt: [] } },
        b: { completeness: { truncatedAt: [{ kind: 'EDGES', limit: 3 }] } },
      },
    });
  });
});

describe('paths, cycles and sharedNeighbours', () => {
  it('give ways and counts with their completeness', async () => {
    const query = `{
      paths(from: {type: "Account", id: "ann"}, to: {type: "Title", id: "lupin"}, over: [{edge: "WATCHED", direction: BOTH}]) {
        paths { length edges { from { id } direction to { id } } } completeness { complete limitsInForce { hop edge edges } } }
      cycles(through: {type: "Account", id: "ann"}, over: [{edge: "WATCHED", direction: BOTH}]) {
        cycles { length } completeness { complete } }
      sharedNeighbours(of: {type: "Account", id: "ann"}, over: {edge: "WATCHED"}, degreeMax: 3) {
        nodes { id shared through { id } time node { ... on Account { country } } } completeness { complete } }
    }`;
    expect(await answer(query)).toEqual({
      data: {
        paths: {
          paths: [
            {
              length: 3,
              edges: [
                { from: { id: 'ann' }, direction: 'OUT', to: { id: 'dark' } },
                { from: { id: 'dark' }, direction: 'IN', to: { id: 'bob' } },
                { from: { id: 'bob' }, direction: 'OUT', to: { id: 'lupin' } },
              ],
            },
          ],
          completeness: { complete: true, limitsInForce: [{ hop: null, edge: 'WATCHED', edges: 300 }] },
        },
        cycles: { cycles: [], completeness: { complete: true } },
        sharedNeighbours: {
          nodes: [
            {
              id: 'cem',
              shared: 1,
              through: [{ id: 'dark' }],
              time: '2026-01-01T00:00:05.000Z',
              node: { country: null },
            },
            {
              id: 'bob',
              shared: 1,
              through: [{ id: 'dark' }],
              time: '2026-01-01T00:00:04.000Z',
              node: { country: 'DE' },
            },
          ],
          completeness: { complete: true },
        },
      },
    });
  });
});

describe('paths and cycles without `over`', () => {
  const graphOver = (...names: readonly string[]): GraphSchema =>
    graphWith(
      { Account: { country: 'text' }, Title: { name: 'text' } },
      ...names.map((name) => edgeType(name, [['Account', 'Title']])),
    );
  const query = `{
    paths(from: {type: "Account", id: "ann"}, to: {type: "Title", id: "lupin"}) {
      paths { edges { edge direction to { id } } } completeness { complete limitsInForce { edge } } }
    cycles(through: {type: "Account", id: "ann"}) { cycles { edges { edge to { id } } } completeness { complete } } }`;

  it('take every edge type in force, in both directions', async () => {
    const store = await storeOf([
      ...evening,
      { kind: 'edge', type: 'LIKED', from: account('ann'), to: title('dark'), properties: [] },
    ]);
    const status = { graphSchema: () => graphOver('WATCHED', 'LIKED') };
    expect(await answer(query, { reader: store, status })).toEqual({
      data: {
        paths: {
          paths: ['WATCHED', 'LIKED'].map((edge) => ({
            edges: [
              { edge, direction: 'OUT', to: { id: 'dark' } },
              { edge: 'WATCHED', direction: 'IN', to: { id: 'bob' } },
              { edge: 'WATCHED', direction: 'OUT', to: { id: 'lupin' } },
            ],
          })),
          completeness: { complete: true, limitsInForce: [{ edge: 'WATCHED' }, { edge: 'LIKED' }] },
        },
        cycles: {
          cycles: [
            {
              edges: [
                { edge: 'WATCHED', to: { id: 'dark' } },
                { edge: 'LIKED', to: { id: 'ann' } },
              ],
            },
          ],
          completeness: { complete: true },
        },
      },
    });
  });

  it.each([0, 9])('say that edge types have to be named where %i are in force', async (count) => {
    const names = Array.from({ length: count }, (_, at) => `EDGE_${at}`);
    const message = `Argument "over" takes 1 to 8 edge types, each once: name them, since ${count} edge types are in force.`;
    const status = { graphSchema: () => graphOver(...names) };
    for (const asked of [query, '{ cycles(through: {type: "Account", id: "ann"}) { cycles { length } } }']) {
      expect(await answer(asked, { status })).toMatchObject({
        errors: [{ message, extensions: { code: 'BAD_USER_INPUT', argument: 'over' } }],
      });
      await server?.close();
    }
  });
});

describe('A walk is refused before the store is asked', () => {
  const hop = '{edge: "WATCHED"}';
  const ann = '{type: "Account", id: "ann"}';
  const over = 'over: [{edge: "WATCHED"}]';
  const many = (text: string, count: number): string =>
    `[${Array.from({ length: count }, () => text).join(' ')}]`;
  const traverse = (from: string, hops: string): string =>
    `{ traverse(from: ${from}, hops: ${hops}) { hops { depth } } }`;
  it.each([
    ['from', traverse('[]', `[${hop}]`)],
    ['from', traverse(many(ann, 101), `[${hop}]`)],
    ['from.0.id', traverse('[{type: "Account", id: ""}]', `[${hop}]`)],
    ['from.0.type', traverse('[{type: "__x", id: "ann"}]', `[${hop}]`)],
    ['hops', traverse(`[${ann}]`, '[]')],
    ['hops', traverse(`[${ann}]`, many(hop, 7))],
    ['hops.1.edge', traverse(`[${ann}]`, `[${hop} {edge: "a b"}]`)],
    ['hops.0.limit', traverse(`[${ann}]`, '[{edge: "WATCHED", limit: 0}]')],
    [
      'hops.0.since',
      traverse(
        `[${ann}]`,
        '[{edge: "WATCHED", since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z"}]',
      ),
    ],
    ['hops.0.until', traverse(`[${ann}]`, '[{edge: "WATCHED", until: "1960-01-01T00:00:00Z"}]')],
    [
      'hops.0.where',
      traverse(`[${ann}]`, `[{edge: "WATCHED", where: {any: ${many('{property: "a", eq: 1}', 64)}}}]`),
    ],
    [
      'hops.0.where',
      traverse(`[${ann}]`, `[{edge: "WATCHED", where: {property: "a", in: ${many('1', 501)}, has: 1}}]`),
    ],
    ['hops.0.nodeWhere', traverse(`[${ann}]`, '[{edge: "WATCHED", nodeWhere: {eq: 1}}]')],
    ['to', `{ paths(from: ${ann}, to: ${ann}, ${over}) { paths { length } } }`],
    [
      'over',
      `{ paths(from: ${ann}, to: {type: "Title", id: "x"}, over: [${hop} ${hop}]) { paths { length } } }`,
    ],
    ['over', `{ cycles(through: ${ann}, over: []) { cycles { length } } }`],
    ['maxDepth', `{ cycles(through: ${ann}, ${over}, maxDepth: 7) { cycles { length } } }`],
    ['first', `{ cycles(through: ${ann}, ${over}, first: 99999999) { cycles { length } } }`],
    ['minShared', `{ sharedNeighbours(of: ${ann}, over: ${hop}, minShared: 0) { nodes { id } } }`],
    ['degreeMax', `{ sharedNeighbours(of: ${ann}, over: ${hop}, degreeMax: -1) { nodes { id } } }`],
  ])('for %s (row %#)', async (argument, query) => {
    let calls = 0;
    const store = createMemoryStore(clock);
    const reader: GraphReader = new Proxy(store, {
      get: (target, name) => {
        // Metrics look once whether it has nodes to tell of.
        if (name !== 'cluster') calls += 1;
        return Reflect.get(target, name);
      },
    });
    expect(await answer(query, { reader })).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', argument } }],
    });
    expect(calls).toBe(0);
  });
});
