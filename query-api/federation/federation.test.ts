import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, isObjectType, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphReader } from '../../graph-store/index.ts';
import { type Answer, ask, createWriter, startTestApi } from '../api-testing.ts';
import { graphOf } from '../graph-schema-testing.ts';
import type { ApiServer } from '../server.ts';
import { emptyPlan } from '../typed-plan.ts';
import { representationsMax } from './entities-field.ts';
import { createSubgraphSchema } from './subgraph-schema.ts';

const graph = graphOf({
  Account: { country: 'text', plan: 'text' },
  live_show: { start_time: 'timestamp' },
});

/** A subgraph of another team: it knows reviews, of accounts it knows the id alone. */
const reviews = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  type Query { newestReviews: [Review!]! }
  type Review @key(fields: "id") { id: ID! text: String! by: Account! }
  type Account @key(fields: "id") { id: ID! reviews: [Review!]! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
`;
const written = [
  { id: 'r-1', text: 'Loud', by: { __typename: 'Account', id: 'a-2' } },
  { id: 'r-2', text: 'Long', by: { __typename: 'Account', id: 'a-1' } },
  { id: 'r-3', text: 'Gone', by: { __typename: 'Account', id: 'a-99' } },
];
const reviewsSchema = buildSubgraphSchema([
  {
    typeDefs: parse(reviews),
    resolvers: {
      Query: { newestReviews: () => written },
      Account: { reviews: ({ id }: { id: string }) => written.filter(({ by }) => by.id === id) },
    },
  },
]);

let server: ApiServer;
const calls: string[] = [];

beforeAll(async () => {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  const nodes = ['FR', 'DE'].map((country, at) => ({
    kind: 'node' as const,
    node: { type: 'Account', id: `a-${at + 1}` },
    properties: [['country', country]] as const,
  }));
  await write([{ timeMs: 5, rank: 0, occurrence: 1n, mutations: nodes }]);
  const reader: GraphReader = new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      calls.push(String(name));
      return method.bind(target);
    },
  });
  server = await startTestApi({ reader, status: { graphSchema: () => graph }, federation: true });
});

afterAll(async () => {
  await server.close();
});

const entitiesQuery = `query ($of: [_Any!]!) { _entities(representations: $of) { __typename
  ... on Account { id country journey { completeness { complete } } } ... on LiveShow { id } } }`;

async function entities(of: readonly unknown[], query = entitiesQuery): Promise<Answer> {
  return await ask(server, query, { of });
}

async function ourSdl(): Promise<string> {
  return JSON.parse((await ask(server, '{ _service { sdl } }')).text).data._service.sdl;
}

describe('As a subgraph', () => {
  it('composes with the subgraph of another team, which adds to our node types', async () => {
    const sdl = await ourSdl();
    expect(sdl).toContain('type Account implements GraphNode @key(fields: "id") {');
    expect(sdl).toContain('type LiveShow implements GraphNode @key(fields: "id") {');
    expect(sdl).not.toMatch(/_entities|_service|_Any/);
    // A router has every node that another subgraph refers to; what we do not know of it must cost it no other field.
    const account = /type Account [^}]*/.exec(sdl)?.[0] ?? '';
    expect(account.match(/: .*!$/gm)).toEqual([': ID!']);
    const composed = composeServices([
      { name: 'journeys', url: server.url, typeDefs: parse(sdl) },
      { name: 'reviews', url: 'http://reviews', typeDefs: parse(reviews) },
    ]);
    expect(composed.errors ?? []).toEqual([]);
    const type = composed.schema?.toAPISchema().toGraphQLJSSchema().getType('Account');
    const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];
    expect(fields).toEqual(expect.arrayContaining(['id', 'country', 'plan', 'journey', 'reviews']));
  });

  it('answers what a router asks it for a query over both, in either direction', async () => {
    // A plan by hand for: { newestReviews { text by { country } } }
    const first = await graphql({
      schema: reviewsSchema,
      source: '{ newestReviews { text by { __typename id } } }',
    });
    const of = JSON.parse(JSON.stringify(first.data?.newestReviews)).map(
      (review: { by: unknown }) => review.by,
    );
    calls.length = 0;
    const ours = await entities(
      of,
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Account { country } } }',
    );
    expect(JSON.parse(ours.text)).toEqual({
      data: { _entities: [{ country: 'DE' }, { country: 'FR' }, null] },
    });
    expect(calls).toEqual(['nodes']);
    // And for: { account(id: "a-1") { country reviews { text } } }
    const account = JSON.parse((await ask(server, '{ account(id: "a-1") { __typename id country } }')).text)
      .data.account;
    const theirs = await graphql({
      schema: reviewsSchema,
      source:
        'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Account { reviews { text } } } }',
      variableValues: { of: [{ __typename: account.__typename, id: account.id }] },
    });
    expect(JSON.parse(JSON.stringify(theirs.data))).toEqual({ _entities: [{ reviews: [{ text: 'Long' }] }] });
  });

  it('gives null for a node that is not there, and takes an id that is a number', async () => {
    const { text } = await entities([
      { __typename: 'LiveShow', id: 'nobody' },
      { __typename: 'Account', id: 7 },
      { __typename: 'Account', id: 'a-1', country: 'ignored', more: { deep: [1] } },
    ]);
    expect(JSON.parse(text).data._entities).toEqual([
      null,
      null,
      { __typename: 'Account', id: 'a-1', country: 'FR', journey: { completeness: { complete: true } } },
    ]);
  });

  it.each<[string, unknown]>([
    ['no object', 'Account'],
    ['null', null],
    ['a list', [{ __typename: 'Account', id: 'a' }]],
    ['no type', { id: 'a' }],
    ['a type of the API', { __typename: 'Query', id: 'a' }],
    ['a type as the graph calls it', { __typename: 'live_show', id: 'a' }],
    ['the prototype of all types', { __typename: '__proto__', id: 'a' }],
    ['a method of a map', { __typename: 'constructor', id: 'a' }],
    ['no id', { __typename: 'Account' }],
    ['an object for an id', { __typename: 'Account', id: { toString: 'a' } }],
    ['an empty id', { __typename: 'Account', id: '' }],
    ['an id with NUL', { __typename: 'Account', id: 'a\u0000b' }],
    ['an id that is too long', { __typename: 'Account', id: 'x'.repeat(1025) }],
    ['a fraction for an id', { __typename: 'Account', id: 1.5 }],
  ])('refuses %s as a representation, and reads nothing', async (_name, representation) => {
    calls.length = 0;
    const { text } = await entities([{ __typename: 'Account', id: 'a-1' }, representation]);
    expect(text).toContain('"code":"BAD_USER_INPUT"');
    expect(JSON.parse(text).data ?? null).toBeNull();
    expect(calls).toEqual([]);
  });

  it('takes as many representations as a page has, and no more', async () => {
    const of = Array.from({ length: representationsMax }, (_, at) => ({
      __typename: 'Account',
      id: `b-${at}`,
    }));
    expect(JSON.parse((await entities(of)).text).data._entities).toHaveLength(representationsMax);
    const { text } = await entities([...of, ...of]);
    expect(text).toContain('Argument \\"representations\\" takes at most 500 of them.');
  });

  it('has nothing of it where the setting is off, and no union of nothing before the first node type', async () => {
    const plain = await startTestApi({ status: { graphSchema: () => graph } });
    try {
      expect((await ask(plain, '{ _service { sdl } }')).text).toContain('Cannot query field');
    } finally {
      await plain.close();
    }
    const empty = createSubgraphSchema(emptyPlan);
    expect(Object.keys(empty.getQueryType()?.getFields() ?? {})).toContain('_service');
    expect(empty.getType('_Entity')).toBeUndefined();
  });
});
