import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { ask, createWriter, startTestApi } from './api-testing.ts';
import { graphOf, largeGraph } from './graph-schema-testing.ts';
import type { ApiServer } from './server.ts';

const graph = largeGraph(500, 20);
let server: ApiServer;
beforeAll(async () => {
  server = await startTestApi({ status: { graphSchema: () => graph } });
});
afterAll(() => server.close());

function repeated(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(' ');
}

const hostile: Readonly<Record<string, readonly [query: string, code: string]>> = {
  'spreads fragments in a ring': [
    '{ nodeType0(id: "a") { ...A } } fragment A on GraphNode { ...B } fragment B on NodeType0 { ...A }',
    'QUERY_TOO_LARGE',
  ],
  'goes on below a journey': [
    `{ nodeType0(id: "a") { journey { edges { node { links { node ${'{ a '.repeat(8)}${'}'.repeat(8)} } } } } } }`,
    'QUERY_TOO_LARGE',
  ],
  'asks for 120 types at once': [
    `{ ${repeated(120, (i) => `nodeType${i}(id: "a") { id }`)} }`,
    'QUERY_TOO_LARGE',
  ],
  'asks for 33 types': [`{ ${repeated(33, (i) => `nodeType${i}(id: "a") { id }`)} }`, 'QUERY_TOO_LARGE'],
  'asks for one type under 16 aliases': [
    `{ ${repeated(16, (i) => `a${i}: nodeType1(id: "a") { id }`)} }`,
    'QUERY_TOO_LARGE',
  ],
  'asks for 99 fields that are none': [
    `{ ${repeated(99, (i) => `nodeTyp${i + 1000}`)} }`,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'asks for 99 types that are none': [
    `{ ${repeated(99, (i) => `... on NodeTipe${i + 100} { id }`)} }`,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'passes an object as id': ['{ nodeType0(id: {a: 1}) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
  'passes NUL in an id': ['{ nodeType0(id: "a\\u0000") { id } }', 'BAD_USER_INPUT'],
  'passes an id of 2,000 bytes': [`{ nodeType0(id: "${'x'.repeat(2000)}") { id } }`, 'BAD_USER_INPUT'],
  'lists all types under each type': [
    '{ __schema { types { interfaces { possibleTypes { name } } } } }',
    'QUERY_TOO_LARGE',
  ],
  'lists all types under each type by a fragment': [
    '{ __schema { types { ...A } } } fragment A on __Type { interfaces { ...B } } fragment B on __Type { possibleTypes { name } }',
    'QUERY_TOO_LARGE',
  ],
  'lists the schema under aliases': [
    `{ ${repeated(15, (i) => `a${i}: __schema { types { fields { name } } }`)} }`,
    'QUERY_TOO_LARGE',
  ],
  'lists types under aliases': [
    `{ __schema { ${repeated(15, (i) => `a${i}: types { fields { name } }`)} } }`,
    'QUERY_TOO_LARGE',
  ],
  'lists the fields of all types under aliases': [
    `{ ${repeated(15, (i) => `a${i}: __type(name: "GraphNode") { possibleTypes { fields { name } } }`)} }`,
    'QUERY_TOO_LARGE',
  ],
};

describe('Against the largest typed schema, a query that', () => {
  it.each(Object.entries(hostile))('%s is refused', async (_name, [query, code]) => {
    const { text } = await ask(server, query);
    expect(text).toContain(`"code":"${code}"`);
    expect(text).not.toContain('INTERNAL_SERVER_ERROR');
    expect(text.length).toBeLessThan(60_000);
  });

  it('is hostile, of every kind at once, leaves the event loop free', async () => {
    await Promise.all(Object.values(hostile).map(([query]) => ask(server, query)));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    for (const [query] of Object.values(hostile)) await ask(server, query);
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(500);
  });

  it('asks for 32 nodes of different types is answered', async () => {
    const { text } = await ask(server, `{ ${repeated(32, (i) => `nodeType${i}(id: "a") { property0 }`)} }`);
    expect(Object.keys(JSON.parse(text).data).length).toBe(32);
  });

  it('introspects as every client does is answered', async () => {
    const { text } = await ask(server, getIntrospectionQuery({ descriptions: false }));
    expect(JSON.parse(text).errors).toBeUndefined();
    expect(text).toContain('"NodeType499"');
  });

  it('introspects some types by name, under aliases, is answered', async () => {
    const query = `{ ${repeated(15, (i) => `a${i}: __type(name: "NodeType${i}") { fields { name } }`)} }`;
    expect(JSON.parse((await ask(server, query)).text).errors).toBeUndefined();
  });
});

describe('The steps of all typed journeys of a query', () => {
  it('are limited together', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    const nodes = ['Account', 'Title'].map((type) => ({ type, id: 'a' }));
    const mutations = nodes.map((node) => ({ kind: 'node', node, properties: [] }) as const);
    await write([{ timeMs: 1, rank: 0, occurrence: 1n, mutations }]);
    const types = graphOf({ Account: {}, Title: {} });
    const status = { graphSchema: () => types };
    const small = await startTestApi({ reader: store, status, limits: { pageMax: 1, pageDefault: 1 } });
    try {
      const journey = '{ journey(first: 1) { edges { cursor } } }';
      const { text } = await ask(small, `{ account(id: "a") ${journey} title(id: "a") ${journey} }`);
      expect(JSON.parse(text)).toMatchObject({
        data: { account: { journey: { edges: [] } }, title: null },
        errors: [{ path: ['title', 'journey'], extensions: { code: 'QUERY_TOO_LARGE', limit: 1 } }],
      });
    } finally {
      await small.close();
    }
  });
});
