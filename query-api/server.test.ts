import { connect } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type Log, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphReader, type PropertyValue } from '../graph-store/index.ts';
import { ask, createWriter, startTestApi, type TestApiOptions } from './api-testing.ts';
import type { ApiServer } from './server.ts';

const canary = 'canary-7f3a /etc/secret';
const nodeQuery = '{ node(type: "Account", id: "a") { properties } }';
const journeyQuery = '{ journey(of: {type: "Account", id: "a"}) { edges { cursor } } }';

/** A store of which one reads differently. */
function readerWith(change: Partial<GraphReader>): GraphReader {
  const store = createMemoryStore(systemClock);
  return {
    node: change.node ?? ((ref) => store.node(ref)),
    journey: change.journey ?? ((query) => store.journey(query)),
    adjacency: (query) => store.adjacency(query),
    bulk: store.bulk,
    adjacencies: (queries) => store.adjacencies(queries),
    nodes: (refs) => store.nodes(refs),
    degree: (query) => store.degree(query),
    edge: (query) => store.edge(query),
    sources: change.sources ?? (() => store.sources()),
    estimate: change.estimate ?? (() => store.estimate()),
  };
}

function failing(error: Error): GraphReader {
  return readerWith({ node: () => Promise.reject(error) });
}

async function withApi<T>(options: TestApiOptions, use: (server: ApiServer) => Promise<T>): Promise<T> {
  const server = await startTestApi(options);
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

function portOf(server: ApiServer): number {
  return Number(new URL(server.url).port);
}

/** Sends bytes as they are and reads until the server closes the connection. */
async function raw(server: ApiServer, bytes: string): Promise<string> {
  const socket = connect(portOf(server), '127.0.0.1');
  socket.write(bytes);
  return await readAll(socket);
}

describe('A query', () => {
  it.each([
    ['node', nodeQuery, { node: 1 }],
    ['journey', journeyQuery, { journey: 1 }],
    ['status', '{ status { nodes edges topics { topic lag } } }', { sources: 1, estimate: 1 }],
  ])('for %s costs a fixed number of reads', async (_name, query, expected) => {
    const store = createMemoryStore(systemClock);
    const calls: Record<string, number> = {};
    const counted = <T>(name: string, answer: T): T => {
      calls[name] = (calls[name] ?? 0) + 1;
      return answer;
    };
    const reader = readerWith({
      node: (ref) => counted('node', store.node(ref)),
      journey: (asked) => counted('journey', store.journey(asked)),
      sources: () => counted('sources', store.sources()),
      estimate: () => counted('estimate', store.estimate()),
    });
    await withApi({ reader }, (server) => ask(server, query));
    expect(calls).toEqual(expected);
  });

  it('gets whole numbers beyond 2^53 as digits and hostile property names as they are', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    const properties: [string, PropertyValue][] = [
      ['big', 2n ** 60n],
      ['small', 7n],
      ['__proto__', 'x'],
    ];
    const node = { kind: 'node', node: { type: 'Account', id: 'a' }, properties } as const;
    await write([{ timeMs: 1, rank: 0, occurrence: 1n, mutations: [node] }]);
    const { text } = await withApi({ reader: store }, (server) => ask(server, nodeQuery));
    expect(text).toContain('"big":"1152921504606846976"');
    expect(text).toContain('"small":7');
    expect(text).toContain('"__proto__":"x"');
  });

  it.each([
    ['an outage of the store', new OutageError('STORE_READ_FAILED', canary), 'STORE_UNAVAILABLE'],
    ['a bug', new TypeError(canary), 'INTERNAL_SERVER_ERROR'],
  ])('that meets %s is told so and no more; the log has the cause', async (_name, error, code) => {
    const logged: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => logged.push(fields) };
    const { text } = await withApi({ reader: failing(error), log }, (server) => ask(server, nodeQuery));
    expect(text).toContain(`"code":"${code}"`);
    expect(text).toContain('"requestId":"request-1"');
    expect(text).not.toContain('canary');
    expect(logged).toEqual([expect.objectContaining({ requestId: 'request-1', code, error })]);
  });

  it('that takes longer than the deadline is answered with an error', async () => {
    const reader = readerWith({ node: () => Promise.withResolvers<null>().promise });
    const answer = await withApi({ reader, limits: { deadlineMs: 50 } }, (server) => ask(server, nodeQuery));
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('DEADLINE_EXCEEDED');
  });
});

