import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Broadcast } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import { InProcessLink } from '../router/in-process-link.ts';
import { MemorySubscriptionTable } from '../router/subscription-table.ts';
import {
  connect,
  createTestRouter,
  type RouterBench,
  refusedConnect,
  startTestGateway,
  type TestGateway,
  testEvent,
} from './gateway-testing.ts';
import { RouterLinks } from './router-links.ts';
import {
  dialRouter,
  routerSecret,
  startRouterServer,
  type TestRouterServer,
} from './router-socket-testing.ts';

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one();
});

async function serve(bench: RouterBench, port = 0): Promise<TestRouterServer> {
  const server = await startRouterServer(bench.router, port);
  undo.push(() => server.kill());
  return server;
}

async function gatewayOn(...urls: readonly string[]): Promise<TestGateway & { readonly links: RouterLinks }> {
  const links = new RouterLinks(urls.map((url) => dialRouter(url)));
  const gateway = await startTestGateway(links, { limits: { reportMs: 10, tickMs: 5 } });
  undo.push(async () => {
    await gateway.close();
    links.close();
  });
  await expect.poll(() => links.connected).toBe(true);
  return { ...gateway, links };
}

describe('a gateway and a router, each in a process of its own', () => {
  it('pass on broadcasts, histories and reports', async () => {
    const bench = createTestRouter();
    for (let stage = 1; stage < 40; stage += 1) bench.advance();
    const gateway = await gatewayOn((await serve(bench)).url);
    const device = await connect(gateway, { after: { epoch: 1_000, sequence: 38 } });
    const old = await connect(gateway, { device: 'old', after: { epoch: 1_000, sequence: 3 } });
    const next = bench.advance();
    expect((await device.messages(4)).map(({ sequence }) => sequence)).toEqual([40, 39, 40, 41]);
    expect((await old.messages(3)).map(({ sequence }) => sequence)).toEqual([40, 40, 41]);
    device.applied(next, 7);
    await expect
      .poll(() => bench.reports.flatMap(({ gateway: id, applied }) => applied.map((one) => ({ id, ...one }))))
      .toEqual([{ id: 'gateway-1', member: 'Account:a1', device: 'tv-1', delayMs: 7 }]);
    expect(bench.router.gateways.attached).toEqual(['gateway-1']);
    expect(bench.router.socketLimits).toEqual([500]);
  });

  it('know of no event that is not there', async () => {
    const gateway = await gatewayOn((await serve(createTestRouter())).url);
    const device = await connect(gateway, { event: 'fight-2', hear: () => undefined });
    expect(await device.closed).toEqual({ code: 4404, reason: 'event gone' });
    expect(gateway.gateway.metrics).toMatchObject({ sockets: 0, connecting: 0, closed: { 4404: 1 } });
  });

  it('tell devices of an event that it is removed, and no others', async () => {
    const bench = createTestRouter();
    bench.journal.create('fight-2');
    const gateway = await gatewayOn((await serve(bench)).url);
    const device = await connect(gateway);
    const other = await connect(gateway, { event: 'fight-2' });
    bench.journal.remove(testEvent);
    bench.router.gone(testEvent);
    expect(await device.closed).toEqual({ code: 4404, reason: 'event gone' });
    expect(bench.router.subscribersOf(testEvent)).toEqual([]);
    bench.advance('fight-2');
    expect((await other.messages(2))[1]).toMatchObject({ event: 'fight-2', sequence: 2 });
  });

  it('tell devices that an event is removed where it was, also beside a router that never had it', async () => {
    const [bench, stranger] = [createTestRouter(), createTestRouter()];
    stranger.journal.remove(testEvent);
    const [url, strangers] = [(await serve(bench)).url, (await serve(stranger)).url];
    const gateway = await gatewayOn(url, strangers);
    await expect.poll(() => stranger.router.gateways.attached).toEqual(['gateway-1']);
    const device = await connect(gateway);
    bench.advance();
    await device.messages(2);
    bench.journal.remove(testEvent);
    bench.router.gone(testEvent);
    expect(await device.closed).toMatchObject({ code: 4404 });
  });

  it('tell devices that an event is removed though another router cannot be asked', async () => {
    const bench = createTestRouter();
    const away = await serve(createTestRouter(undefined, bench.journal));
    const gateway = await gatewayOn((await serve(bench)).url, away.url);
    await away.kill();
    const device = await connect(gateway);
    bench.journal.remove(testEvent);
    bench.router.gone(testEvent);
    expect(await device.closed).toEqual({ code: 4404, reason: 'event gone' });
  });

  it('lose no device, and tell it no untruth, while the router that has its event starts again beside one that never had it', async () => {
    const [bench, stranger] = [createTestRouter(), createTestRouter()];
    stranger.journal.remove(testEvent);
    for (let stage = 1; stage < 4; stage += 1) bench.advance();
    const [owner, other] = [await serve(bench), await serve(stranger)];
    const gateway = await gatewayOn(other.url, owner.url);
    await expect.poll(() => stranger.router.gateways.attached).toEqual(['gateway-1']);
    await expect.poll(() => bench.router.gateways.attached).toEqual(['gateway-1']);
    const device = await connect(gateway, { after: { epoch: 1_000, sequence: 2 } });
    expect((await device.messages(3)).map(({ type }) => type)).toEqual(['welcome', 'broadcast', 'broadcast']);
    await owner.kill();
    await other.kill();
    await serve(stranger, other.port);
    await expect.poll(() => stranger.router.gateways.attached).toEqual(['gateway-1']);
    const ahead = { device: 'tv-2', after: { epoch: 1_000, sequence: 5 } };
    expect(await refusedConnect(gateway, ahead)).toMatchObject({ body: { code: 'BUSY' } });
    const next = bench.advance();
    await serve(bench, owner.port);
    expect((await device.messages(4))[3]).toEqual(next);
    expect((await connect(gateway, ahead)).received).toMatchObject([{ type: 'welcome', sequence: 5 }]);
  });

  it('go on with an event at a router that did not have it until it began anew with the data of the one that had', async () => {
    const [bench, stranger] = [createTestRouter(), createTestRouter()];
    stranger.journal.remove(testEvent);
    stranger.journal.create('fight-2');
    const [owner, other] = [await serve(bench), await serve(stranger)];
    const gateway = await gatewayOn(owner.url, other.url);
    await expect.poll(() => stranger.router.gateways.attached).toEqual(['gateway-1']);
    const device = await connect(gateway);
    // Answered behind what it said of the other event.
    await connect(gateway, { event: 'fight-2' });
    await owner.kill();
    await other.kill();
    const missed = bench.advance();
    const heir = createTestRouter(undefined, bench.journal);
    await serve(heir, other.port);
    expect((await device.messages(2))[1]).toEqual(missed);
    await expect.poll(() => heir.router.socketsOf(testEvent)).toBe(1);
    const next = heir.advance();
    expect((await device.messages(3))[2]).toEqual(next);
    expect(await gateway.links.history(testEvent, missed)).toEqual({
      kind: 'broadcasts',
      broadcasts: [next],
    });
  });

  it('know how many devices of an event there are at all gateways, also after a router has begun anew', async () => {
    const bench = createTestRouter();
    const server = await serve(bench);
    const own = await startTestGateway(new InProcessLink(bench.router, 'own', 700), { id: 'own', limits: { reportMs: 10, tickMs: 5 } }); // biome-ignore format: one row
    undo.push(() => own.close());
    const gateway = await gatewayOn(server.url);
    const devices = await Promise.all(['tv-1', 'tv-2', 'tv-3'].map((device) => connect(gateway, { device })));
    await connect(own, { device: 'tv-4' });
    await expect.poll(() => bench.router.socketsOf(testEvent)).toBe(4);
    expect(bench.router.socketsOf('fight-2')).toBe(0);
    must(devices[0], 'three connected').socket.close();
    await expect.poll(() => bench.router.socketsOf(testEvent)).toBe(3);
    await server.kill();
    await expect.poll(() => bench.router.socketsOf(testEvent)).toBe(1);
    const next = createTestRouter();
    await serve(next, server.port);
    await expect.poll(() => next.router.socketsOf(testEvent)).toBe(2);
  });

  it('send broadcasts only where somebody listens', async () => {
    const bench = createTestRouter();
    bench.journal.create('fight-2');
    const { url } = await serve(bench);
    const gateway = await gatewayOn(url);
    await connect(gateway);
    bench.advance('fight-2');
    bench.advance();
    expect(bench.router.metrics).toMatchObject({ broadcasts: 2, sent: 1 });
  });

  it('lose nothing while the router is away: what was journaled meanwhile comes when it is back, in order', async () => {
    const bench = createTestRouter();
    const server = await serve(bench);
    const gateway = await gatewayOn(server.url);
    const device = await connect(gateway);
    bench.advance();
    await device.messages(2);
    await server.kill();
    const missed = Array.from({ length: 5 }, () => bench.advance());
    await serve(bench, server.port);
    const received = await device.messages(7);
    expect(received.slice(2)).toEqual(missed);
    expect(received[1]?.sequence).toBe(2);
  });

  it('go on with the state where the journal has not all that was missed, or lives anew', async () => {
    const bench = createTestRouter();
    const server = await serve(bench);
    const gateway = await gatewayOn(server.url);
    const device = await connect(gateway);
    await server.kill();
    const missed = Array.from({ length: 5 }, () => bench.advance());
    bench.journal.trim(testEvent, 2);
    const second = await serve(bench, server.port);
    expect((await device.messages(2))[1]).toEqual(missed[4]);
    await second.kill();
    const anew = bench.journal.restore(testEvent);
    await serve(bench, server.port);
    expect((await device.messages(3))[2]).toEqual(anew);
  });

  it('close sockets of an event that is not there any more when the router is back', async () => {
    const bench = createTestRouter();
    const server = await serve(bench);
    const gateway = await gatewayOn(server.url);
    const device = await connect(gateway);
    await server.kill();
    const other = createTestRouter();
    other.journal.remove(testEvent);
    await serve(other, server.port);
    expect(await device.closed).toMatchObject({ code: 4404 });
  });

  it('send devices away while there is no router, and serve those who are there', async () => {
    const bench = createTestRouter();
    const server = await serve(bench);
    const gateway = await gatewayOn(server.url);
    const device = await connect(gateway);
    await server.kill();
    await expect.poll(() => gateway.links.connected).toBe(false);
    expect(await refusedConnect(gateway, { event: 'fight-2' })).toMatchObject({ body: { code: 'BUSY' } });
    // The event is known here: no router is needed.
    await connect(gateway, { device: 'tv-2' });
    expect(device.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('hear of a broadcast once from two routers, and from one when the other is killed', async () => {
    const one = createTestRouter();
    const two = createTestRouter(undefined, one.journal);
    const servers = [await serve(one), await serve(two)];
    const gateway = await gatewayOn(...servers.map(({ url }) => url));
    const device = await connect(gateway);
    await expect.poll(() => [one, two].flatMap(({ router }) => router.gateways.attached)).toHaveLength(2);
    await expect.poll(() => two.router.subscribersOf(testEvent)).toEqual(['gateway-1']);
    const told = (): Broadcast => {
      const broadcast = one.advance();
      two.router.broadcast(broadcast);
      return broadcast;
    };
    const first = told();
    await device.messages(2);
    await servers[0]?.kill();
    const second = told();
    expect((await device.messages(3)).slice(1)).toEqual([first, second]);
    await expect.poll(() => gateway.gateway.metrics.stale).toBeGreaterThanOrEqual(1);
  });

  it('leave rows in the table while they last, and none when the gateway has gone', async () => {
    const table = new MemorySubscriptionTable();
    const bench = createTestRouter(table);
    const gateway = await gatewayOn((await serve(bench)).url);
    const device = await connect(gateway);
    await expect
      .poll(() => table.load())
      .toMatchObject([{ event: testEvent, gateway: 'gateway-1', address: '127.0.0.1' }]);
    const next = createTestRouter(table);
    await next.router.start();
    expect(next.router.gateways).toEqual({ attached: [], expected: ['gateway-1'] });
    device.socket.terminate();
    await gateway.gateway.close();
    await expect.poll(() => table.load()).toEqual([]);
  });
});

describe('a router takes no gateway', () => {
  const status = async (url: string, authorization?: string): Promise<number> => {
    const socket = new WebSocket(url, { headers: authorization === undefined ? {} : { authorization } });
    socket.on('error', () => undefined);
    return await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.once('open', () => resolve(101));
    });
  };

  it.each([
    ['without a secret', undefined],
    ['with another one', 'Bearer a-secret-of-gatewayz'],
    ['with the beginning of it', 'Bearer a'],
  ])('%s', async (_name, authorization) => {
    const { url } = await serve(createTestRouter());
    expect(await status(url, authorization)).toBe(401);
  });

  it('that has the id of another one without cutting off that one, so that it does not miss broadcasts unknowingly', async () => {
    const bench = createTestRouter();
    const { url } = await serve(bench);
    const hello = (more = ''): WebSocket => {
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${routerSecret}` } });
      socket.once('open', () => socket.send(`{"type":"hello","gateway":"gateway-7"${more}}`));
      return socket;
    };
    const first = hello(',"socketsMax":500');
    const closed = new Promise((resolve) => first.once('close', resolve));
    await new Promise((resolve) => first.once('open', resolve));
    await expect.poll(() => bench.router.socketLimits).toEqual([500]);
    const second = hello();
    expect(await closed).toBe(1001);
    expect(bench.router.socketLimits).toEqual([null]);
    expect(second.readyState).toBe(WebSocket.OPEN);
    second.terminate();
  });

  it.each([
    ['that says nothing of the protocol', 'hello'],
    ['that does not say first who it is', '{"type":"unsubscribe","event":"fight-1"}'],
    ['with a name that is none', '{"type":"hello","gateway":"a/b"}'],
  ])('%s', async (_name, message) => {
    const { url } = await serve(createTestRouter());
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${routerSecret}` } });
    socket.once('open', () => socket.send(message));
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4400);
  });

  it('that never says who it is', async () => {
    const server = await startRouterServer(createTestRouter().router, 0, { helloMs: 20 });
    undo.push(() => server.kill());
    const socket = new WebSocket(server.url, { headers: { authorization: `Bearer ${routerSecret}` } });
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1006);
  });
});
