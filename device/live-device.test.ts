import { expect, it, onTestFinished } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { MemoryCache } from './device-cache.ts';
import type { ConnectionState } from './device-connection.ts';
import { startDevice, swiftLimits, testPrefetch } from './live-device-testing.ts';
import { type FakeServerOptions, LiveServerFake } from './live-server.fake.ts';
import type { PrefetchSource } from './prefetch-source.ts';
import type { OnStage } from './stage-renderer.ts';

async function serve(options: FakeServerOptions = {}): Promise<LiveServerFake> {
  const server = await LiveServerFake.start(options);
  onTestFinished(() => server.close());
  return server;
}

it.each([
  ['of this Node', globalThis.WebSocket],
  ['of ws', WsWebSocket],
] as const)(
  'Over a socket %s a device shows stages as they come, and says when it does',
  async (_name, webSocketImpl) => {
    const server = await serve();
    const { device, shown, sees, problems } = startDevice(server, { webSocketImpl });
    await sees('announced');
    server.publish({ stage: 'lobby' });
    await sees('lobby');
    const live = server.publish({ stage: 'live' });
    await sees('live');
    expect(shown.at(-1)).toEqual({
      stage: 'live',
      show: { title: 'live 1' },
      at: live.at,
      from: 'broadcast',
    });
    await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(server.applied.at(-1)).toMatchObject({ type: 'applied', epoch: 1, token: 'member' });
    expect(server.applied.at(-1)?.delayMs).toBeLessThan(1000);
    expect(device.status).toMatchObject({
      connection: 'online',
      stage: 'live',
      cursor: { epoch: 1, sequence: 3 },
    });
    expect(problems).toEqual([]);
  },
);

it('What was missed is collapsed to its last stage, and acknowledged once', async () => {
  const server = await serve();
  const { device, shown, sees } = startDevice(server);
  await sees('announced');
  device.suspend();
  await expect.poll(() => server.socketCount).toBe(0);
  for (const stage of ['lobby', 'live', 'round-2', 'ended']) server.publish({ stage });
  device.resume();
  await sees('ended');
  expect(shown.map(({ stage }) => stage)).toEqual(['announced', 'ended']);
  await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 5]);
  expect(server.connects).toEqual([
    { epoch: 0, sequence: 0 },
    { epoch: 1, sequence: 1 },
  ]);
});

it('A cable that is pulled is plugged in again by itself', async () => {
  const server = await serve();
  const { sees } = startDevice(server);
  await sees('announced');
  server.cut();
  await expect.poll(() => server.connects.length).toBe(2);
  server.publish({ stage: 'lobby' });
  await sees('lobby');
});

it('A server that lost its history, or lives another life, sets the device right, but never back', async () => {
  const server = await serve({ historyMax: 2 });
  const { device, shown, sees } = startDevice(server);
  await sees('announced');
  device.suspend();
  await expect.poll(() => server.socketCount).toBe(0);
  for (const stage of ['lobby', 'lobby', 'lobby', 'live']) server.publish({ stage });
  device.resume();
  await sees('live');
  expect(shown.at(-1)?.from).toBe('resync');
  server.restart(2, { stage: 'lobby' });
  server.cut();
  await expect.poll(() => device.status.cursor).toEqual({ epoch: 2, sequence: 1 });
  expect(device.status.stage).toBe('live');
  server.publish({ stage: 'ended' });
  await sees('ended');
  expect(shown.map(({ stage }) => stage)).toEqual(['announced', 'live', 'ended']);
});

it('A stage is acknowledged when the page has rendered it; what came meanwhile is collapsed', async () => {
  const server = await serve();
  const begun: string[] = [];
  let finish = (): void => undefined;
  const onStage: OnStage = async ({ stage }) => {
    begun.push(stage);
    if (stage === 'lobby')
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
  };
  const { device } = startDevice(server, { onStage });
  await expect.poll(() => server.applied.length).toBe(1);
  server.publish({ stage: 'lobby' });
  server.publish({ stage: 'live' });
  server.publish({ stage: 'ended' });
  await expect.poll(() => device.status.stage).toBe('ended');
  expect(begun).toEqual(['announced', 'lobby']);
  expect(server.applied).toHaveLength(1);
  finish();
  await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 4]);
  expect(begun).toEqual(['announced', 'lobby', 'ended']);
});

