import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import {
  HandClock,
  settle,
  startDevice,
  type TestDevice,
  testPrefetch,
  testStartMs,
} from './live-device-testing.ts';
import { type FakeServerOptions, LiveServerFake } from './live-server.fake.ts';
import type { PrefetchAnswer, PrefetchSource } from './prefetch-source.ts';
import { afterClose, Backoff } from './reconnect.ts';
import type { OnStage } from './stage-renderer.ts';

const hourMs = 3_600_000;

interface Timed extends TestDevice {
  readonly server: LiveServerFake;
  readonly clock: HandClock;
  /** When it was asked for, from the beginning of the test on. */
  readonly askedMs: number[];
}

interface TimedOptions extends FakeServerOptions {
  readonly startMs?: number;
  readonly prefetch?: (asked: number) => PrefetchAnswer;
  readonly random?: () => number;
  readonly refuses?: number;
}

/** A device whose time only the test moves; its sockets are real. */
async function startTimed(
  { startMs = testStartMs - 7 * 86_400_000, ...options }: TimedOptions = {},
  later?: (asked: number) => Promise<PrefetchAnswer>,
  onStage?: OnStage,
): Promise<Timed> {
  const clock = new HandClock(startMs);
  const server = await LiveServerFake.start({ now: () => Math.floor(clock.now()) + 5000, ...options });
  server.refuses = options.refuses ?? null;
  onTestFinished(() => server.close());
  const askedMs: number[] = [];
  const prefetch: PrefetchSource = async () => {
    askedMs.push(clock.now() - startMs);
    if (later !== undefined) return await later(askedMs.length);
    return (
      options.prefetch?.(askedMs.length) ?? { kind: 'new', prefetch: testPrefetch(server.state.version) }
    );
  };
  const ports = { clock, random: options.random ?? (() => 0.5) };
  return {
    server,
    clock,
    askedMs,
    ...startDevice(server, { ports, prefetch, limits: {}, ...(onStage && { onStage }) }),
  };
}

it('A server that has gone silent is left, once it is known to send heartbeats', async () => {
  const { server, clock, device, sees } = await startTimed({ pingMs: 20_000 });
  await sees('announced');
  await clock.advance(49_000);
  server.heartbeat();
  await expect.poll(() => device.status.offsetMs).toBe(5000);
  await clock.advance(0);
  server.heartbeat();
  server.publish({ stage: 'lobby' });
  await sees('lobby');
  await clock.advance(49_999);
  expect(device.status.connection).toBe('online');
  await clock.advance(1);
  expect(device.status.connection).toBe('offline');
  await clock.advance(1000);
  await expect.poll(() => server.connects.length).toBe(2);
});

it('Silence of a server without heartbeats is no fault', async () => {
  const { server, clock, device, sees } = await startTimed({ pingMs: 20_000 });
  await sees('announced');
  await clock.advance(10 * hourMs);
  expect(device.status.connection).toBe('online');
  expect(server.connects).toHaveLength(1);
});

it('A device that was stopped by the server fetches no more', async () => {
  const { server, clock, askedMs, device, sees } = await startTimed();
  await sees('announced');
  server.hangUp(4409);
  await expect.poll(() => device.status.connection).toBe('stopped');
  await clock.advance(10 * hourMs);
  expect(askedMs).toEqual([0]);
});

it('A handshake that brings no greeting is given up', async () => {
  const { server, clock, device } = await startTimed();
  await expect.poll(() => device.status.connection).toBe('online');
  server.isSilent = true;
  server.cut();
  await expect.poll(() => device.status.connection).toBe('offline');
  await clock.advance(1000);
  await expect.poll(() => server.connects.length).toBe(2);
  await clock.advance(9_999);
  expect(device.status.connection).toBe('connecting');
  await clock.advance(1);
  expect(device.status.connection).toBe('offline');
});

it('Comes back when the server said, and not before', async () => {
  const { server, clock, device, sees } = await startTimed();
  await sees('announced');
  server.hangUp(1001, 'retry=42000');
  await expect.poll(() => device.status.connection).toBe('offline');
  await clock.advance(41_999);
  expect(device.status.connection).toBe('offline');
  await clock.advance(1);
  await expect.poll(() => server.connects.length).toBe(2);
});

