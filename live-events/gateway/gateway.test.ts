import { afterEach, describe, expect, it } from 'vitest';
import {
  type Broadcast,
  closeCodes,
  LiveDevice,
  liveSubprotocol,
  readServerMessage,
  type ServerMessage,
  tokenSubprotocolPrefix,
} from '../../device/index.ts';
import { must, OutageError } from '../../foundation/index.ts';
import type { DeliveryReport } from '../ports.ts';
import {
  connect,
  type RouterBench,
  refusedConnect,
  startTestGateway,
  startTestGatewayAlone,
  type TestGateway,
  testEvent,
} from './gateway-testing.ts';
import { FakeRouterLink } from './router-link.fake.ts';

type Bench = TestGateway & RouterBench;

function broadcast(sequence: number, epoch = 1_000): Broadcast {
  return { type: 'broadcast', event: testEvent, epoch, sequence, version: 1, stage: `s${sequence}`, at: 1 };
}

/** `w7` welcome at 7, `r7:NEW` resync, `b7` broadcast. */
function told(received: readonly ServerMessage[]): readonly string[] {
  return received.map((message) => {
    if (message.type === 'resync') return `r${message.sequence}:${message.reason}`;
    return `${message.type[0]}${message.sequence}`;
  });
}

const started: TestGateway[] = [];
async function start(options: Parameters<typeof startTestGatewayAlone>[0] = {}): Promise<Bench> {
  const gateway = await startTestGatewayAlone(options);
  started.push(gateway);
  return gateway;
}
async function startOn(link: FakeRouterLink, limits = {}): Promise<TestGateway> {
  const gateway = await startTestGateway(link, { limits });
  started.push(gateway);
  return gateway;
}
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

