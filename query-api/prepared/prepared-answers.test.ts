import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OutageError, systemClock } from '../../foundation/index.ts';
import type { EventMutations, GraphReader, GraphStore, Mutation } from '../../graph-store/index.ts';
import { type Answer, send, startTestApi } from '../api-testing.ts';
import { graphOf } from '../graph-schema-testing.ts';
import { metricsWith } from '../observe/observe-testing.ts';
import { callerWith, eventAt, policyFrom, storeWith } from '../policy/policy-testing.ts';
import type { ApiServer } from '../server.ts';

const member = { type: 'Account', id: 'a' };
const titles = Array.from({ length: 12 }, (_, i) => ({ type: 'Title', id: `t${i} "ü"\n` }));
const startMs = Date.UTC(2026, 0, 1);

/** Steps with every kind of value that JSON writes in its own way. */
function* evening(): Generator<EventMutations> {
  for (const [index, title] of titles.entries()) {
    const properties = [
      ['title', `“quoted” \\ ${index}\u0001\u2028`],
      ['seconds', 10n * BigInt(index)],
      ['huge', 2n ** 62n],
      ['share', index / 3],
      ['seen', index % 2 === 0],
      ['none', null],
      ['back', 'a\\b'],
      ['quote', 'a"b'],
      ['tab', 'a\tb'],
      ['del\u007f', 'a\u007fb'],
      ['long', 'x'.repeat(100)],
      ['__proto__', 'hostile'],
    ] as const;
    const links = [{ edge: 'WATCHED', direction: 'out', node: title }] as const;
    const mutations: readonly Mutation[] = [
      { kind: 'edge', type: 'WATCHED', from: member, to: title, properties: [['seconds', 5]] },
      { kind: 'edge', type: 'WATCHED', from: { type: 'Account', id: 'b' }, to: title, properties: [] },
      { kind: 'step', owner: member, domain: 'streaming', action: 'watched', links, properties },
      { kind: 'node', node: member, properties: [['country', 'DE']] },
    ];
    yield eventAt(startMs + index, index + 1, mutations);
  }
}

const policy = policyFrom(`
version: 1
scopes:
  some:
    operations: [journey, traverse]
    nodes:
      Account: { rows: [{ property: country, equalsClaim: country }], fields: [country] }
      Title: { rows: all, fields: all }
    edges: { WATCHED: { fields: all } }
    steps: { streaming: { fields: [title], lineage: true } }
`);

/** Who has a token sees by the policy; who has none sees everything. */
const access = {
  policy,
  jwt: {
    verify: async (token: string) =>
      ({ kind: 'caller', caller: callerWith(token === 'some' ? ['some'] : [], { country: 'DE' }) }) as const,
  },
};

const of = 'of: {type: "Account", id: $id}';
const plain =
  '{ edges { node { time domain action properties links { edge direction node { type id } } } } }';
const journey = (selection: string): string =>
  `query J($id: ID!) { journey(${of}, since: "1970-01-01T00:00:00Z", first: 9) ${selection} }`;
const hops = '[{edge: "WATCHED", since: $since}, {edge: "WATCHED", direction: IN, since: $since}]';
const traverse = (selection: string): string =>
  `query T($id: ID!, $since: DateTime!) { traverse(from: {type: "Account", id: $id}, hops: ${hops}, unique: HOP) ${selection} }`;
const since = new Date(startMs).toISOString();

interface Asked {
  readonly query: string;
  readonly variables?: unknown;
  readonly [member: string]: unknown;
}

const a = { id: 'a' };
const walk = { id: 'a', since };