it.each([
  ['back', -365 * 24 * hourMs],
  ['forward', 365 * 24 * hourMs],
])('Comes back as soon as ever though its clock was set %s by a year meanwhile', async (_name, byMs) => {
  const { server, clock, device, sees } = await startTimed();
  await sees('announced');
  server.cut();
  await expect.poll(() => device.status.connection).toBe('offline');
  await settle();
  clock.set(byMs);
  await clock.advance(1000);
  await expect.poll(() => server.connects.length).toBe(2);
});

it.each([
  ['back', -365 * 24 * hourMs],
  ['forward', 365 * 24 * hourMs],
])(
  'Leaves a server that has gone silent, and only that, when its clock was set %s by a year',
  async (_name, byMs) => {
    const { server, clock, device, sees } = await startTimed({ pingMs: 20_000 });
    await sees('announced');
    const heartbeat = async (): Promise<void> => {
      server.heartbeat();
      const offsetMs = 5000;
      await expect.poll(() => device.status.offsetMs).toBe(offsetMs);
      await settle();
    };
    await heartbeat();
    clock.set(byMs);
    await clock.advance(30_000);
    expect(device.status.connection).toBe('online');
    server.publish({ stage: 'lobby' });
    await sees('lobby');
    await settle();
    await clock.advance(49_999);
    expect(device.status.connection).toBe('online');
    await clock.advance(1);
    expect(device.status.connection).toBe('offline');
  },
);

it('Fetches again at its time though its clock was set back by a year meanwhile', async () => {
  const { clock, askedMs } = await startTimed({ random: () => 0 });
  await expect.poll(() => askedMs).toEqual([0]);
  await settle();
  const yearMs = 365 * 24 * hourMs;
  clock.set(-yearMs);
  await clock.advance(hourMs - 1);
  expect(askedMs).toHaveLength(1);
  await clock.advance(1);
  await expect.poll(() => askedMs).toEqual([0, hourMs - yearMs]);
});

it('The delay it tells is by the server’s clock', async () => {
  const { server, clock, device, sees } = await startTimed();
  await sees('announced');
  const at = clock.now() + 5000 - 1234;
  server.publish({ stage: 'lobby', at });
  await expect.poll(() => device.status.lastDelayMs).toBe(1234);
  server.publish({ stage: 'live', at: clock.now() + 60_000 });
  await expect.poll(() => server.applied.map(({ delayMs }) => delayMs)).toEqual([0, 1234, 0]);
});

it('Without a network it announces and opens the lobby at their times, and says of nothing that it is live', async () => {
  const { clock, shown, sees } = await startTimed({
    refuses: 503,
    startMs: testStartMs - 86_400_000 - 60_000,
  });
  await clock.advance(59_999);
  expect(shown).toEqual([]);
  await clock.advance(1);
  await sees('announced');
  // A day, in which it sleeps.
  clock.jump(86_400_000 - 1_800_000 - 1000);
  await clock.advance(999);
  expect(shown.at(-1)?.stage).toBe('announced');
  await clock.advance(1);
  await sees('lobby');
  expect(shown.at(-1)).toMatchObject({
    from: 'cache',
    at: testStartMs - 1_800_000,
    show: { title: 'lobby 1' },
  });
  clock.jump(1_800_000);
  await clock.advance(120_000);
  expect(shown.map(({ stage }) => stage)).toEqual(['announced', 'lobby']);
});

it('Begun when the event should be over it shows nothing by itself', async () => {
  const { device, shown } = await startTimed({ refuses: 503, startMs: testStartMs + 9 * hourMs });
  await expect.poll(() => device.status).toMatchObject({ version: 1, connection: 'offline' });
  await settle();
  expect(shown).toEqual([]);
});

it('Fetches again a little before its time is over, less a random part', async () => {
  const { clock, askedMs, device } = await startTimed({ random: () => 0.5 });
  await expect.poll(() => device.status.version).toBe(1);
  await clock.advance(4 * hourMs);
  expect(askedMs.slice(0, 4)).toEqual([0, 0.95 * hourMs, 1.9 * hourMs, 2.85 * hourMs]);
});

