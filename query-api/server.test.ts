import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { queryLimitsDefault } from './api-context.ts';
import { type ApiServer, startApiServer } from './server.ts';

let server: ApiServer;
let ids = 0;

function start(port = 0): Promise<ApiServer> {
  return startApiServer({
    host: '127.0.0.1',
    port,
    reader: createMemoryStore(),
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      ready: () => true,
      freshnessQuantileMs: () => null,
    },
    limits: queryLimitsDefault,
    gate: { token: null, allowedHosts: [], anyHost: false },
    defaultQuery: '{ status { version } }',
    closeMs: 100,
    clock: systemClock,
    log: silentLog,
    newId: () => `request-${++ids}`,
  });
}

beforeAll(async () => {
  server = await start();
});
afterAll(() => server.close());

async function post(body: unknown): Promise<string> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.text();
}

function journey(args: string): string {
  return `{ journey(of: {type: "Account", id: "a"}, ${args}) { edges { cursor } } }`;
}

test('a legitimate query is answered without errors', async () => {
  expect(JSON.parse(await post({ query: journey('first: 1') }))).toEqual({
    data: { journey: { edges: [] } },
  });
});

const spreads = Array.from(
  { length: 9 },
  (_, i) => `fragment F${i} on Query { ${`...F${i + 1} `.repeat(30)} }`,
);
const hostile: readonly (readonly [string, string, string])[] = [
  ['depth 3,000', `${'{a'.repeat(3000)}${'}'.repeat(3000)}`, 'GRAPHQL_PARSE_FAILED'],
  ['depth 20', `${'{a'.repeat(20)}${'}'.repeat(20)}`, 'QUERY_TOO_LARGE'],
  [
    '20,000 aliases',
    `{${Array.from({ length: 20_000 }, (_, i) => `a${i}:__typename `).join('')}}`,
    'GRAPHQL_PARSE_FAILED',
  ],
  [
    '16 aliases',
    `{${Array.from({ length: 16 }, (_, i) => `a${i}:__typename `).join('')}}`,
    'QUERY_TOO_LARGE',
  ],
  ['a fragment cycle', '{...A} fragment A on Query {...A}', 'QUERY_TOO_LARGE'],
  ['a too large page', journey('first: 99999999'), 'BAD_USER_INPUT'],
  ['a negative page', journey('first: -1'), 'BAD_USER_INPUT'],
  ['a forged cursor', journey('after: "zzz"'), 'BAD_USER_INPUT'],
  [
    'since after until',
    journey('since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z"'),
    'BAD_USER_INPUT',
  ],
  ['a wrong order', journey('order: SIDEWAYS'), 'GRAPHQL_VALIDATION_FAILED'],
  ['__proto__ as type', '{ node(type: "__proto__", id: "a") { id } }', 'BAD_USER_INPUT'],
  ['NUL in an id', '{ node(type: "Account", id: "a\\u0000b") { id } }', 'BAD_USER_INPUT'],
];
test.each(hostile)('%s is refused with a code and a request id', async (_name, query, code) => {
  const text = await post({ query });
  expect(text).toContain(`"code":"${code}"`);
  expect(text).toMatch(/"requestId":"request-\d+"/);
});

test('fragments that fan out are measured in time linear to the query', async () => {
  const query = `{...F0} ${spreads.join(' ')} fragment F9 on Query { __typename }`;
  expect(await post({ query })).toContain('"__typename":"Query"');
}, 3000);

test('a batch, a header-less GET and a plain-text POST are refused', async () => {
  const batch = Array.from({ length: 500 }, () => ({ query: '{__typename}' }));
  expect(await post(batch)).toContain('"errors"');
  const url = `${server.url}/graphql`;
  expect((await fetch(`${url}?query={__typename}`)).status).toBe(400);
  expect((await fetch(url, { method: 'POST', body: '{"query":"{__typename}"}' })).status).toBe(400);
});

test('a port in use is said in one sentence', async () => {
  await expect(start(Number(new URL(server.url).port))).rejects.toMatchObject({ code: 'PORT_IN_USE' });
});
