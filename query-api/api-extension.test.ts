import { once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { GraphQLInt, GraphQLString } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type ApiExtension, routeOf } from './api-extension.ts';
import { startTestApi } from './api-testing.ts';
import type { ApiServer } from './server.ts';

let server: ApiServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const sockets = new WebSocketServer({ noServer: true });
const extension: ApiExtension = {
  query: { answer: { type: GraphQLInt, resolve: () => 42 } },
  mutation: { change: { type: GraphQLString, resolve: (_source, _input, { caller }) => caller.kind } },
  routes: [
    {
      prefix: '/other/',
      isOpen: false,
      handle: async (_request, response, { caller, url }) => {
        response.end(`${caller?.kind} asked for ${url.pathname}`);
      },
    },
    {
      prefix: '/other/open/',
      isOpen: true,
      handle: async (_request, response, { caller }) => {
        response.end(String(caller));
      },
    },
    {
      prefix: '/other/broken',
      isOpen: false,
      handle: async () => {
        throw new Error('a fault of the other room');
      },
    },
  ],
  metrics: [
    {
      kind: 'gauge',
      name: 'other_things',
      help: 'How many.',
      labelNames: ['kind'],
      read: () => [{ labels: { kind: 'large' }, value: 3 }],
    },
  ],
  sockets: [
    {
      path: '/other/socket',
      upgrade: (request, connection, head) => {
        sockets.handleUpgrade(request, connection, head, (socket) => socket.send('hello'));
        return true;
      },
    },
    { path: '/other/full', upgrade: () => false },
    {
      path: '/other/slow',
      upgrade: (_request, connection) => {
        took(connection);
        return true;
      },
    },
  ],
};
/** A connection that the other room has taken and has done nothing with yet. */
let took = (_connection: Duplex): void => undefined;

async function start(token: string | null): Promise<string> {
  server = await startTestApi({ extension, gate: { token, allowedHosts: [], anyHost: false } });
  return server.url;
}

async function graphql(url: string, query: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return await response.json();
}

it('Another room adds root fields to the schema', async () => {
  const url = await start(null);
  expect(await graphql(url, '{ answer }')).toEqual({ data: { answer: 42 } });
  expect(await graphql(url, 'mutation { change }')).toEqual({ data: { change: 'local' } });
});

it('Routes of another room are asked with who asks, the most particular one first', async () => {
  const url = await start('secret');
  const headers = { authorization: 'Bearer secret' };
  const named = await fetch(`${url}/other/thing`, { headers });
  expect(await named.text()).toBe('operator asked for /other/thing');
  expect((await fetch(`${url}/other/thing`)).status).toBe(401);
  expect(await (await fetch(`${url}/other/open/page`)).text()).toBe('null');
});

it('Figures of another room are among the metrics', async () => {
  const url = await start(null);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('other_things{kind="large"} 3\n');
});

it('A fault of another room is answered with 500 and says nothing of it', async () => {
  const url = await start(null);
  const response = await fetch(`${url}/other/broken`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('fault of the other room');
});

it('A host that the server does not go by reaches no route of another room, open or not', async () => {
  const url = new URL(await start(null));
  const status = await new Promise((resolve) => {
    const headers = { host: 'evil.example' };
    http.get({ hostname: url.hostname, port: url.port, path: '/other/open/page', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  expect(status).toBe(403);
});

it('A WebSocket at the path of another room is opened there', async () => {
  const url = await start(null);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/other/socket`);
  const text = await new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data)));
    socket.once('error', reject);
  });
  socket.terminate();
  expect(text).toBe('hello');
});

it('A host that the server does not go by opens no WebSocket of another room', async () => {
  const url = await start(null);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/other/socket`, {
    headers: { host: 'evil.example' },
  });
  const status = await new Promise((resolve, reject) => {
    socket.once('unexpected-response', (request, response) => {
      // Not by `terminate`: it makes an error of a handshake that is still open, and nothing listens for that.
      request.destroy();
      resolve(response.statusCode);
    });
    socket.once('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.once('error', reject);
  });
  expect(status).toBe(403);
});

/** Over a connection of its own, with the path as it stands: clients resolve it before they send it. */
function upgrade(url: string, path: string): Socket {
  const { port, hostname, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  return socket;
}

/** All that comes until the server closes it. */
async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part) => {
    text += String(part);
  });
  await once(socket, 'close');
  return text;
}

describe('A connection that asks for a WebSocket of another room', () => {
  it.each([
    '/other/./socket',
    '/other/%2e/socket',
    '/./other/socket',
    '//x/other/socket',
    '/other/x/../socket',
  ])('at %s, which only resolves to its path, is answered and closed', async (path) => {
    const url = await start(null);
    expect(await answerOf(upgrade(url, path))).toMatch(/^HTTP\/1\.1 404 .*"code":"NOT_FOUND"/s);
  });

  it('is answered and closed when the room does not take it', async () => {
    const url = await start(null);
    expect(await answerOf(upgrade(url, '/other/full?a=1'))).toMatch(/^HTTP\/1\.1 404 .*"code":"NOT_FOUND"/s);
  });

  it('and resets it before anybody listens for that costs nobody else anything', async () => {
    const url = await start(null);
    const taken = new Promise<Duplex>((resolve) => {
      took = resolve;
    });
    const socket = upgrade(url, '/other/slow');
    const connection = await taken;
    // Without one the error below would end the process, and no test would fail by it.
    expect(connection.listenerCount('error')).toBeGreaterThan(0);
    // Not by `once`, which would listen for errors.
    const gone = new Promise<void>((resolve) => connection.on('close', resolve));
    socket.resetAndDestroy();
    await gone;
    expect(connection.errored).toMatchObject({ code: 'ECONNRESET' });
    expect(await graphql(url, '{ answer }')).toEqual({ data: { answer: 42 } });
  });
});

it('The longest prefix counts, and none where nothing fits', () => {
  expect(routeOf(extension.routes, '/other/open/a')?.isOpen).toBe(true);
  expect(routeOf(extension.routes, '/other/a')?.isOpen).toBe(false);
  expect(routeOf(extension.routes, '/another')).toBe(null);
});