describe('a gateway', () => {
  it('tells a new device the state, then each broadcast', async () => {
    const gateway = await start();
    const device = await connect(gateway);
    expect(device.received).toEqual([
      {
        ...gateway.journal.broadcast(testEvent),
        type: 'resync',
        reason: 'NEW',
        pingMs: 25_000,
        now: expect.any(Number),
      },
    ]);
    const next = gateway.advance();
    expect((await device.messages(2))[1]).toEqual(next);
  });

  it('reports who got and applied a broadcast, each device once', async () => {
    const gateway = await start({ limits: { reportMs: 10, tickMs: 10 } });
    const device = await connect(gateway);
    const next = gateway.advance();
    await device.messages(2);
    device.applied(next, 5);
    device.applied(next, 6);
    device.applied({ epoch: next.epoch, sequence: next.sequence + 1 });
    device.applied({ epoch: next.epoch - 1, sequence: 1 });
    const { metrics } = gateway.gateway;
    await expect.poll(() => metrics.ignored).toBe(3);
    const ofIt = (): readonly DeliveryReport[] =>
      gateway.reports.filter(({ sequence }) => sequence === next.sequence);
    await expect
      .poll(() => ofIt().flatMap(({ applied }) => applied))
      .toEqual([{ member: 'Account:a1', device: 'tv-1', delayMs: 5 }]);
    expect(ofIt().flatMap(({ sent }) => sent)).toEqual([
      { member: 'Account:a1', device: 'tv-1', delayMs: expect.any(Number) },
    ]);
    expect(metrics).toMatchObject({ sent: 1, applied: 1 });
  });

  it('serves a client that is not of its own library', async () => {
    const gateway = await start();
    const expiresAtMs = Date.now() + 60_000;
    const claims = { event: testEvent, member: 'Account:a1', device: 'web-1', expiresAtMs };
    const token = await gateway.tokens.sign(claims);
    const protocols = [liveSubprotocol, `${tokenSubprotocolPrefix}${token}`];
    const socket = new WebSocket(`${gateway.url}?event=${testEvent}&after=1000.0`, protocols);
    const received: ServerMessage[] = [];
    const two = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        received.push(must(readServerMessage(String(data)), 'it is of the protocol'));
        if (received.length === 3) resolve();
      };
    });
    await expect.poll(() => received.length).toBe(2);
    const next = gateway.advance();
    await two;
    expect(told(received)).toEqual(['w1', 'b1', 'b2']);
    expect(received[2]).toEqual(next);
    socket.send(JSON.stringify({ type: 'applied', epoch: next.epoch, sequence: 2, delayMs: null }));
    await expect.poll(() => gateway.gateway.metrics.applied).toBe(1);
    const closed = new Promise<number>((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
    await gateway.gateway.close();
    expect(await closed).toBe(1001);
  });

  it('writes in slices, and a newer broadcast overtakes for those not reached yet', async () => {
    const gateway = await start({ limits: { fanOutSockets: 2 } });
    const devices = await Promise.all(
      Array.from({ length: 7 }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    for (let round = 0; round < 3; round += 1) gateway.advance();
    for (const device of devices) await device.until((received) => received.at(-1)?.sequence === 4);
    const heard = devices.map(({ received }) => told(received).slice(1).join(' '));
    expect(heard.filter((text) => text === 'b2 b4')).toHaveLength(2);
    expect(heard.filter((text) => text === 'b4')).toHaveLength(5);
    expect(gateway.gateway.metrics.collapsed).toBe(2 * 1 + 5 * 2);
  });

  it('reaches everybody once when sockets come and go while it writes', async () => {
    const gateway = await start({ limits: { fanOutSockets: 1 } });
    const devices = await Promise.all(
      Array.from({ length: 12 }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    gateway.advance();
    // The first has been written to; the others are still to come.
    for (const { socket } of devices.splice(3, 3)) socket.terminate();
    const late = connect(gateway, { device: 'late', after: { epoch: 1_000, sequence: 1 } });
    for (const device of devices) await device.messages(2);
    expect(told((await late).received)).toEqual(['w2', 'b2']);
    gateway.advance();
    for (const device of [...devices, await late]) await device.until((all) => all.at(-1)?.sequence === 3);
    for (const { received } of devices) expect(told(received)).toEqual(['r1:NEW', 'b2', 'b3']);
    expect(told((await late).received)).toEqual(['w2', 'b2', 'b3']);
  });

  it('gives an event up when nobody has listened to it for a while, and takes it up again', async () => {
    const link = new FakeRouterLink(async () => broadcast(1));
    const gateway = await startOn(link, { eventIdleMs: 20, reportMs: 5, tickMs: 5 });
    const device = await connect(gateway);
    device.socket.terminate();
    await expect.poll(() => link.asked.at(-1)).toBe(`unsubscribe ${testEvent}`);
    await connect(gateway);
    expect(link.asked.filter((asked) => asked === `subscribe ${testEvent}`)).toHaveLength(2);
  });

  it('closes with 4404 when the event is gone, some sockets at a time', async () => {
    const link = new FakeRouterLink(async () => broadcast(1));
    const gateway = await startOn(link, { fanOutSockets: 1 });
    const devices = await Promise.all(['tv-1', 'tv-2', 'tv-3'].map((device) => connect(gateway, { device })));
    link.listener.gone(testEvent);
    expect(gateway.gateway.metrics.closed).toEqual({ 4404: 1 });
    for (const { closed } of devices) expect(await closed).toEqual({ code: 4404, reason: 'event gone' });
    await expect.poll(() => gateway.gateway.metrics.sockets).toBe(0);
  });

  it('tells a device that was away when its event was removed, with the token that it holds', async () => {
    const gateway = await start();
    const claims = {
      event: testEvent,
      member: 'Account:a1',
      device: 'tv-1',
      expiresAtMs: Date.now() + 60_000,
    };
    const token = await gateway.tokens.sign(claims);
    const device = new LiveDevice({
      ...{ event: testEvent, member: 'Account:a1', device: 'tv' },
      prefetch: async () => ({ kind: 'later', afterMs: 60_000 }),
      connection: async () => ({ url: gateway.url, token }),
      onStage: () => undefined,
    });
    device.start();
    await expect.poll(() => device.status.connection).toBe('online');
    device.suspend();
    await expect.poll(() => gateway.gateway.metrics.sockets).toBe(0);
    gateway.journal.remove(testEvent);
    gateway.router.gone(testEvent);
    device.resume();
    await expect.poll(() => device.status).toMatchObject({ connection: 'stopped', stopReason: 'EVENT_GONE' });
    await device.close();
  });

  it('sends devices away with BUSY while no router answers, and asks again for the next one', async () => {
    const link = new FakeRouterLink(async () => {
      throw new OutageError('LIVE_ROUTER_UNREACHABLE', 'no router answers');
    });
    const gateway = await startOn(link);
    const refused = await refusedConnect(gateway);
    expect(refused).toMatchObject({ status: 503, body: { code: 'BUSY', retriesMax: 5 } });
    link.state = async () => broadcast(1);
    await connect(gateway);
  });
});

describe('a device that comes back', () => {
  const withStages = async (count: number, limits = {}): Promise<Bench> => {
    const gateway = await start({ limits });
    for (let stage = 1; stage < count; stage += 1) gateway.advance();
    return gateway;
  };
  const epoch = 1_000;

  it('gets what it missed, in order, then goes on', async () => {
    const gateway = await withStages(9);
    const device = await connect(gateway, { after: { epoch, sequence: 6 } });
    await device.messages(4);
    gateway.advance();
    expect(told(await device.messages(5))).toEqual(['w9', 'b7', 'b8', 'b9', 'b10']);
  });

  it('gets nothing more when it missed nothing', async () => {
    const gateway = await withStages(9);
    const device = await connect(gateway, { after: { epoch, sequence: 9 } });
    gateway.advance();
    expect(told(await device.messages(2))).toEqual(['w9', 'b10']);
  });

  it.each([
    [32, 33],
    [33, 2],
  ])('gets, when it missed %i, %i messages', async (missed, count) => {
    const gateway = await withStages(50);
    // This gateway had the event before.
    await connect(gateway, { device: 'other' });
    const device = await connect(gateway, { after: { epoch, sequence: 50 - missed } });
    const received = told(await device.messages(count));
    expect(received).toHaveLength(count);
    expect(received.at(-1)).toBe('b50');
    expect(received[0]).toBe('w50');
  });

  it.each<readonly [string, string, string]>([
    ['without a cursor', '0.0', 'r9:NEW'],
    ['of an earlier life', '999.4', 'r9:EPOCH'],
    ['of a later life', '1001.4', 'r9:EPOCH'],
    ['ahead of everybody', '1000.10', 'r9:AHEAD'],
    ['before what the journal has', '1000.3', 'r9:TOO_OLD'],
  ])('is told to start again %s', async (_name, after, answer) => {
    const gateway = await start();
    for (let stage = 1; stage < 9; stage += 1) gateway.advance();
    gateway.journal.trim(testEvent, 4);
    const device = await connect(gateway, { after });
    expect(told(device.received)).toEqual([answer]);
  });

  it('is answered from the journal where this gateway has too little', async () => {
    const gateway = await start({ limits: { historyBroadcastsMax: 4 } });
    await connect(gateway, { device: 'other' });
    for (let stage = 1; stage < 20; stage += 1) gateway.advance();
    const device = await connect(gateway, { after: { epoch, sequence: 5 } });
    const received = told(await device.messages(16));
    expect(received).toEqual(['w20', ...Array.from({ length: 15 }, (_, index) => `b${index + 6}`)]);
  });

  it('gets each once and in order when more comes while the journal is asked', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link, { historyBroadcastsMax: 2 });
    await connect(gateway, { device: 'other' });
    const answered = Promise.withResolvers<void>();
    link.answer = async () => {
      for (const sequence of [10, 11]) link.listener.broadcast(broadcast(sequence));
      await answered.promise;
      return { kind: 'broadcasts', broadcasts: [7, 8, 9, 10].map((sequence) => broadcast(sequence)) };
    };
    const asked = [
      connect(gateway, { device: 'a', after: '1000.6' }),
      connect(gateway, { device: 'b', after: '1000.6' }),
    ];
    await expect.poll(() => gateway.gateway.metrics.connecting).toBe(2);
    answered.resolve();
    for (const device of asked) {
      const { received } = await device;
      await expect.poll(() => told(received)).toEqual(['w11', 'b7', 'b8', 'b9', 'b10', 'b11']);
    }
    // Two devices, one question.
    expect(link.asked.filter((text) => text.endsWith('1000.6'))).toHaveLength(1);
  });

  it('is told to start again when the journal’s answer does not meet what came meanwhile', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link, { historyBroadcastsMax: 2 });
    await connect(gateway, { device: 'other' });
    link.answer = async () => {
      for (const sequence of [12, 13]) link.listener.broadcast(broadcast(sequence));
      return { kind: 'broadcasts', broadcasts: [7, 8, 9].map((sequence) => broadcast(sequence)) };
    };
    const device = await connect(gateway, { after: '1000.6' });
    expect(told(device.received)).toEqual(['r13:TOO_OLD']);
  });

  it('is answered from the journal for what this gateway itself has missed', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    const there = await connect(gateway, { device: 'other' });
    link.listener.broadcast(broadcast(12));
    expect(told(await there.messages(2))).toEqual(['r9:NEW', 'b12']);
    link.answer = async () => ({
      kind: 'broadcasts',
      broadcasts: [10, 11, 12].map((sequence) => broadcast(sequence)),
    });
    const device = await connect(gateway, { device: 'back', after: '1000.9' });
    expect(told(await device.messages(4))).toEqual(['w12', 'b10', 'b11', 'b12']);
  });

  it('is welcomed when another gateway was faster and the router’s broadcast is not here yet', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    const there = await connect(gateway, { device: 'other' });
    link.state = async () => broadcast(10);
    const device = await connect(gateway, { after: '1000.10' });
    expect(told(device.received)).toEqual(['w10']);
    expect(told(await there.messages(2))).toEqual(['r9:NEW', 'b10']);
  });

  it('is welcomed with what is journaled and still unread in the log of broadcasts', async () => {
    const gateway = await start();
    const there = await connect(gateway, { device: 'other' });
    const unread = gateway.journal.advance(testEvent);
    const device = await connect(gateway, { after: unread });
    expect(told(device.received)).toEqual([`w${unread.sequence}`]);
    gateway.router.broadcast(unread);
    gateway.advance();
    expect(told(await there.messages(3)).slice(1)).toEqual([
      `b${unread.sequence}`,
      `b${unread.sequence + 1}`,
    ]);
  });

  it('is welcomed though the router was asked already, and had less to say, when it came', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    await connect(gateway, { device: 'other' });
    const answered = Promise.withResolvers<void>();
    let newest = 10;
    link.state = async () => {
      const state = broadcast(newest);
      await answered.promise;
      return state;
    };
    const first = connect(gateway, { device: 'first', after: '1000.10' });
    await expect.poll(() => link.asked.filter((text) => text.startsWith('subscribe'))).toHaveLength(2);
    newest = 11;
    const second = connect(gateway, { device: 'second', after: '1000.11' });
    await expect.poll(() => gateway.gateway.metrics.connecting).toBe(2);
    answered.resolve();
    expect(told((await first).received)[0]).toMatch(/^w1[01]$/);
    expect(told((await second).received)).toEqual(['w11']);
  });

  it('is sent away, not back, when the router cannot say whether it is ahead of everybody', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    await connect(gateway, { device: 'other' });
    link.state = async () => {
      throw new OutageError('LIVE_ROUTER_UNREACHABLE', 'It does not answer.');
    };
    const refused = await refusedConnect(gateway, { after: '1000.10' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'BUSY' } });
  });

  it('is sent away when its event turns out to be gone, and those who are there hear it', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    const there = await connect(gateway, { device: 'other' });
    link.state = async () => null;
    const refused = await refusedConnect(gateway, { after: '1000.10' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'BUSY' } });
    await expect(there.closed).resolves.toMatchObject({ code: closeCodes.eventGone });
  });

  it('hears of a later life of the journal, and never of an earlier one again', async () => {
    const link = new FakeRouterLink(async () => broadcast(9));
    const gateway = await startOn(link);
    const device = await connect(gateway);
    for (const [sequence, of] of [
      [10, 1_000],
      [10, 1_000],
      [9, 1_000],
      [1, 2_000],
      [11, 1_000],
      [2, 2_000],
    ] as const)
      link.listener.broadcast(broadcast(sequence, of));
    const received = await device.messages(4);
    expect(received.map((message) => `${message.epoch}.${message.sequence}`)).toEqual([
      '1000.9',
      '1000.10',
      '2000.1',
      '2000.2',
    ]);
    expect(gateway.gateway.metrics.stale).toBe(3);
  });
});