it('Keeps out of the quiet window by itself, and uses on what has expired in it', async () => {
  const startMs = testStartMs - 1000;
  const quiet = { from: testStartMs, until: testStartMs + 5 * hourMs };
  const { clock, askedMs, device } = await startTimed({
    startMs,
    prefetch: () => ({ kind: 'new', prefetch: testPrefetch(1, { quiet, spreadMs: 60_000 }) }),
  });
  await expect.poll(() => device.status.version).toBe(1);
  await clock.advance(5 * hourMs);
  expect(askedMs).toEqual([0]);
  expect(device.status.version).toBe(1);
  await clock.advance(40_000);
  expect(askedMs).toHaveLength(2);
});

it('Leaves the quiet window also when an answer did not come', async () => {
  const quiet = { from: testStartMs, until: testStartMs + hourMs };
  const expiresAt = testStartMs - 10_000;
  const { clock, askedMs, device } = await startTimed({
    startMs: testStartMs - 120_000,
    prefetch: (asked) => {
      if (asked > 1) throw new Error('no network');
      return {
        kind: 'new',
        prefetch: testPrefetch(1, { quiet, ttlMs: 110_000, expiresAt, spreadMs: 60_000 }),
      };
    },
    random: () => 0.1,
  });
  await expect.poll(() => device.status.version).toBe(1);
  await clock.advance(115_000);
  const before = askedMs.length;
  expect(before).toBeGreaterThan(2);
  await clock.advance(hourMs);
  expect(askedMs).toHaveLength(before);
  await clock.advance(60_000);
  expect(askedMs.length).toBeGreaterThan(before);
});

it('Fetches again what came with an older schedule than a broadcast had that was faster', async () => {
  let answer = (_: PrefetchAnswer): void => undefined;
  const { server, clock, device, sees } = await startTimed({ random: () => 0 }, (asked) =>
    asked > 1
      ? Promise.resolve({ kind: 'new', prefetch: testPrefetch(2) })
      : new Promise((resolve) => {
          answer = resolve;
        }),
  );
  await sees('announced');
  server.publish({ stage: 'lobby', version: 2 });
  await sees('lobby');
  answer({ kind: 'new', prefetch: testPrefetch(1) });
  await clock.advance(1000);
  expect(device.status.version).toBe(2);
});

it('A page that never has rendered a stage keeps none from coming after', async () => {
  const begun: string[] = [];
  const { server, clock, problems } = await startTimed({}, undefined, ({ stage }) => {
    begun.push(stage);
    return stage === 'lobby' ? new Promise<void>(() => undefined) : undefined;
  });
  await expect.poll(() => server.applied.length).toBe(1);
  server.publish({ stage: 'lobby' });
  await expect.poll(() => begun).toContain('lobby');
  await clock.advance(9_999);
  expect(problems).toEqual([]);
  await clock.advance(1);
  expect(problems).toEqual(['RENDER_TIMEOUT']);
  server.publish({ stage: 'live' });
  await expect.poll(() => server.applied.map(({ sequence }) => sequence)).toEqual([1, 3]);
});

it('A failure is the first again after a connection that held, and only then', async () => {
  const { server, clock, device, sees } = await startTimed({ random: () => 0.999 });
  await sees('announced');
  const backMs = async (heldMs: number): Promise<number> => {
    await clock.advance(heldMs);
    const connects = server.connects.length;
    server.cut();
    await expect.poll(() => device.status.connection).toBe('offline');
    const fromMs = clock.now();
    await clock.advance((clock.nextMs() ?? fromMs) - fromMs);
    await expect.poll(() => server.connects.length).toBe(connects + 1);
    await expect.poll(() => device.status.connection).toBe('online');
    return Math.round(clock.now() - fromMs);
  };
  expect(await backMs(0)).toBe(1499);
  expect(await backMs(9_999)).toBe(4493);
  expect(await backMs(10_000)).toBe(1499);
});