/** Answered the short way the third time. */
const regular: Readonly<Record<string, Asked>> = {
  'a journey': { query: journey(plain), variables: a },
  'a journey of nobody': { query: journey(plain), variables: { id: 'nobody' } },
  'cursors and pages': {
    query: journey(
      '{ edges { cursor repeats { count first } } pageInfo { hasNextPage startCursor endCursor } }',
    ),
    variables: a,
  },
  'completeness and freshness': {
    query: journey(
      '{ completeness { since complete truncatedBy limit scanned } freshness { topic freshnessMs } }',
    ),
    variables: a,
  },
  'lineage, which may be null': {
    query: journey('{ edges { node { lineage { topic offset mappingVersion schemaId } } } }'),
    variables: a,
  },
  'type names, aliases and fragments': {
    query: `${journey('{ __typename e: edges { ...E ...E } edges { ... { node { time } } ... on JourneyEdge { node { domain } } } }')}
      fragment E on JourneyEdge { n: node { __typename when: time } }`,
    variables: a,
  },
  'two at once': {
    query: `query J($id: ID!) { x: journey(${of}, first: 2, since: "1970-01-01T00:00:00Z") ${plain} y: journey(${of}, first: 1, order: NEWEST_FIRST) ${plain} }`,
    variables: a,
  },
  'an operation by its name': { query: journey(plain), variables: a, operationName: 'J' },
  'empty parts': { query: journey(plain), variables: a, operationName: null, extensions: null },
  hops: { query: traverse('{ hops { depth nodes { type id time } } }'), variables: walk },
  'hops with their edges': {
    query: traverse(
      '{ hops { nodes { id via { edge direction key time properties from { id } to { id } } } } }',
    ),
    variables: walk,
  },
  'what hops left out': {
    query: traverse(
      '{ completeness { complete edgesScanned truncatedAt { kind } limitsInForce { edge edges since sinceFrom } } }',
    ),
    variables: walk,
  },
};

/** For Apollo each time. */
const others: Readonly<Record<string, Asked>> = {
  'a variable that is missing': { query: journey(plain) },
  'a variable of another type': { query: journey(plain), variables: { id: { x: 1 } } },
  'variables that are none': { query: journey(plain), variables: [1] },
  'an argument at fault': { query: journey(plain).replace('first: 9', 'first: 0'), variables: a },
  'an operation that is not there': { query: journey(plain), variables: a, operationName: 'X' },
  'a field that is not there': { query: journey('{ nope }'), variables: a },
  'no GraphQL': { query: '{' },
  'a condition': {
    query: journey('{ edges { node { time @skip(if: true) domain } } }'),
    variables: a,
  },
  'an interface': { query: '{ node(type: "Account", id: "a") { properties } status { version } }' },
  'a resolver with arguments': { query: journey('{ transitions(of: DOMAIN) { __typename } }'), variables: a },
  'nodes that are read': { query: traverse('{ hops { nodes { node { properties } } } }'), variables: walk },
  introspection: { query: '{ __schema { queryType { name } } }' },
  'several operations': { query: 'query A { __typename } query B { __typename }', operationName: 'A' },
  extensions: { query: journey(plain), variables: a, extensions: { x: 1 } },
  'too much': {
    query: traverse('{ hops { depth } }').replace('unique: HOP', ''),
    variables: { ...walk, since: 'x' },
  },
};

const callers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  everybody: { authorization: 'Bearer all' },
  'one who sees some': { authorization: 'Bearer some' },
  'one who may nothing': { authorization: 'Bearer none' },
};

/** Without what is new with each request. */
function told({ status, text, headers }: Answer): unknown {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name));
  return { status, headers: kept, text: text.replace(/"requestId":"[^"]+"/g, '') };
}

async function shortAnswers(server: ApiServer): Promise<number> {
  const text = await metricsWith(server, 'journey_graph_prepared_queries_total');
  return Number(/^journey_graph_prepared_queries_total (\d+)/m.exec(text)?.[1]);
}