it('What the page cannot render is not acknowledged; the next stage is', async () => {
  const server = await serve();
  const onStage: OnStage = ({ stage }) => {
    if (stage === 'lobby') throw new Error('no canvas');
  };
  const { problems } = startDevice(server, { onStage });
  await expect.poll(() => server.applied.length).toBe(1);
  server.publish({ stage: 'lobby' });
  await expect.poll(() => problems).toEqual(['RENDER_FAILED']);
  server.publish({ stage: 'live' });
  await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 3]);
});

it('An acknowledgement that found no socket is sent over the next', async () => {
  const server = await serve();
  let finish = (): void => undefined;
  const onStage: OnStage = ({ stage }) =>
    stage === 'lobby'
      ? new Promise<void>((resolve) => {
          finish = resolve;
        })
      : undefined;
  const { device } = startDevice(server, { onStage });
  await expect.poll(() => server.applied.length).toBe(1);
  server.publish({ stage: 'lobby' });
  await expect.poll(() => device.status.stage).toBe('lobby');
  device.suspend();
  await expect.poll(() => device.status.connection).toBe('suspended');
  finish();
  await expect.poll(() => device.status.lastDelayMs).not.toBeNull();
  device.resume();
  await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 2]);
});

it('Another schedule is fetched when a broadcast tells of it, and shown where it matters', async () => {
  const server = await serve();
  const etags: (string | null)[] = [];
  const prefetch: PrefetchSource = async ({ etag }) => {
    etags.push(etag);
    return { kind: 'new', prefetch: testPrefetch(server.state.version) };
  };
  const { device, shown, sees } = startDevice(server, { prefetch });
  await sees('announced');
  await expect.poll(() => device.status.version).toBe(1);
  const before = shown.length;
  server.publish({ stage: 'announced', version: 2 });
  await expect.poll(() => device.status.version).toBe(2);
  await expect.poll(() => shown.at(-1)?.show).toEqual({ title: 'announced 2' });
  expect(shown.length).toBeGreaterThan(before);
  expect(etags).toEqual([null, '"1"']);
});

it('Starts from its cache without a network, and goes on from its cursor when there is one', async () => {
  const server = await serve();
  const cache = new MemoryCache();
  const first = startDevice(server, { cache });
  await expect.poll(() => first.device.status.version).toBe(1);
  server.publish({ stage: 'live' });
  await first.sees('live');
  await expect.poll(() => server.applied.at(-1)?.sequence).toBe(2);
  await first.device.close();
  expect(first.device.status.connection).toBe('stopped');

  server.refuses = 503;
  const down: PrefetchSource = async () => {
    throw new Error('no network');
  };
  const second = startDevice(server, { cache, prefetch: down });
  await second.sees('live');
  expect(second.shown).toMatchObject([{ stage: 'live', show: { title: 'live 1' }, from: 'cache' }]);
  server.refuses = null;
  await expect.poll(() => second.device.status.connection).toBe('online');
  expect(server.connects.at(-1)).toEqual({ epoch: 1, sequence: 2 });
  server.publish({ stage: 'ended' });
  await second.sees('ended');
});

it.each([
  ['half an entry', '{"format":1,"prefetch":null,"receivedMs":5'],
  ['an entry of another form', '{"format":2}'],
  [
    'a cursor that is none',
    '{"format":1,"prefetch":null,"receivedMs":5,"state":{"cursor":{"epoch":-1,"sequence":"7"},"version":1,"stage":"live","at":1}}',
  ],
  ['far too much', `"${'x'.repeat(300_000)}"`],
])('Drops %s from its cache and begins anew', async (_name, text) => {
  const server = await serve();
  const cache = new MemoryCache();
  cache.write('fight-1 Account:a1 tv', text);
  server.refuses = 503;
  const { shown, sees, problems } = startDevice(server, {
    cache,
    prefetch: () => new Promise(() => undefined),
  });
  expect(cache.read('fight-1 Account:a1 tv')).toBeNull();
  server.refuses = null;
  await sees('announced');
  expect(problems).toEqual(['BAD_CACHE']);
  expect(shown.map(({ from }) => from)).not.toContain('cache');
});

it('A cache that throws is reported, and the device goes on without', async () => {
  const server = await serve();
  const full = (): never => {
    throw new Error('QuotaExceededError');
  };
  const { sees, problems } = startDevice(server, { cache: { read: full, write: full, remove: full } });
  await sees('announced');
  expect(new Set(problems)).toEqual(new Set(['CACHE_FAILED']));
});

it.each([
  [4404, 'EVENT_GONE'],
  [4409, 'REPLACED'],
] as const)('Closed with %i it stops and says %s', async (code, reason) => {
  const server = await serve();
  const { device, sees } = startDevice(server);
  await sees('announced');
  server.hangUp(code);
  await expect.poll(() => device.status).toMatchObject({ connection: 'stopped', stopReason: reason });
  await device.close();
  expect(server.connects).toHaveLength(1);
});

