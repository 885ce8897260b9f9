import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { liveSocketPath, liveSubprotocol, tokenSubprotocolPrefix } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import { tokenToleranceMs } from './device-tokens.ts';
import {
  connect,
  type RouterBench,
  startTestGatewayAlone,
  type TestDevice,
  type TestGateway,
  testEvent,
} from './gateway-testing.ts';

describe('a socket is closed', () => {
  const started: TestGateway[] = [];
  const start = async (
    limits: NonNullable<Parameters<typeof startTestGatewayAlone>[0]>['limits'] = {},
  ): Promise<TestGateway & RouterBench> => {
    const gateway = await startTestGatewayAlone({ limits });
    started.push(gateway);
    return gateway;
  };
  afterEach(async () => {
    for (const gateway of started.splice(0)) await gateway.close();
  });

  it.each<readonly [string, string | Buffer]>([
    ['no JSON', 'hello'],
    ['of another type', '{"type":"subscribe","event":"fight-1"}'],
    ['without a sequence', '{"type":"applied","epoch":1,"delayMs":1}'],
    ['with a negative sequence', '{"type":"applied","epoch":1,"sequence":-1,"delayMs":1}'],
    ['a list', '[]'],
    ['binary', Buffer.from('{"type":"applied","epoch":1,"sequence":1,"delayMs":1}')],
  ])('with 4400 after a message that is %s', async (_name, message) => {
    const gateway = await start();
    const device = await connect(gateway);
    device.socket.send(message);
    expect(await device.closed).toEqual({ code: 4400, reason: 'bad message' });
    expect(gateway.gateway.metrics.closed).toEqual({ 4400: 1 });
  });

  it('with 4429 after more messages than it may send, of which the first counted', async () => {
    const gateway = await start({ messagesBurst: 4, messagesPerSecond: 0.001 });
    const device = await connect(gateway);
    const [greeting] = device.received;
    for (let sent = 0; sent < 5; sent += 1) device.applied(must(greeting, 'it was greeted'));
    expect(await device.closed).toEqual({ code: 4429, reason: 'too many messages' });
    expect(gateway.gateway.metrics).toMatchObject({ applied: 1, ignored: 3 });
  });

  it.each(['ping', 'pong'] as const)('with 4429 after more frames of %s than it may send', async (frame) => {
    const gateway = await start({ messagesBurst: 4, messagesPerSecond: 0.001 });
    const device = await connect(gateway);
    for (let sent = 0; sent < 5; sent += 1) device.socket[frame]();
    expect(await device.closed).toEqual({ code: 4429, reason: 'too many messages' });
  });

  it('with 4401 when its token expires', async () => {
    const gateway = await start({ tickMs: 5 });
    const device = await connect(gateway, { expiresAtMs: Date.now() - tokenToleranceMs + 1_500 });
    expect(await device.closed).toEqual({ code: 4401, reason: 'token expired' });
  });

  it('with 1001 at the end of its lifetime, each at a time of its own and with a time to come back', async () => {
    const gateway = await start({ tickMs: 1, lifetimeMs: 300, lifetimeDitherMs: 250 });
    const devices = await Promise.all(
      Array.from({ length: 20 }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    const order: number[] = [];
    const closes = await Promise.all(
      devices.map(async ({ closed }, index) => {
        const close = await closed;
        order.push(index);
        return close;
      }),
    );
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1001]));
    for (const { reason } of closes) expect(reason).toMatch(/^retry=\d{1,4}$/);
    expect(new Set(closes.map(({ reason }) => reason)).size).toBeGreaterThan(10);
    expect(order).not.toEqual(order.toSorted((one, other) => one - other));
  });

  it('with 4409 when the same device connects again, and only then', async () => {
    const gateway = await start();
    const first = await connect(gateway, { device: 'tv-1' });
    const neighbour = await connect(gateway, { device: 'tv-1', member: 'Account:a2' });
    const second = await connect(gateway, { device: 'tv-1' });
    expect(await first.closed).toEqual({ code: 4409, reason: 'replaced' });
    const broadcast = gateway.advance();
    for (const device of [neighbour, second]) expect((await device.messages(2))[1]).toEqual(broadcast);
    expect(first.received).toHaveLength(1);
  });

  it('without a word when it answers no ping, while those that do stay', async () => {
    const gateway = await start({ tickMs: 5, pingMs: 40 });
    const token = await gateway.tokens.sign({
      event: testEvent,
      member: 'Account:a1',
      device: 'silent',
      expiresAtMs: Date.now() + 60_000,
    });
    const lively = await connect(gateway, { device: 'lively' });
    const silent = new WebSocket(
      `${gateway.url}?event=${testEvent}`,
      [liveSubprotocol, `${tokenSubprotocolPrefix}${token}`],
      { autoPong: false },
    );
    let pings = 0;
    silent.on('ping', () => {
      pings += 1;
    });
    const code = await new Promise<number>((resolve) => silent.once('close', resolve));
    expect({ code, pings }).toEqual({ code: 1006, pings: 2 });
    await expect.poll(() => gateway.gateway.metrics).toMatchObject({ sockets: 1, closed: { 1006: 1 } });
    expect(lively.socket.readyState).toBe(WebSocket.OPEN);
    // No page is told of a ping: a device hears it in words.
    expect(lively.heartbeats).toBeGreaterThan(1);
  });

  it('and is sent nothing more from its device’s goodbye on, though the answer to that still waits for its reader', async () => {
    const gateway = await start();
    const connections: Duplex[] = [];
    const stuck = createServer().on('upgrade', (request, connection, head) => {
      connections.push(connection);
      gateway.gateway.upgrade(request, connection, head);
    });
    await new Promise<void>((resolve) => stuck.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      stuck.close();
    });
    const { port } = stuck.address() as AddressInfo;
    const leaving = await connect({ ...gateway, url: `ws://127.0.0.1:${port}${liveSocketPath}` });
    const staying = await connect(gateway, { device: 'tv-2' });
    const connection = must(connections[0], 'the device is connected');
    connection.cork();
    leaving.socket.close(1000);
    await expect.poll(() => connection.writableLength).toBeGreaterThan(0);
    const { sent } = gateway.gateway.metrics;
    gateway.advance();
    await staying.messages(2);
    expect(gateway.gateway.metrics.sent).toBe(sent + 1);
    connection.uncork();
    expect(await leaving.closed).toMatchObject({ code: 1000 });
  });

  it('with 1001 when the gateway shuts down, a few at a time over the drain time', async () => {
    const gateway = await start({ drainMs: 300 });
    const devices = await Promise.all(
      Array.from({ length: 12 }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    const startedMs = Date.now();
    const closing = gateway.gateway.close();
    const afterMs: number[] = [];
    for (const { closed } of devices) void closed.then(() => afterMs.push(Date.now() - startedMs));
    const closes = await Promise.all(devices.map(({ closed }) => closed));
    await closing;
    expect(closes.every(({ code, reason }) => code === 1001 && /^retry=\d+$/.test(reason))).toBe(true);
    expect(afterMs.at(-1)).toBeGreaterThan(200);
    expect(afterMs.filter((ms) => ms < 100).length).toBeLessThan(8);
  });
});

