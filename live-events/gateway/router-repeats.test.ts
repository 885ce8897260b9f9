import { afterEach, describe, expect, it } from 'vitest';
import { type Broadcast, noCursor } from '../../device/index.ts';
import { silentLog } from '../../foundation/index.ts';
import type { LinkListener } from '../ports.ts';
import { VirtualClock } from '../producer/virtual-clock.fake.ts';
import { createTestRouter, type RouterBench, testEvent } from './gateway-testing.ts';
import { RouterLinks } from './router-links.ts';
import { dialRouter, startRouterServer, type TestRouterServer } from './router-socket-testing.ts';

/** For six hundred subscriptions to go and to come back over one connection, on a machine that does other work. */
const patience = { timeout: 20_000 };
const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one();
});

async function serve(bench: RouterBench, port = 0): Promise<TestRouterServer> {
  const server = await startRouterServer(bench.router, port);
  undo.push(() => server.kill());
  return server;
}

function recorder(): LinkListener & { readonly heard: Broadcast[] } {
  const heard: Broadcast[] = [];
  return { heard, broadcast: (broadcast) => void heard.push(broadcast), gone: () => undefined };
}

describe('a subscription', () => {
  it('that one of two routers has no room for is repeated there until it has, and outlives the other router', async () => {
    const one = createTestRouter();
    const two = createTestRouter(undefined, one.journal, { subscriptionsPerGatewayMax: 1 });
    one.journal.create('fight-2');
    const servers = [await serve(one), await serve(two)];
    const dialed = servers.map(({ url }) => dialRouter(url));
    const links = new RouterLinks(dialed);
    undo.push(() => links.close());
    const listener = recorder();
    links.listen(listener);
    await expect.poll(() => dialed.every(({ connected }) => connected)).toBe(true);
    await links.subscribe('fight-2', noCursor);
    await expect.poll(() => two.router.subscribersOf('fight-2')).toHaveLength(1);
    expect(await links.subscribe(testEvent, noCursor)).toMatchObject({ sequence: 1 });
    expect(two.router.subscribersOf(testEvent)).toEqual([]);
    links.unsubscribe('fight-2');
    await expect.poll(() => two.router.subscribersOf(testEvent)).toEqual(['gateway-1']);
    await servers[0]?.kill();
    const broadcast = one.journal.advance(testEvent);
    two.router.broadcast(broadcast);
    await expect.poll(() => listener.heard.at(-1)).toEqual(broadcast);
  });

  it('that no router has room for is not repeated once it was given up', async () => {
    const bench = createTestRouter(undefined, undefined, { subscriptionsPerGatewayMax: 0 });
    const warnings: string[] = [];
    const tries: string[] = [];
    const log = {
      ...silentLog,
      warn: (_fields: object, message: string) => void warnings.push(message),
      debug: (_fields: object, message: string) => void tries.push(message),
    };
    const { url } = await serve(bench);
    const clock = new VirtualClock(0);
    const link = dialRouter(url, { log, clock, limits: { silentMs: 10_000_000, requestMs: 10_000_000 } });
    undo.push(() => link.close());
    link.listen(recorder());
    await expect.poll(() => link.connected).toBe(true);
    await expect(link.subscribe(testEvent, noCursor)).rejects.toMatchObject({
      code: 'LIVE_ROUTER_UNREACHABLE',
    });
    await expect
      .poll(async () => {
        await clock.pass(1_000);
        return tries.length;
      })
      .toBeGreaterThan(1);
    // Once: the same again and again tells nobody anything.
    expect(warnings).toEqual(['The router did not take a subscription; it is asked again until it does.']);
    link.unsubscribe(testEvent);
    // What was under way is answered before this is.
    await link.history(testEvent, noCursor);
    const before = tries.length;
    for (let turns = 0; turns < 10; turns += 1) {
      await clock.pass(60_000);
      await link.history(testEvent, noCursor);
    }
    expect(tries).toHaveLength(before);
  });

  it('of each of more events than questions may be under way is there again after the router was, on one connection', async () => {
    const eventsCount = 600;
    const bench = createTestRouter();
    const events = Array.from({ length: eventsCount }, (_, index) => `event-${index}`);
    for (const event of events) bench.journal.create(event);
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_fields: object, message: string) => void warnings.push(message) };
    const server = await serve(bench);
    const link = dialRouter(server.url, { log });
    undo.push(() => link.close());
    link.listen(recorder());
    for (const event of events) await link.subscribe(event, noCursor);
    await server.kill();
    const before = warnings.length;
    const subscribed = (): number =>
      events.filter((event) => bench.router.subscribersOf(event).length > 0).length;
    await expect.poll(subscribed, patience).toBe(0);
    await serve(bench, server.port);
    await expect.poll(subscribed, patience).toBe(eventsCount);
    // Answered behind all that was asked before.
    await link.history(testEvent, noCursor);
    expect(warnings.slice(before).filter((text) => !text.startsWith('There is no connection'))).toEqual([]);
  });
});

it('A router that says nothing for as long as it may is dialed again, and one that answers is not', async () => {
  const bench = createTestRouter();
  const { url } = await serve(bench);
  const clock = new VirtualClock(0);
  const lost: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => void lost.push(message) };
  const link = dialRouter(url, { log, clock, limits: { silentMs: 10_000, requestMs: 1_000_000 } });
  undo.push(() => link.close());
  link.listen(recorder());
  await expect.poll(() => link.connected).toBe(true);
  for (let answers = 0; answers < 5; answers += 1) {
    await clock.pass(5_000);
    await link.history(testEvent, noCursor);
  }
  await clock.pass(10_000);
  expect({ connected: link.connected, lost }).toEqual({ connected: true, lost: [] });
  // It is time that passed, not what a clock says.
  clock.set(-3_600_000);
  await clock.pass(5_000);
  await expect.poll(() => lost).toHaveLength(1);
  await clock.pass(1_000);
  await expect.poll(() => link.connected).toBe(true);
});

it('A question that is asked while no router is there is answered as soon as one is, however many dials have failed meanwhile', async () => {
  const bench = createTestRouter();
  const before = await serve(bench);
  await before.kill();
  const clock = new VirtualClock(0);
  const failed: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => void failed.push(message) };
  const openMs = 10_000_000;
  const link = dialRouter(before.url, { log, clock, limits: { openMs } });
  undo.push(() => link.close());
  link.listen(recorder());
  await expect.poll(() => failed).toHaveLength(1);
  const state = link.subscribe(testEvent, noCursor);
  await expect
    .poll(async () => {
      await clock.pass(50);
      return failed.length;
    })
    .toBeGreaterThan(3);
  await serve(bench, before.port);
  await expect
    .poll(async () => {
      await clock.pass(5);
      return link.connected;
    })
    .toBe(true);
  expect(await state).toMatchObject({ event: testEvent, sequence: 1 });
  expect(clock.now()).toBeLessThan(openMs);
});
