import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type EventMutations } from '../../graph-store/index.ts';
import { ask, createWriter, startTestApi, stepAt } from '../api-testing.ts';
import { openTestAudiences, type TestAudiences } from '../audiences/audience-testing.ts';
import { expectWithinPlan, toldCost } from '../cost/told-cost-testing.ts';
import type { ApiServer } from '../server.ts';
import { edgeType, graphWith } from '../typed-edges/typed-edges-testing.ts';

let server: ApiServer;
let kept: TestAudiences;
beforeAll(async () => {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  const nowMs = Date.now();
  await write(Array.from({ length: 60 }, (_, i) => stepAt(nowMs - i * 1000, BigInt(i + 1))));
  await write(Array.from({ length: 60 }, (_, i) => watchedAt(nowMs - i * 1000, i)));
  kept = await openTestAudiences();
  const graph = graphWith(
    { Account: { country: 'text' }, Title: {} },
    edgeType('WATCHED', [['Account', 'Title']], { seconds: 'integer' }),
  );
  const status = { graphSchema: () => graph };
  server = await startTestApi({ reader: store, federation: true, audiences: kept.audiences, status });
});
afterAll(async () => {
  await server.close();
  await kept[Symbol.asyncDispose]();
});

/** Twenty accounts and five titles, so that accounts have titles in common. */
function watchedAt(timeMs: number, i: number): EventMutations {
  const ends = { from: { type: 'Account', id: `a${i % 20}` }, to: { type: 'Title', id: `t${i % 5}` } };
  const edge = { kind: 'edge', type: 'WATCHED', ...ends, properties: [['seconds', BigInt(i)]] } as const;
  return { timeMs, rank: 0, occurrence: BigInt(1000 + i), mutations: [edge] };
}

function repeated(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(' ');
}

describe('A query', () => {
  it.each<readonly [name: string, query: string, limit: number]>([
    ['5 directives on a field', `{ __typename ${'@include(if: true) '.repeat(5)} }`, 4],
    [
      '5 directives on a spread',
      `{ ...A ${'@skip(if: false) '.repeat(5)} } fragment A on Query { __typename }`,
      4,
    ],
    ['51 directives', `{ ${repeated(51, () => '__typename @include(if: true)')} }`, 50],
    [
      '33 root fields',
      `{ ...A ${repeated(10, (i) => `a${i}: __typename`)} } fragment A on Query { ${repeated(23, (i) => `b${i}`)} }`,
      32,
    ],
  ])('with %s is refused', async (_name, query, limit) => {
    const { status, text } = await ask(server, query);
    expect(status).toBe(400);
    const codes = JSON.parse(text).errors.map(({ extensions }: { extensions: object }) => extensions);
    expect(codes).toContainEqual(expect.objectContaining({ code: 'QUERY_TOO_LARGE', limit }));
  });

  it('may have as many as the limits are', async () => {
    const query = `{ ${repeated(15, (i) => `a${i}: __typename @include(if: true) @skip(if: false)`)} }`;
    expect((await ask(server, query)).status).toBe(200);
  });

  it('is measured in time linear to its fragments', async () => {
    const fragments = repeated(30, (i) => `fragment F${i} on Query {${`...F${i + 1} `.repeat(7)}}`);
    const { status } = await ask(server, `{...F0} ${fragments} fragment F30 on Query { __typename }`);
    expect(status).toBe(200);
  }, 3000);
});

type Asked = readonly [query: string, variables: object];
const accountAt = (i: number): { readonly type: string; readonly id: string } => ({
  type: 'Account',
  id: `a${i % 20}`,
});
const whole = 'completeness { complete truncatedAt { kind limit } } freshness { topic }';