describe('An answer the short way', () => {
  let store: GraphStore;
  let server: ApiServer;
  let failing = false;
  let reads = 0;
  beforeAll(async () => {
    store = await storeWith([...evening()]);
    const reader: GraphReader = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'journey' && name !== 'adjacencies')
          return typeof value === 'function' ? value.bind(target) : value;
        return (...input: unknown[]): unknown => {
          reads += 1;
          if (failing) throw new OutageError('STORE_READ_FAILED', 'no answer');
          return typeof value === 'function' ? Reflect.apply(value, target, input) : value;
        };
      },
    });
    const graph = graphOf({ Account: { country: 'text' }, Title: {} });
    server = await startTestApi({
      clock: { ...systemClock, now: () => startMs + 86_400_000 },
      reader,
      status: { graphSchema: () => graph, topics: () => [] },
      gate: { token: 'all' },
      access,
    });
  });
  afterAll(() => server.close());
  afterEach(() => {
    failing = false;
  });

  const ask = async (asked: Asked, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    await send(server, JSON.stringify(asked), { authorization: 'Bearer all', ...headers });

  it.each(Object.entries(regular))('is that of GraphQL: %s', async (_name, asked) => {
    const first = await ask(asked);
    expect(JSON.parse(first.text)).toEqual({ data: expect.anything() });
    const second = await ask(asked);
    const before = await shortAnswers(server);
    const third = await ask(asked);
    await metricsWith(server, `journey_graph_prepared_queries_total ${before + 1}`);
    expect(await shortAnswers(server)).toBe(before + 1);
    expect([told(second), told(third)]).toEqual([told(first), told(first)]);
  });

  it.each(Object.entries(others))(
    'is not made where GraphQL has rules of its own: %s',
    async (_name, asked) => {
      const before = await shortAnswers(server);
      const [first, ...again] = [await ask(asked), await ask(asked), await ask(asked), await ask(asked)];
      expect(again.map(told)).toEqual(again.map(() => told(first)));
      expect(await shortAnswers(server)).toBe(before);
    },
  );

  it.each(Object.keys(callers))('shows %s no more and no less', async (name) => {
    for (const asked of Object.values(regular)) {
      // Extensions are for Apollo.
      const expected = await ask({ ...asked, extensions: {} }, callers[name]);
      for (let times = 0; times < 3; times += 1)
        expect(told(await ask(asked, callers[name]))).toEqual(told(expected));
    }
  });

  it.each([
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'text/plain',
    'application/json;q=0.1, */*',
  ])('has the content type that Apollo chooses for %s', async (accept) => {
    const asked = regular['a journey'] ?? { query: '' };
    const answers = [
      await ask(asked, { accept }),
      await ask(asked, { accept }),
      await ask(asked, { accept }),
    ];
    const [first] = answers;
    expect(answers.map(told)).toEqual(
      answers.map(() => told(first ?? { status: 0, text: '', headers: new Headers() })),
    );
  });

  it('tells the cost to whoever asks for it', async () => {
    const asked = regular['a journey'] ?? { query: '' };
    for (let times = 0; times < 3; times += 1) {
      const { text } = await ask(asked, { 'x-query-cost': 'true' });
      expect(JSON.parse(text).extensions.cost).toMatchObject({ calls: 1 });
    }
  });

  it('is an error as ever when a read fails, and then nothing is read twice', async () => {
    const asked = regular['a journey'] ?? { query: '' };
    for (let times = 0; times < 3; times += 1) await ask(asked);
    failing = true;
    reads = 0;
    const failed = await ask(asked);
    expect(reads).toBe(1);
    expect(failed.status).toBe(200);
    expect(JSON.parse(failed.text)).toMatchObject({
      data: null,
      errors: [
        { path: ['journey'], extensions: { code: 'STORE_UNAVAILABLE', requestId: expect.any(String) } },
      ],
    });
  });

  it('follows the graph schema: a type that came is known', async () => {
    let graph = graphOf({ Account: { country: 'text' } });
    const other = await startTestApi({ reader: store, status: { graphSchema: () => graph } });
    try {
      const asked = JSON.stringify({
        query: '{ journey(of: {type: "Account", id: "a"}) { __typename edges { node { time } } } }',
      });
      const texts = [await send(other, asked), await send(other, asked), await send(other, asked)];
      graph = graphOf({ Account: { country: 'text' }, Title: { name: 'text' } });
      const typed = await send(other, JSON.stringify({ query: '{ title(id: "t") { name } }' }));
      expect(JSON.parse(typed.text).errors).toBeUndefined();
      const after = [await send(other, asked), await send(other, asked), await send(other, asked)];
      expect(new Set([...texts, ...after].map(({ text }) => text)).size).toBe(1);
    } finally {
      await other.close();
    }
  });
});
