import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { ask, createWriter, startTestApi, stepAt } from '../api-testing.ts';
import { expectWithinPlan, toldCost } from '../cost/told-cost-testing.ts';
import type { ApiServer } from '../server.ts';

let server: ApiServer;
beforeAll(async () => {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  const nowMs = Date.now();
  await write(Array.from({ length: 60 }, (_, i) => stepAt(nowMs - i * 1000, BigInt(i + 1))));
  server = await startTestApi({ reader: store });
});
afterAll(() => server.close());

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

/** What clients really send: all of it must pass whatever is refused. */
const legitimate: readonly (() => readonly [query: string, variables: object])[] = [
  () => ['{ status { nodes edges topics { topic lag consumed } } }', {}],
  () => [getIntrospectionQuery(), {}],
  () => [
    'query($id: ID!) { node(type: "Account", id: $id) { id properties lineage { topic } } }',
    { id: 'a' },
  ],
  () => [
    'query Page($of: NodeRefInput!, $n: Int) { journey(of: $of, first: $n) { ...Steps pageInfo { hasNextPage endCursor } } } fragment Steps on JourneyConnection { edges { cursor node { time action links { edge node { type id } } properties } } completeness { complete } freshness { topic } }',
    { of: { type: 'Account', id: 'a' }, n: 500 },
  ],
  () => [
    'query($more: Boolean!) { a: node(type: "Account", id: "a") { id lineage @include(if: $more) { topic } } b: edge(type: "WATCHED", from: {type: "Account", id: "a"}, to: {type: "Title", id: "t"}) { count } }',
    { more: true },
  ],
];

describe('A hundred legitimate queries', () => {
  it('are all answered, within what their cost was bounded by', async () => {
    for (let i = 0; i < 100; i += 1) {
      const [query, variables] = legitimate[i % legitimate.length]?.() ?? ['', {}];
      expectWithinPlan((await toldCost(server, query, variables)).cost);
    }
  });
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
