import { connect as dial } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveSubprotocol, messageBytesMax } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { ConnectRefusal } from './connect-refusal.ts';
import {
  type ConnectOptions,
  connect,
  type RouterBench,
  refusedConnect,
  startTestGatewayAlone,
  type TestGateway,
  testOrigin,
} from './gateway-testing.ts';

type Bench = TestGateway & RouterBench;

async function withGateway(
  options: Parameters<typeof startTestGatewayAlone>[0],
  use: (gateway: Bench) => Promise<void>,
): Promise<void> {
  const gateway = await startTestGatewayAlone(options);
  try {
    await use(gateway);
  } finally {
    await gateway.close();
  }
}

describe('a connect that is no socket', () => {
  let gateway: Bench;
  beforeAll(async () => {
    gateway = await startTestGatewayAlone();
  });
  afterAll(() => gateway.close());

  const protocolsOf = (...protocols: readonly string[]): ConnectOptions => ({ protocols });
  it.each<readonly [string, number, string, ConnectOptions]>([
    ['a cursor that is none', 400, 'BAD_CURSOR', { after: '7' }],
    ['a cursor with a sign', 400, 'BAD_CURSOR', { after: '-1.7' }],
    ['a cursor beyond all numbers', 400, 'BAD_CURSOR', { after: '1.9999999999999999' }],
    ['an event that cannot be one', 400, 'BAD_EVENT', { event: 'fight/1' }],
    ['an event of a thousand letters', 400, 'BAD_EVENT', { event: 'f'.repeat(1_000) }],
    ['no subprotocol', 400, 'BAD_SUBPROTOCOL', protocolsOf()],
    ['another subprotocol', 400, 'BAD_SUBPROTOCOL', protocolsOf('journey-graph-live.v2', 'token.a.b.c')],
    ['no token', 401, 'UNAUTHENTICATED', protocolsOf(liveSubprotocol)],
    ['an empty token', 401, 'TOKEN_REFUSED', protocolsOf(liveSubprotocol, 'token.')],
    ['a forged token', 401, 'TOKEN_REFUSED', { token: 'eyJhbGciOiJub25lIn0.e30.' }],
    ['a token of five thousand letters', 401, 'TOKEN_REFUSED', { token: 'a'.repeat(5_000) }],
    ['an expired token', 401, 'TOKEN_EXPIRED', { expiresAtMs: Date.now() - 60_000 }],
    ['a page of another site', 403, 'ORIGIN_NOT_ALLOWED', { origin: 'https://evil.example' }],
    ['a site that begins like ours', 403, 'ORIGIN_NOT_ALLOWED', { origin: `${testOrigin}.evil` }],
    ['our site without TLS', 403, 'ORIGIN_NOT_ALLOWED', { origin: testOrigin.replace('https', 'http') }],
    ['a page without an origin', 403, 'ORIGIN_NOT_ALLOWED', { origin: 'null' }],
  ])('is refused with %s', async (_name, status, code, options) => {
    const before = gateway.gateway.metrics.refused[code] ?? 0;
    const refused = await refusedConnect(gateway, options);
    expect(refused).toMatchObject({ status, body: { code } });
    expect(gateway.gateway.metrics.refused[code]).toBe(before + 1);
    expect(gateway.gateway.metrics).toMatchObject({ sockets: 0, connecting: 0 });
  });

  it('is refused with the token of another event', async () => {
    const expiresAtMs = Date.now() + 60_000;
    const other = { event: 'fight-2', member: 'Account:a1', device: 'tv-1', expiresAtMs };
    const token = await gateway.tokens.sign(other);
    expect(await refusedConnect(gateway, { token })).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_REFUSED' },
    });
  });

  it('is none of ours on another path', async () => {
    const socket = dial(gateway.port, '127.0.0.1');
    socket.write(
      'GET /live/sockets HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (part) => {
        text += String(part);
      });
      socket.on('close', () => resolve(text));
    });
    expect(answer).toBe('');
  });

  it('takes a page of an allowed site, and a token in the header of those who can set one', async () => {
    const expiresAtMs = Date.now() + 60_000;
    const claims = { event: 'fight-1', member: 'Account:a1', device: 'tv-9', expiresAtMs };
    const token = await gateway.tokens.sign(claims);
    const device = await connect(gateway, {
      origin: testOrigin,
      protocols: [liveSubprotocol],
      headers: { authorization: `Bearer ${token}` },
    });
    expect(device.socket.protocol).toBe(liveSubprotocol);
    expect(device.socket.extensions).toBe('');
    device.socket.close();
    await device.closed;
  });
});

