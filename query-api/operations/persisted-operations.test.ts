import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, type Log, silentLog, systemClock } from '../../foundation/index.ts';
import { type Answer, ask, send, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { metricsWith } from '../observe/observe-testing.ts';
import type { ApiServer } from '../server.ts';
import { readOperationList, sha256 } from './operation-list.ts';

const nodeText = 'query OneNode($id: ID!) { node(type: "Account", id: $id) { id } }';
const statusText = 'query Version { status { version } }';
const relay = { 'one-node': nodeText, version: statusText };

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'operations-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: unknown): Promise<string> {
  const file = join(folder, `list-${++files}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return file;
}

async function serving(
  content: unknown,
  only: boolean,
  options: TestApiOptions,
  use: (server: ApiServer, file: string) => Promise<void>,
): Promise<void> {
  const file = await fileOf(content);
  const server = await startTestApi({ ...options, persisted: { file, only } });
  try {
    await use(server, file);
  } finally {
    await server.close();
  }
}

function dataOf({ text }: Answer): unknown {
  return JSON.parse(text).data;
}

function codeOf({ text }: Answer): unknown {
  const [error] = JSON.parse(text).errors ?? [];
  expect(error?.extensions.requestId).toMatch(/^request-/);
  return error?.extensions.code;
}

async function post(server: ApiServer, body: object): Promise<Answer> {
  return await send(server, JSON.stringify(body));
}

describe('A list of operations', () => {
  const apollo = {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: sha256(statusText), name: 'Version', type: 'query', body: statusText }],
  };

  it.each(Object.entries({ "Relay's": relay, "Apollo's": apollo }))('may be %s', (_name, content) => {
    const reading = readOperationList(JSON.stringify(content), 1000);
    if (reading.kind !== 'list') throw new Error('expected a list');
    expect(reading.list.find(sha256(statusText))?.text).toBe(statusText);
    expect(reading.list.find(`sha256:${sha256(statusText).toUpperCase()}`)?.text).toBe(statusText);
    expect(reading.list.find('__proto__')).toBeNull();
  });

  it.each<readonly [name: string, source: string, problems: readonly object[]]>([
    ['JSON that ends too soon', '{\n"a": "{x}",\n', [{ line: 3, id: null, sentence: 'is no JSON' }]],
    [
      'a syntax error',
      '{\n"a": "{ x }",\n"b": "{\\n x( }"}',
      [{ line: 3, id: 'b', sentence: expect.stringMatching(/^2:5: Syntax Error/) }],
    ],
    [
      'a document beyond the limits',
      `{"a": "{${'x '.repeat(2000)}}"}`,
      [{ line: 1, id: 'a', sentence: 'The query has more than 1000 tokens.' }],
    ],
    ['an empty id', '{\n"": "{ x }"}', [{ line: 2, id: '', sentence: expect.stringContaining('1 to 256') }]],
    [
      'an id that is there twice',
      JSON.stringify(
        {
          ...apollo,
          operations: [
            { id: 'a', body: '{x}' },
            { id: 'a', body: '{y}' },
          ],
        },
        null,
        1,
      ),
      [{ line: 6, id: 'a', sentence: 'is there twice' }],
    ],
    [
      'an operation without a body',
      JSON.stringify({ ...apollo, operations: [{ id: 'a' }] }),
      [{ line: 1, id: 'a', sentence: 'wants an `id` and a `body`, both text' }],
    ],
    [
      'another format',
      '{"format": "mine"}',
      [{ line: 1, id: null, sentence: expect.stringContaining('is no list') }],
    ],
    [
      'a list of texts',
      '["{ x }"]',
      [{ line: 1, id: null, sentence: expect.stringContaining('is no list') }],
    ],
  ])('is refused with %s', (_name, source, problems) => {
    expect(readOperationList(source, 1000)).toEqual({ kind: 'problems', problems });
  });

  it('keeps a server with problems from starting, each with its file and line', async () => {
    const file = await fileOf('{\n"a": "{ x",\n"b": "}"}');
    await expect(startTestApi({ persisted: { file, only: false } })).rejects.toMatchObject({
      code: 'OPERATIONS_INVALID',
      reaction: 'refused',
      message: expect.stringMatching(
        /:2: operation `a`: 1:4: Syntax Error[\s\S]+:3: operation `b`: 1:1: Syntax Error/,
      ),
    });
    const missing = join(folder, 'missing.json');
    await expect(startTestApi({ persisted: { file: missing, only: false } })).rejects.toMatchObject({
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('A persisted operation', () => {
  it('is asked for by documentId or hash, by POST or GET, with variables', () =>
    serving(relay, false, {}, async (server) => {
      const variables = { id: 'a' };
      const expected = { node: null };
      expect(dataOf(await post(server, { documentId: 'one-node', variables }))).toEqual(expected);
      const persistedQuery = { version: 1, sha256Hash: sha256(nodeText) };
      expect(dataOf(await post(server, { extensions: { persistedQuery }, variables }))).toEqual(expected);
      const search = new URLSearchParams({
        extensions: JSON.stringify({ persistedQuery }),
        variables: JSON.stringify(variables),
      });
      const got = await fetch(`${server.url}/graphql?${search}`, {
        headers: { 'x-apollo-operation-name': 'OneNode' },
      });
      expect(await got.json()).toEqual({ data: expected });
      // Any page could send that.
      expect((await fetch(`${server.url}/graphql?documentId=version`)).status).toBe(400);
    }));

  it('that is not listed is said to be so; with its text it is a query like any other', () =>
    serving(relay, false, {}, async (server) => {
      const query = '{ __typename }';
      const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
      const unknown = await post(server, { extensions });
      expect([unknown.status, codeOf(unknown)]).toEqual([400, 'PERSISTED_QUERY_NOT_FOUND']);
      expect(dataOf(await post(server, { query, extensions }))).toEqual({ __typename: 'Query' });
      // Nothing was kept of it.
      expect(codeOf(await post(server, { extensions }))).toBe('PERSISTED_QUERY_NOT_FOUND');
      const other = await post(server, { query: '{ status { nodes } }', extensions });
      expect([other.status, codeOf(other)]).toEqual([400, 'BAD_REQUEST']);
    }));

  it('gives its name to the metrics', () =>
    serving(relay, false, {}, async (server) => {
      await post(server, { documentId: 'version' });
      await ask(server, 'query Unlisted { __typename }');
      const counted = 'journey_graph_query_seconds_count{operation="Version"} 1';
      const text = await metricsWith(server, counted);
      expect(text).toContain(counted);
      expect(text).not.toContain('Unlisted');
    }));

  it('is found after the file changed, and stays when the file breaks', async () => {
    const errors: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
    let aheadMs = 0;
    const clock: Clock = { now: () => Date.now() + aheadMs, sleep: systemClock.sleep };
    await serving(relay, true, { clock, log }, async (server, file) => {
      await writeFile(file, JSON.stringify({ fresh: statusText }));
      expect(codeOf(await post(server, { documentId: 'fresh' }))).toBe('PERSISTED_QUERY_NOT_FOUND');
      aheadMs += 3000;
      expect(dataOf(await post(server, { documentId: 'fresh' }))).toEqual({ status: { version: '0' } });
      expect(codeOf(await post(server, { documentId: 'version' }))).toBe('PERSISTED_QUERY_NOT_FOUND');
      await writeFile(file, '{');
      aheadMs += 3000;
      expect(codeOf(await post(server, { documentId: 'gone' }))).toBe('PERSISTED_QUERY_NOT_FOUND');
      expect(dataOf(await post(server, { documentId: 'fresh' }))).toEqual({ status: { version: '0' } });
      expect(errors).toMatchObject([{ alarm: 'OPERATIONS_INVALID' }]);
    });
  });

  it('that does not fit the schema is named in the log with its line, once', async () => {
    const lines: string[] = [];
    const say = (_fields: object, message: string): void => void lines.push(message);
    const log: Log = { ...silentLog, warn: say, error: say };
    const content = { good: statusText, bad: '{ nodez }' };
    await serving(content, false, { log }, async (server, file) => {
      await ask(server, '{ __typename }');
      await ask(server, '{ __typename }');
      expect(lines).toEqual([
        `${file}:3: operation \`bad\`: 1:3: Cannot query field "nodez" on type "Query". Did you mean "node"?`,
        'Persisted operations do not fit the schema in force; asking for one of them fails.',
      ]);
    });
  });
});

describe('A server of persisted operations only', () => {
  it('refuses every other document, also one that differs in a blank, and takes those listed as text', () =>
    serving(relay, true, {}, async (server) => {
      const refused = await ask(server, '{ status { nodes } }');
      expect([refused.status, codeOf(refused)]).toEqual([400, 'PERSISTED_QUERY_ONLY']);
      expect(codeOf(await ask(server, `${statusText} `))).toBe('PERSISTED_QUERY_ONLY');
      expect(codeOf(await ask(server, 'not GraphQL'))).toBe('PERSISTED_QUERY_ONLY');
      expect(codeOf(await ask(server, '{ __typename ...A } fragment A on Query { status { nodes } }'))).toBe(
        'PERSISTED_QUERY_ONLY',
      );
      expect(dataOf(await ask(server, statusText))).toEqual({ status: { version: '0' } });
    }));

  it('answers introspection while that is on', async () => {
    await serving(relay, true, {}, async (server) => {
      expect(dataOf(await ask(server, getIntrospectionQuery()))).toHaveProperty('__schema');
    });
    await serving(relay, true, { introspection: false }, async (server) => {
      expect(codeOf(await ask(server, getIntrospectionQuery()))).toBe('PERSISTED_QUERY_ONLY');
    });
  });
});
