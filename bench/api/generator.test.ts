import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { generateLoad } from './generator.ts';
import type { LoadOrder, LoadReport } from './load.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function loadOn(listener: RequestListener, order: Partial<LoadOrder>): Promise<LoadReport> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on a port');
  return generateLoad({
    host: '127.0.0.1',
    port: address.port,
    body: ['{"id":"', '"}'],
    accounts: 10,
    seed: 1,
    perSecond: 100,
    seconds: 1,
    connections: 2,
    waitingMax: 1000,
    ...order,
  });
}

it('asks for an account in each body, as often as it was told to', async () => {
  const bodies: string[] = [];
  const report = await loadOn((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      response.end('{"data":{}}');
    });
  }, {});
  expect(report).toMatchObject({ sent: 100, answered: 100, errors: 0, gaveUp: false, bytesPerAnswer: 11 });
  expect(new Set(bodies.map((body) => body.replace(/\d{7}/, '')))).toEqual(new Set(['{"id":"acc-"}']));
  expect(new Set(bodies).size).toBe(10);
});

it('counts the time for which a request had to wait for those before it', async () => {
  // Closed loops see two slow answers here, one a connection, and a median of a millisecond.
  const held = { until: 0 };
  const report = await loadOn((request, response) => {
    if (held.until === 0) held.until = performance.now() + 700;
    request.resume();
    setTimeout(() => response.end('{"data":{}}'), Math.max(0, held.until - performance.now()));
  }, {});
  expect(report).toMatchObject({ answered: 100, errors: 0 });
  expect(report.p50Ms).toBeGreaterThan(100);
  expect(report.maxMs).toBeGreaterThan(600);
});

it('gives up when too many wait, and their waiting counts', async () => {
  const never: RequestListener = (request) => {
    request.resume();
  };
  const report = await loadOn(never, { seconds: 30, waitingMax: 50 });
  expect(report.gaveUp).toBe(true);
  expect(report.sent).toBeLessThan(200);
  expect(report.maxMs).toBeGreaterThan(300);
});

it.each<[string, number, RequestListener]>([
  ['another status', 0, (_request, response) => response.writeHead(500).end('{"data":{}}')],
  ['status 503', 20, (_request, response) => response.writeHead(503).end('{"data":{}}')],
  ['errors in it', 0, (_request, response) => response.end('{"errors":[],"data":null}')],
  ['its connection closed', 0, (request) => request.socket.destroy()],
])('an answer with %s is an error', async (_name, refused, listener) => {
  const report = await loadOn(listener, { perSecond: 20 });
  expect([report.answered, report.errors, report.refused]).toEqual([0, 20, refused]);
  expect(report.firstError).not.toBe(null);
});