describe('a gateway that has enough', () => {
  it('sends those who come too fast away one after the other, each later than the one before', async () => {
    const limits = { connectsPerSecond: 0.5, connectsBurst: 1, retriesMax: 3 };
    await withGateway({ limits }, async (gateway) => {
      await connect(gateway);
      const first = await refusedConnect(gateway, { device: 'tv-2' });
      const second = await refusedConnect(gateway, { device: 'tv-3' });
      expect(first).toMatchObject({ status: 503, body: { code: 'BUSY', retriesMax: 3 } });
      const [firstMs, secondMs] = [first, second].map(({ body }) => must(body.retryAfterMs, 'it is said'));
      expect(firstMs).toBeGreaterThan(1_500);
      expect(secondMs).toBeGreaterThan(must(firstMs, 'there are two') + 1_500);
      expect(Number(second.retryAfter)).toBe(Math.ceil(must(secondMs, 'there are two') / 1_000));
    });
  });

  it('has room for so many sockets, and for another when one has gone', async () => {
    await withGateway({ limits: { socketsMax: 2 } }, async (gateway) => {
      const one = await connect(gateway, { device: 'tv-1' });
      await connect(gateway, { device: 'tv-2' });
      const refused = await refusedConnect(gateway, { device: 'tv-3' });
      expect(refused).toMatchObject({ status: 503, body: { code: 'TOO_MANY_SOCKETS' } });
      expect(refused.retryAfter).toMatch(/^\d+$/);
      one.socket.terminate();
      await expect.poll(() => gateway.gateway.metrics.sockets).toBe(1);
      await connect(gateway, { device: 'tv-3' });
    });
  });

  it.each([
    [503, 'OVERLOADED'],
    [429, 'CLASS_PAUSED'],
  ] as const)(
    'hands on with %i that its process is %s, with when to come back and how often',
    async (status, code) => {
      let isFull = true;
      const refuses = (): ConnectRefusal | null =>
        isFull ? { code, retryAfterMs: 2_500, retriesMax: 8 } : null;
      await withGateway(
        { refuses, limits: { connectsBurst: 1, connectsPerSecond: 0.001 } },
        async (gateway) => {
          const refused = await refusedConnect(gateway);
          expect(refused).toEqual({
            status,
            retryAfter: '3',
            body: { code, retryAfterMs: 2_500, retriesMax: 8 },
          });
          expect(gateway.gateway.metrics.refused).toEqual({ [code]: 1 });
          isFull = false;
          // It has taken nothing of what connects have.
          await connect(gateway);
        },
      );
    },
  );

  it('takes nobody while it drains', async () => {
    await withGateway({ limits: { drainMs: 1_000 } }, async (gateway) => {
      const device = await connect(gateway);
      const closing = gateway.gateway.close();
      expect(await refusedConnect(gateway, { device: 'tv-2' })).toMatchObject({
        status: 503,
        body: { code: 'GOING_AWAY' },
      });
      await closing;
      expect(await device.closed).toMatchObject({ code: 1001 });
    });
  });

  it('keeps no more of a message than it may have', async () => {
    await withGateway({}, async (gateway) => {
      const device = await connect(gateway);
      device.socket.send('x'.repeat(messageBytesMax + 1));
      expect(await device.closed).toMatchObject({ code: 1009 });
      const large = await connect(gateway);
      large.socket.send('x'.repeat(66_560));
      expect(await large.closed).toMatchObject({ code: 1009 });
      await expect.poll(() => gateway.gateway.metrics.sockets).toBe(0);
    });
  });
});