describe('a reader that stalls', () => {
  it('is closed with 4408 when its bound is reached, and costs the others nothing', async () => {
    const gateway = await startTestGatewayAlone({ limits: { socketBufferBytesMax: 8_192, closeMs: 60_000 } });
    const stalled = await connect(gateway, { device: 'stalled' });
    const others = await Promise.all(
      Array.from({ length: 3 }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    stalled.socket.pause();
    const { metrics } = gateway.gateway;
    let broadcasts = 0;
    while (metrics.closed[4408] === undefined) {
      broadcasts += 1;
      gateway.advance();
      // The others read as they can: each of these waits for the last one of them.
      await Promise.all(others.map((device) => device.messages(1 + broadcasts)));
    }
    expect(metrics.closed).toEqual({ 4408: 1 });
    const last = gateway.advance();
    for (const device of others) expect((await device.messages(2 + broadcasts)).at(-1)).toEqual(last);
    stalled.socket.resume();
    expect(await stalled.closed).toEqual({ code: 4408, reason: 'too slow' });
    // What it did get is whole and in order.
    expect(sequences(stalled)).toEqual(sequences(stalled).map((_, index) => index + 1));
    await gateway.close();
    expect(gateway.reports.flatMap(({ dropped }) => dropped)).toEqual(['Account:a1']);
  });
});

function sequences({ received }: TestDevice): readonly number[] {
  return received.map(({ sequence }) => sequence);
}