it('Spreads what a broadcast makes all devices ask for, and asks once for it', async () => {
  const spreadMs = 60_000;
  const prefetch = (asked: number): PrefetchAnswer => ({
    kind: 'new',
    // The second answer comes from a cache that has not heard of it.
    prefetch: testPrefetch(asked < 3 ? 1 : 2, { spreadMs }),
  });
  const { server, clock, askedMs, device, sees } = await startTimed({ prefetch, random: () => 0.5 });
  await sees('announced');
  await expect.poll(() => device.status.version).toBe(1);
  server.publish({ stage: 'announced', version: 2 });
  server.publish({ stage: 'announced', version: 2 });
  await expect.poll(() => device.status.cursor.sequence).toBe(3);
  await clock.advance(29_999);
  expect(askedMs).toEqual([0]);
  await clock.advance(30_001);
  expect(askedMs).toEqual([0, 30_000, 60_000]);
  expect(device.status.version).toBe(2);
  await clock.advance(spreadMs);
  expect(askedMs).toHaveLength(3);
});

it('Does not ask for ever for a schedule that nobody has', async () => {
  const prefetch = (): PrefetchAnswer => ({ kind: 'new', prefetch: testPrefetch(1) });
  const { server, clock, askedMs, device, sees } = await startTimed({ prefetch });
  await sees('announced');
  await expect.poll(() => device.status.version).toBe(1);
  server.publish({ stage: 'announced', version: 9 });
  await expect.poll(() => device.status.cursor.sequence).toBe(2);
  await clock.advance(0.9 * hourMs);
  expect(askedMs).toHaveLength(6);
});

it('Waits as long as a server without room says, and passes over answers that are none', async () => {
  const answers: PrefetchAnswer[] = [
    { kind: 'later', afterMs: 90_000 },
    { kind: 'new', prefetch: { version: 'one' } },
    { kind: 'unchanged', ttlMs: 5 },
  ];
  const { clock, askedMs, problems, device } = await startTimed({
    prefetch: (asked) => answers[asked - 1] ?? { kind: 'new', prefetch: testPrefetch() },
  });
  await settle();
  await clock.advance(89_999);
  expect(askedMs).toEqual([0]);
  await clock.advance(60_000);
  expect(problems).toEqual(['BAD_PREFETCH', 'BAD_PREFETCH']);
  expect(device.status.version).toBe(1);
});

it('What is unchanged lives on for as long as the answer says', async () => {
  const { clock, askedMs, device } = await startTimed({
    prefetch: (asked) =>
      asked === 1 ? { kind: 'new', prefetch: testPrefetch() } : { kind: 'unchanged', ttlMs: 10 * hourMs },
    random: () => 0,
  });
  await expect.poll(() => device.status.version).toBe(1);
  await clock.advance(11 * hourMs - 1);
  expect(askedMs).toEqual([0, hourMs]);
  await clock.advance(1);
  expect(askedMs).toEqual([0, hourMs, 11 * hourMs]);
});

it('Backs off with decorrelated jitter, between the base and the cap', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
      (dice) => {
        let at = 0;
        const backoff = new Backoff({ baseMs: 500, capMs: 30_000 }, () => dice[at++ % dice.length] ?? 0);
        let lastMs = 500;
        for (let round = 0; round < 20; round += 1) {
          const nextMs = backoff.nextMs();
          expect(nextMs).toBeGreaterThanOrEqual(500);
          expect(nextMs).toBeLessThanOrEqual(Math.min(30_000, 3 * lastMs));
          lastMs = nextMs;
        }
      },
    ),
  );
});

it.each([
  [1001, 'retry=1500', { kind: 'wait', delayMs: 1500 }],
  [1001, 'drain; retry=0', { kind: 'wait', delayMs: 0 }],
  [1001, 'retry=999999999', { kind: 'wait', delayMs: 600_000 }],
  [1001, 'retry=-5', { kind: 'backoff', renew: false }],
  [1001, '', { kind: 'backoff', renew: false }],
  [4408, 'retry=1', { kind: 'backoff', renew: false }],
  [4401, '', { kind: 'backoff', renew: true }],
  [1006, '', { kind: 'backoff', renew: false }],
])('After %i "%s" comes %o', (code, reason, after) => {
  expect(afterClose(code, reason)).toEqual(after);
});
