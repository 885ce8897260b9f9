import {
  buildClientSchema,
  type GraphQLError,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Log, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphReader, type Property } from '../graph-store/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { ask, createWriter, startTestApi, stepAt, type TestApiOptions } from './api-testing.ts';
import { graphOf, graphOfTypes } from './graph-schema-testing.ts';
import type { ApiServer } from './server.ts';

const clock = { ...systemClock, now: () => Date.UTC(2026, 0, 1) };
const account = graphOf({ Account: { country: 'text', member_since: 'timestamp' } });
const titles = graphOf({ Account: { country: 'text' }, Title: { name: 'text' } });

async function withApi<T>(
  graph: () => GraphSchema,
  use: (server: ApiServer) => Promise<T>,
  options: TestApiOptions = {},
): Promise<T> {
  const server = await startTestApi({ clock, ...options, status: { ...options.status, graphSchema: graph } });
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

async function answer(
  server: ApiServer,
  query: string,
): Promise<{ data?: unknown; errors?: GraphQLError[] }> {
  return JSON.parse((await ask(server, query)).text);
}

async function storeWith(...properties: readonly Property[]): Promise<ReturnType<typeof createMemoryStore>> {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  const node = { kind: 'node', node: { type: 'Account', id: 'a' }, properties } as const;
  await write([{ timeMs: 1, rank: 0, occurrence: 1n, mutations: [node] }]);
  return store;
}

/** The graph of one set, declared as such. */
function graphOfSet(name: string, kind: 'text' | 'integer'): GraphSchema {
  const { nodeTypes, ...rest } = graphOf({ Account: { [name]: kind } });
  return {
    ...rest,
    nodeTypes: nodeTypes.map((type) => ({
      ...type,
      properties: type.properties.map((property) => ({ ...property, many: true })),
    })),
  };
}

describe('A typed node', () => {
  it('answers a set as a list, and its lineage', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    const properties = [['tags', { set: 'add', elements: ['b', 'a'] }]] as const;
    const node = { kind: 'node', node: { type: 'Account', id: 'a' }, properties } as const;
    const lineage = { offset: 5n, origin: { schemaId: -1, subject: 'accounts-value', version: 3 } };
    await write([{ timeMs: 1, rank: 0, occurrence: 1n, mutations: [node], lineage }]);
    const query = '{ account(id: "a") { tags properties lineage { offset schemaId mappingVersion } } }';
    const answered = await withApi(
      () => graphOfSet('tags', 'text'),
      (server) => answer(server, query),
      { reader: store },
    );
    expect(answered).toEqual({
      data: {
        account: {
          tags: ['a', 'b'],
          properties: { tags: ['a', 'b'] },
          lineage: { offset: 5, schemaId: null, mappingVersion: 3 },
        },
      },
    });
  });
  it.each([
    ['a set that was one value', graphOfSet('text', 'text')],
    ['elements of another kind', graphOfSet('set', 'integer')],
    ['one value that was a set', graphOf({ Account: { set: 'text' } })],
  ])('says of %s that it is of another kind', async (_what, graph) => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    const properties = [['set', { set: 'add', elements: ['x'] }], ['text', 'x']] as const; // biome-ignore format: one row
    const node = { kind: 'node', node: { type: 'Account', id: 'a' }, properties } as const;
    await write([{ timeMs: 1, rank: 0, occurrence: 1n, mutations: [node] }]);
    const [field] = graph.nodeTypes[0]?.properties ?? [];
    const answered = await withApi(
      () => graph,
      (server) => answer(server, `{ account(id: "a") { ${field?.name} } }`),
      { reader: store },
    );
    expect(answered).toMatchObject({
      data: { account: { [field?.name ?? '']: null } },
      errors: [{ extensions: { code: 'VALUE_NOT_OF_KIND' } }],
    });
  });

  it('answers each kind as its scalar, and null for what was never said', async () => {
    const reader = await storeWith(
      ['text', 'FR'],
      ['small', 7n],
      ['large', 2n ** 60n],
      ['half', 0.5],
      ['flag', false],
      ['at', Date.UTC(2026, 0, 1) + 0.25],
      ['day', '2026-01-01'],
      ['unset', null],
    );
    const graph = graphOf({
      Account: {
        ...{ text: 'text', small: 'integer', large: 'integer', half: 'number', flag: 'boolean' },
        ...{ at: 'timestamp', day: 'date', unset: 'decimal', never: 'bytes' },
      },
    });
    const query =
      '{ account(id: "a") { id nodeType text small large half flag at day unset never __typename } }';
    expect(
      await withApi(
        () => graph,
        (server) => answer(server, query),
        { reader },
      ),
    ).toEqual({
      data: {
        account: {
          ...{ id: 'a', nodeType: 'Account', text: 'FR', small: 7, large: '1152921504606846976', half: 0.5 },
          ...{ flag: false, at: '2026-01-01T00:00:00.000250Z', day: '2026-01-01', unset: null, never: null },
          __typename: 'Account',
        },
      },
    });
  });

  it('is null when it does not exist', async () => {
    const query = '{ account(id: "nobody") { id journey { edges { cursor } } } }';
    expect(
      await withApi(
        () => account,
        (server) => answer(server, query),
      ),
    ).toEqual({ data: { account: null } });
  });

  it('has the journey that the root field has, for two reads', async () => {
    const reader = createMemoryStore(systemClock);
    const write = await createWriter(reader);
    await write([stepAt(Date.UTC(2025, 11, 30), 2n), stepAt(Date.UTC(2025, 11, 31), 3n, 'games')]);
    const steps =
      '{ edges { cursor node { time domain owner { id } } } pageInfo { endCursor } completeness { since } }';
    const given = 'domains: ["games"], first: 1, order: NEWEST_FIRST, since: "2025-12-01T00:00:00Z"';
    const calls: string[] = [];
    const counted: Partial<GraphReader> = {
      node: (ref) => {
        calls.push('node');
        return reader.node(ref);
      },
      journey: (asked) => {
        calls.push('journey');
        return reader.journey(asked);
      },
    };
    await withApi(
      () => account,
      async (server) => {
        const root = await answer(server, `{ journey(of: {type: "Account", id: "a"}, ${given}) ${steps} }`);
        calls.length = 0;
        const typed = await answer(server, `{ account(id: "a") { journey(${given}) ${steps} } }`);
        expect(typed.data).toEqual({ account: root.data });
        expect(JSON.stringify(typed)).toContain('"domain":"games"');
        expect(calls).toEqual(['node', 'journey']);
      },
      { reader: { ...readerOf(reader), ...counted } },
    );
  });

  it('is a GraphNode to clients that take any', async () => {
    const reader = await storeWith(['country', 'FR'], ['member_since', 0]);
    const query = `{ account(id: "a") { ...Any memberSince } }
      fragment Any on GraphNode { id nodeType properties journey(first: 1) { edges { cursor } } }`;
    expect(
      await withApi(
        () => account,
        (server) => answer(server, query),
        { reader },
      ),
    ).toEqual({
      data: {
        account: {
          ...{ id: 'a', nodeType: 'Account', properties: { country: 'FR', member_since: 0 } },
          ...{ journey: { edges: [] }, memberSince: '1970-01-01T00:00:00.000Z' },
        },
      },
    });
  });

  it.each([
    ['text where a time is declared', 'yesterday'],
    ['a time that no calendar holds', 1e18],
  ])('that holds %s says so in that one field and is not an error of ours', async (_what, value) => {
    const reader = await storeWith(['country', 'FR'], ['member_since', value]);
    const logged: string[] = [];
    const log: Log = { ...silentLog, error: (_fields, message) => logged.push(message) };
    const query = '{ account(id: "a") { country memberSince properties } }';
    const { data, errors } = await withApi(
      () => account,
      (server) => answer(server, query),
      { reader, log },
    );
    expect(data).toEqual({
      account: { country: 'FR', memberSince: null, properties: { country: 'FR', member_since: value } },
    });
    expect(errors).toMatchObject([
      {
        message:
          'Account.member_since is declared as timestamp, and this node holds something else; read it in "properties".',
        path: ['account', 'memberSince'],
        extensions: { code: 'VALUE_NOT_OF_KIND' },
      },
    ]);
    expect(logged).toEqual([]);
  });
});