describe('A connection', () => {
  it('that speaks no HTTP gets 400 and is closed', async () => {
    expect(await withApi({}, (server) => raw(server, 'EHLO\r\n\r\n'))).toMatch(/^HTTP\/1.1 400 /);
  });

  it.each([
    ['an address that is no URL', 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['no Host', 'GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['no Host in HTTP/1.0', 'GET /graphql HTTP/1.0\r\n\r\n', 403],
  ])('with %s is refused', async (_name, bytes, status) => {
    expect(await withApi({}, (server) => raw(server, bytes))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  const post = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  it('that sends its body too slowly is cut at the deadline', async () => {
    const slow = `${post}Content-Length: 100\r\n\r\n{`;
    const answer = await withApi({ limits: { deadlineMs: 50 } }, (server) => raw(server, slow));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('REQUEST_TIMEOUT');
  });

  it('that goes on sending too much in chunks is told so and cut', async () => {
    const chunks = `400\r\n${'x'.repeat(1024)}\r\n`.repeat(40);
    const answer = await withApi({ limits: { bodyBytesMax: 2000 } }, (server) =>
      raw(server, `${post}Transfer-Encoding: chunked\r\n\r\n${chunks}`),
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('REQUEST_TOO_LARGE');
  });
});

async function statusFor(server: ApiServer, host: string, headers = ''): Promise<number> {
  const answer = await raw(
    server,
    `GET /nothing HTTP/1.1\r\nHost: ${host}\r\n${headers}Connection: close\r\n\r\n`,
  );
  return Number(answer.split(' ')[1]);
}

describe('The gate', () => {
  it.each([
    ['localhost', 404],
    ['LOCALHOST:4000', 404],
    ['localhost.', 404],
    ['127.0.0.1:4000', 404],
    ['[::1]:4000', 404],
    ['Api.Example.com', 404],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1@evil.example', 403],
  ])('answers a request addressed to %s with %i', async (host, status) => {
    const gate = { allowedHosts: ['api.example.COM'] };
    expect(await withApi({ gate }, (server) => statusFor(server, host))).toBe(status);
  });

  it('lets nothing but the health checks and the page through without the token', async () => {
    await withApi({ gate: { token: 'tok-en' } }, async (server) => {
      expect(await statusFor(server, 'localhost')).toBe(401);
      expect(await statusFor(server, 'localhost', 'Authorization: Bearer wrong\r\n')).toBe(401);
      expect(await statusFor(server, 'localhost', 'Authorization: bearer tok-en\r\n')).toBe(404);
      expect((await ask(server, nodeQuery)).text).toContain('UNAUTHENTICATED');
      expect((await fetch(`${server.url}/livez`)).status).toBe(200);
      expect((await fetch(server.url)).status).toBe(200);
      expect((await fetch(`${server.url}/?query={status{nodes}}`, { method: 'POST' })).status).toBe(405);
    });
  });
});

describe('The IDE', () => {
  it('is one page that loads nothing from elsewhere and may not', async () => {
    await withApi({}, async (server) => {
      const response = await fetch(server.url, { headers: { accept: 'text/html' } });
      const page = await response.text();
      expect(page).toContain('status { version }');
      expect(page).not.toMatch(/<(script|link|img|iframe)[^>]{0,300}\b(src|href)\s*=\s*["']?(https?:)?\/\//i);
      expect(response.headers.get('content-security-policy')).toMatch(
        /default-src 'none'.*connect-src 'self'/,
      );
      const etag = response.headers.get('etag') ?? '';
      const again = await fetch(server.url, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
    });
  });
});

describe('Closing', () => {
  it('lets a running query end, cuts kept connections and frees the port', async () => {
    const reached = Promise.withResolvers<void>();
    const result = Promise.withResolvers<null>();
    const reader = readerWith({
      node: () => {
        reached.resolve();
        return result.promise;
      },
    });
    const server = await startTestApi({ reader, closeMs: 20_000 });
    const idle = connect(portOf(server), '127.0.0.1');
    idle.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => idle.once('data', resolve));
    const idleCut = new Promise((resolve) => idle.once('close', resolve));
    const running = ask(server, nodeQuery);
    await reached.promise;
    const closed = server.close();
    result.resolve(null);
    expect(JSON.parse((await running).text)).toEqual({ data: { node: null } });
    await Promise.all([closed, server.close(), idleCut]);
    await withApi({ port: portOf(server) }, async (again) => expect(portOf(again)).toBe(portOf(server)));
  }, 10_000);

  it('cuts a query that does not end', async () => {
    const reached = Promise.withResolvers<void>();
    const reader = readerWith({
      node: () => {
        reached.resolve();
        return Promise.withResolvers<null>().promise;
      },
    });
    const server = await startTestApi({ reader, closeMs: 20 });
    const cut = expect(ask(server, nodeQuery)).rejects.toThrow();
    await reached.promise;
    await server.close();
    await cut;
  }, 10_000);
});

describe('Starting', () => {
  it('says in one sentence that the port is in use', async () => {
    await withApi({}, async (server) => {
      const second = startTestApi({ port: portOf(server) });
      await expect(second).rejects.toMatchObject({ name: 'StopError', code: 'PORT_IN_USE' });
    });
  });
});
