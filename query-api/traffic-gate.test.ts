import http from 'node:http';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { type ExtensionRoute, noExtension } from './api-extension.ts';
import { startTestApi } from './api-testing.ts';
import { localCaller } from './auth/caller.ts';
import type { ApiServer } from './server.ts';
import { admitRequest, type TrafficGate, type TrafficOutcome, type TrafficRequest } from './traffic-gate.ts';

let server: ApiServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function ask(traffic: TrafficGate, path = '/graphql'): Promise<Response> {
  server ??= await startTestApi({ traffic });
  return await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-class': 'bulk' },
    body: JSON.stringify({ query: '{ node(type: "A", id: "x") { id } }' }),
  });
}

it('A request is asked for with what is known before its body is read, and its end is told with what it took', async () => {
  const asked: TrafficRequest[] = [];
  const ended = Promise.withResolvers<TrafficOutcome>();
  const response = await ask(
    {
      admit: (request) => {
        asked.push(request);
        return { kind: 'admitted', done: ended.resolve };
      },
    },
    '/graphql?x=1',
  );
  expect(await response.json()).toEqual({ data: { node: null } });
  expect(await ended.promise).toEqual({ kind: 'answered', downstreamCalls: 1 });
  expect(asked).toMatchObject([{ path: '/graphql', search: '?x=1', caller: { kind: 'local' } }]);
  expect(asked[0]?.headers['x-request-class']).toBe('bulk');
});

it('A request that is refused is told when to come back and how often to try', async () => {
  const response = await ask({
    admit: () => ({ kind: 'refused', status: 503, code: 'OVERLOADED', retryAfterMs: 2500, retriesMax: 3 }),
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('3');
  const { errors } = await response.json();
  expect(errors[0].extensions).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 2500, retriesMax: 3 });
});

it('A caller who went away while it was found out who they are leaves no place taken', async () => {
  const ended = Promise.withResolvers<TrafficOutcome>();
  const admitted = Promise.withResolvers<unknown>();
  const gate: TrafficGate = { admit: () => ({ kind: 'admitted', done: ended.resolve }) };
  const asked = { headers: {}, path: '/graphql', search: '', caller: localCaller };
  const plain = http.createServer((_request, response) => {
    response.once('close', () => admitted.resolve(admitRequest(gate, asked, response, 'request-1')));
    client.destroy();
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void plain.close());
  const address = plain.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const client = http.get({ host: '127.0.0.1', port });
  client.once('error', () => undefined);
  expect(await admitted.promise).toBe(null);
  expect(await ended.promise).toEqual({ kind: 'abandoned', downstreamCalls: 0 });
});

it('An answer that something is not there yet is no timeout', async () => {
  const ended = Promise.withResolvers<TrafficOutcome>();
  const notYet: ExtensionRoute = {
    prefix: '/graphqls',
    isOpen: false,
    handle: async (_request, response) => {
      response.writeHead(503).end();
    },
  };
  server = await startTestApi({
    traffic: { admit: () => ({ kind: 'admitted', done: ended.resolve }) },
    extension: { ...noExtension, routes: [notYet] },
  });
  expect((await fetch(`${server.url}/graphqls`)).status).toBe(503);
  expect((await ended.promise).kind).toBe('failed');
});

it('Health checks are answered whatever the traffic', async () => {
  const refuses: TrafficGate = {
    admit: () => ({ kind: 'refused', status: 503, code: 'OVERLOADED', retryAfterMs: 1, retriesMax: 1 }),
  };
  server = await startTestApi({ traffic: refuses });
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});