it('Takes another token when its own has expired, and when a handshake was refused without a word', async () => {
  const server = await serve();
  let tokens = 0;
  const { sees } = startDevice(server, {
    connection: async () => {
      tokens += 1;
      return server.grant(`t${tokens}`);
    },
  });
  await sees('announced');
  server.hangUp(4408);
  await expect.poll(() => server.connects.length).toBe(2);
  expect(tokens).toBe(1);
  server.hangUp(4401);
  await expect.poll(() => server.connects.length).toBe(3);
  expect(tokens).toBe(2);
  server.refuses = 401;
  server.cut();
  await expect.poll(() => tokens).toBeGreaterThan(2);
  server.refuses = null;
  await expect.poll(() => server.socketCount).toBe(1);
});

it('Asks for no token at each handshake that a server without room refuses, as long as the one it has should be good', async () => {
  const server = await serve();
  server.refuses = 503;
  let tokens = 0;
  let before: ConnectionState = 'connecting';
  const tokensAtFailures: number[] = [];
  startDevice(server, {
    connection: async () => {
      tokens += 1;
      return { ...server.grant(`t${tokens}`), expiresAt: new Date(Date.now() + 60_000).toISOString() };
    },
    onState: ({ connection }) => {
      if (connection === 'offline' && before !== 'offline') tokensAtFailures.push(tokens);
      before = connection;
    },
  });
  await expect.poll(() => tokensAtFailures.length).toBeGreaterThan(8);
  expect(tokensAtFailures.slice(0, 9)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
});

it('Asks for no token at each handshake that is refused, though by its own clock, which nobody has set right yet, each has expired', async () => {
  const server = await serve();
  server.refuses = 503;
  let tokens = 0;
  let before: ConnectionState = 'connecting';
  const tokensAtFailures: number[] = [];
  startDevice(server, {
    connection: async () => {
      tokens += 1;
      return { ...server.grant(`t${tokens}`), expiresAt: Date.now() - 3_600_000 };
    },
    onState: ({ connection }) => {
      if (connection === 'offline' && before !== 'offline') tokensAtFailures.push(tokens);
      before = connection;
    },
  });
  await expect.poll(() => tokensAtFailures.length).toBeGreaterThan(8);
  expect(tokensAtFailures.slice(0, 9)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
});

it('Asks for another token before it connects with one that has expired', async () => {
  const server = await serve();
  let tokens = 0;
  const { sees } = startDevice(server, {
    connection: async () => {
      tokens += 1;
      return { ...server.grant(`t${tokens}`), expiresAt: Date.now() + (tokens === 1 ? -1 : 60_000) };
    },
  });
  await sees('announced');
  server.hangUp(4408);
  await expect.poll(() => server.connects.length).toBe(2);
  expect(tokens).toBe(2);
  server.hangUp(4408);
  await expect.poll(() => server.connects.length).toBe(3);
  expect(tokens).toBe(2);
});

it('Texts that are no messages are passed over', async () => {
  const server = await serve();
  const { sees, problems } = startDevice(server);
  await sees('announced');
  for (const text of ['{', '[]', '{"type":"later"}', 'x'.repeat(2000)]) server.say(text);
  server.say({ ...server.state, event: 'another', sequence: 9, stage: 'live' });
  server.publish({ stage: 'lobby' });
  await sees('lobby');
  expect(problems).toEqual(Array.from({ length: 4 }, () => 'BAD_MESSAGE'));
});

it('A connection that cannot be had is asked for again, in the words of whoever said so', async () => {
  const server = await serve();
  let fails = 2;
  const { sees, problems } = startDevice(server, {
    connection: async () => {
      fails -= 1;
      if (fails >= 0) throw new Error('no gateway');
      return fails === -1 ? { url: 'not a url', token: 'x' } : server.grant();
    },
  });
  await sees('announced');
  expect(problems).toEqual(['CONNECTION_FAILED', 'CONNECTION_FAILED', 'CONNECTION_FAILED']);
});

it('A device that was closed leaves nothing behind', async () => {
  const server = await serve();
  server.isSilent = true;
  const { device } = startDevice(server, {
    limits: swiftLimits,
    prefetch: ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
  });
  await expect.poll(() => server.socketCount).toBe(1);
  await device.close();
  await device.close();
  expect(device.status.connection).toBe('stopped');
  await expect.poll(() => server.socketCount).toBe(0);
});