function readerOf(store: GraphReader): GraphReader {
  return {
    node: (ref) => store.node(ref),
    journey: (query) => store.journey(query),
    adjacency: (query) => store.adjacency(query),
    bulk: store.bulk,
    adjacencies: (queries) => store.adjacencies(queries),
    nodes: (refs) => store.nodes(refs),
    degree: (query) => store.degree(query),
    edge: (query) => store.edge(query),
    sources: () => store.sources(),
    estimate: () => store.estimate(),
  };
}

describe('A graph schema that changes while the API runs', () => {
  it('is in GraphQL with the next request, and stays when it is gone from the mappings', async () => {
    let graph = graphOfTypes([]);
    await withApi(
      () => graph,
      async (server) => {
        const query = '{ title(id: "t") { name } }';
        expect((await answer(server, query)).errors?.[0]?.message).toContain('Cannot query field "title"');
        graph = titles;
        expect(await answer(server, query)).toEqual({ data: { title: null } });
        const shown: { data: IntrospectionQuery } = JSON.parse(
          (await ask(server, getIntrospectionQuery())).text,
        );
        expect(buildClientSchema(shown.data).getType('Title')).toBeDefined();
        graph = account;
        expect(await answer(server, query)).toEqual({ data: { title: null } });
        const root =
          '{ __type(name: "Query") { fields(includeDeprecated: true) { name isDeprecated deprecationReason } } }';
        expect(JSON.stringify(await answer(server, root))).toContain(
          '{"name":"title","isDeprecated":true,"deprecationReason":"No mapping in force declares it now',
        );
      },
    );
  });

  it('presents a property as the kind that it has by now', async () => {
    let graph = graphOf({ Account: { plan: 'text' } });
    const reader = await storeWith(['plan', 'BASIC']);
    await withApi(
      () => graph,
      async (server) => {
        const query = '{ account(id: "a") { plan } }';
        expect(await answer(server, query)).toEqual({ data: { account: { plan: 'BASIC' } } });
        graph = graphOf({ Account: { plan: 'boolean' } });
        expect((await answer(server, query)).errors).toMatchObject([
          { extensions: { code: 'VALUE_NOT_OF_KIND' } },
        ]);
      },
      { reader },
    );
  });

  it('lets a request that is under way finish on the schema it began with', async () => {
    let graph = account;
    const store = await storeWith(['country', 'FR'], ['member_since', 0]);
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const reader: GraphReader = {
      ...readerOf(store),
      node: async (ref) => {
        reached.resolve();
        await go.promise;
        return await store.node(ref);
      },
    };
    await withApi(
      () => graph,
      async (server) => {
        const running = answer(server, '{ account(id: "a") { memberSince } }');
        await reached.promise;
        graph = graphOf({ Account: { member_since: 'text' } });
        expect(await answer(server, '{ __type(name: "Account") { name } }')).toEqual({
          data: { __type: { name: 'Account' } },
        });
        go.resolve();
        expect(await running).toEqual({ data: { account: { memberSince: '1970-01-01T00:00:00.000Z' } } });
      },
      { reader },
    );
  });

  it('loses no request of many that run while it changes again and again', async () => {
    const reader = await storeWith(['country', 'FR']);
    let version = 0;
    let graph = titles;
    const change = (): void => {
      version += 1;
      graph = graphOf({ Account: { country: 'text' }, [`Type${version}`]: { name: 'text' } });
    };
    await withApi(
      () => graph,
      async (server) => {
        const client = async (): Promise<void> => {
          for (let i = 0; i < 20; i += 1) {
            const { data, errors } = await answer(
              server,
              '{ account(id: "a") { country journey { edges { cursor } } } }',
            );
            expect(errors).toBeUndefined();
            expect(data).toEqual({ account: { country: 'FR', journey: { edges: [] } } });
            if (i % 4 === 0) change();
          }
        };
        await Promise.all(Array.from({ length: 32 }, client));
        expect(version).toBe(160);
        expect(await answer(server, `{ type${version}(id: "a") { name } title(id: "t") { name } }`)).toEqual({
          data: { [`type${version}`]: null, title: null },
        });
      },
      { reader },
    );
  });

  it('says what it cannot type, in the graph schema and once in the log', async () => {
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields, message) => warned.push(message) };
    let graph = graphOf({ Status: { a: 'text' }, Title: { properties: 'text', name: 'text' } });
    await withApi(
      () => graph,
      async (server) => {
        const query = '{ graphSchema { warnings { path sentence } } title(id: "t") { name } }';
        expect(await answer(server, query)).toEqual({
          data: {
            graphSchema: {
              warnings: [
                { path: 'Status', sentence: expect.stringContaining('ask for it with `node`') },
                {
                  path: 'Title.properties',
                  sentence: expect.stringContaining('every node has a field `properties`'),
                },
              ],
            },
            title: null,
          },
        });
        graph = { ...graph, nodeTypes: [...graph.nodeTypes, ...titles.nodeTypes.slice(0, 1)] };
        await answer(server, query);
      },
      { log },
    );
    expect(warned.map((message) => message.split(' ')[0])).toEqual(['`Status`', '`Title.properties`']);
  });

  it('that no schema can be made of leaves the last good one in force and raises an alarm, once', async () => {
    const logged: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => logged.push(fields) };
    let graph = titles;
    await withApi(
      () => graph,
      async (server) => {
        const query = '{ title(id: "t") { name } }';
        expect(await answer(server, query)).toEqual({ data: { title: null } });
        graph = JSON.parse(JSON.stringify(titles).replace('"kind":"text"', '"kind":"colour"'));
        expect(await answer(server, query)).toEqual({ data: { title: null } });
        expect(await answer(server, query)).toEqual({ data: { title: null } });
        expect(logged).toMatchObject([{ alarm: 'GRAPHQL_SCHEMA_FAILED' }]);
        graph = graphOf({ Title: { name: 'text', year: 'integer' } });
        expect(await answer(server, '{ title(id: "t") { year } }')).toEqual({ data: { title: null } });
      },
      { log },
    );
  });

  it('that changes all the time is looked at for a bounded share of the time', async () => {
    let nowMs = 0;
    let looks = 0;
    const changing = (): GraphSchema => {
      looks += 1;
      nowMs += 10;
      return graphOf({ [`Type${looks}`]: {} });
    };
    await withApi(
      changing,
      async (server) => {
        const ask100 = async (): Promise<number> => {
          const before = looks;
          for (let i = 0; i < 100; i += 1) {
            await answer(server, '{ __typename }');
            nowMs += 10;
          }
          return looks - before;
        };
        expect(await ask100()).toBeGreaterThan(20);
        expect(await ask100()).toBe(5);
        nowMs -= 1_000_000;
        expect(await ask100()).toBe(5);
      },
      { clock: { ...systemClock, now: () => nowMs } },
    );
  });
});