/** What clients really send, each kind in as many texts and variables as one likes: all of it must pass whatever is refused. */
const legitimate: Readonly<Record<string, (i: number) => Asked>> = {
  status: (i) => [`query Status${i} { status { nodes edges topics { topic lag consumed } } }`, {}],
  introspection: (i) => [getIntrospectionQuery().replace('IntrospectionQuery', `Introspection${i}`), {}],
  'a node': (i) => [
    'query($id: ID!) { node(type: "Account", id: $id) { id properties lineage { topic } } }',
    { id: `a${i}` },
  ],
  'a journey': (i) => [
    'query Page($of: NodeRefInput!, $n: Int) { journey(of: $of, first: $n) { ...Steps pageInfo { hasNextPage endCursor } } } fragment Steps on JourneyConnection { edges { cursor node { time action links { edge node { type id } } properties } } completeness { complete } freshness { topic } }',
    { of: { type: 'Account', id: 'a' }, n: 500 - i },
  ],
  'an edge beside a node': (i) => [
    `query($more: Boolean!) { a: node(type: "Account", id: "a${i}") { id lineage @include(if: $more) { topic } } b: edge(type: "WATCHED", from: {type: "Account", id: "a${i}"}, to: {type: "Title", id: "t"}) { count } }`,
    { more: true },
  ],
  'a connection': (i) => [
    `query($id: ID!, $n: Int) { account(id: $id) { country watched(first: $n, order: ${i % 2 ? 'LATEST' : 'ANY'}) {
      edges { cursor time seconds node { id watchedFrom(first: 3) { edges { nodeRef { id } } } } } pageInfo { hasNextPage } completeness { complete } } } }`,
    { id: `a${i}`, n: 1 + (i % 20) },
  ],
  'a traversal': (i) => [
    `query($from: [NodeRefInput!]!, $limit: Int) { traverse(from: $from, hops: [{edge: "WATCHED", limit: $limit}, {edge: "WATCHED", direction: IN}, {edge: "WATCHED", order: ANY}]) {
      hops { depth nodes { id node { id } via { time } } } ${whole} } }`,
    { from: [accountAt(i), accountAt(i + 1)], limit: 1 + i },
  ],
  paths: (i) => [
    `query($from: NodeRefInput!, $to: NodeRefInput!, $first: Int) { paths(from: $from, to: $to, over: [{edge: "WATCHED", direction: BOTH}], first: $first) { paths { length edges { to { id } } } ${whole} } }`,
    { from: accountAt(i), to: accountAt(i + 7), first: 1 + (i % 100) },
  ],
  'shared neighbours': (i) => [
    `query($of: NodeRefInput!, $min: Int!) { sharedNeighbours(of: $of, over: {edge: "WATCHED"}, minShared: $min) { nodes { id shared through { id } } ${whole} } }`,
    { of: accountAt(i), min: 1 + i },
  ],
  "an audience's estimate": (i) => [
    'query($where: AudienceWhere!) { audienceEstimate(memberType: "Account", where: $where) { count low high method } }',
    {
      where: {
        all: [
          { did: { edge: 'WATCHED', to: { nodes: [{ type: 'Title', id: `t${i % 5}` }] }, atLeast: 1 + i } },
          { not: { member: { property: 'country', eq: `c${i}` } } },
        ],
      },
    },
  ],
  entities: (i) => [
    'query($of: [_Any!]!) { _entities(representations: $of) { ... on Account { id country } ... on Title { id } } }',
    { of: Array.from({ length: 1 + i }, (_, at) => ({ __typename: 'Account', id: `a${at}` })) },
  ],
};
const ofEachKind = 10;

describe('More than a hundred legitimate queries', () => {
  it('are all different', () => {
    const asked = Object.values(legitimate).flatMap((kind) =>
      Array.from({ length: ofEachKind }, (_, i) => kind(i)),
    );
    expect(new Set(asked.map((one) => JSON.stringify(one))).size).toBe(asked.length);
    expect(asked.length).toBeGreaterThanOrEqual(100);
  });

  it.each(Object.entries(legitimate))(
    'for %s are all answered, within what their cost was bounded by',
    async (_name, kind) => {
      for (let i = 0; i < ofEachKind; i += 1) {
        const [query, variables] = kind(i);
        expectWithinPlan((await toldCost(server, query, variables)).cost);
      }
    },
  );
});

describe('What the schema is', () => {
  it('is not said where introspection is off', async () => {
    const closed = await startTestApi({ introspection: false });
    const { status, text } = await ask(closed, getIntrospectionQuery());
    expect([status, JSON.parse(text).data]).toEqual([400, undefined]);
    expect(text).not.toContain('JourneyConnection');
    await closed.close();
  });

  it('is not said by a suggestion where those are off, in a query or in a variable', async () => {
    const open = await ask(server, '{ nodez }');
    expect(open.text).toContain('Did you mean');
    const closed = await startTestApi({ suggestions: false });
    const query = 'query($of: NodeRefInput!) { journey(of: $of) { edges { cursor } } }';
    for (const one of [
      await ask(closed, '{ nodez }'),
      await ask(closed, '{ status { topicz { topik } } }'),
      await ask(closed, '{ journey(of: {typ: "A", id: "a"}, order: OLDEST_FIRS) { edges { cursor } } }'),
      await ask(closed, query, { of: { typ: 'Account', id: 'a' } }),
    ]) {
      expect(one.text).toContain('"errors"');
      expect(one.text).not.toContain('Did you mean');
    }
    await closed.close();
  });
});
