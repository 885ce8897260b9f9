import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, OutageError, systemClock } from '../../foundation/index.ts';
import {
  connect,
  refusedConnect,
  startTestGateway,
  startTestGatewayAlone,
  type TestGateway,
  testEvent,
} from './gateway-testing.ts';
import { FakeRouterLink } from './router-link.fake.ts';

const hourMs = 3_600_000;
const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

function link(): FakeRouterLink {
  const state = { type: 'broadcast', event: testEvent, epoch: 1_000, sequence: 1 } as const;
  return new FakeRouterLink(async () => ({ ...state, version: 1, stage: 's1', at: 1 }));
}

/** A clock that can be set. */
function settableClock(): Clock & { setBy(ms: number): void } {
  let byMs = 0;
  return {
    now: () => systemClock.now() + byMs,
    sleep: systemClock.sleep,
    setBy: (ms) => {
      byMs += ms;
    },
  };
}

describe('a gateway whose clock is set', () => {
  it.each([
    ['back', -hourMs],
    ['forward', hourMs / 2],
  ])('%s goes on with its heartbeats and reports, and ends no connection', async (_name, byMs) => {
    const clock = settableClock();
    const router = link();
    const limits = { tickMs: 5, pingMs: 20, reportMs: 10, lifetimeMs: hourMs / 4, lifetimeDitherMs: 0 };
    const gateway = await startTestGateway(router, { clock, limits });
    started.push(gateway);
    const device = await connect(gateway, { expiresAtMs: Date.now() + 2 * hourMs });
    await expect.poll(() => device.heartbeats).toBeGreaterThan(0);
    clock.setBy(byMs);
    const [before, reports] = [device.heartbeats, router.reports.length];
    device.applied({ epoch: 1_000, sequence: 1 });
    await expect.poll(() => device.heartbeats).toBeGreaterThan(before + 3);
    await expect.poll(() => router.reports.length).toBeGreaterThan(reports);
    expect(gateway.gateway.metrics).toMatchObject({ sockets: 1, closed: {} });
  });
});

const tickMs = 5;

/** Ticks when the test says so, and lets a pass go on when it says so. */
class HeldClock implements Clock {
  steadyMs = 1_000_000;
  #ticks: (() => void)[] = [];
  #held: (() => void)[] = [];
  #holds = false;

  readonly now = systemClock.now;

  readonly sleep: Clock['sleep'] = (delayMs, signal) => {
    const isTick = delayMs === tickMs;
    if (!isTick && (delayMs > 0 || !this.#holds)) return systemClock.sleep(delayMs, signal);
    return new Promise((resolve) => {
      (isTick ? this.#ticks : this.#held).push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  };

  hold(): void {
    this.#holds = true;
  }

  release(): void {
    this.#holds = false;
    for (const go of this.#held.splice(0)) go();
  }

  async tick(byMs: number): Promise<void> {
    this.steadyMs += byMs;
    for (const go of this.#ticks.splice(0)) go();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a gateway that writes a broadcast to many', () => {
  it('lets its pings wait meanwhile, four ticks and no more', async () => {
    const pingMs = 1_000;
    const clock = new HeldClock();
    const gateway = await startTestGatewayAlone({
      clock,
      steadyMs: () => clock.steadyMs,
      limits: { pingMs, tickMs, fanOutSockets: 1, reportMs: hourMs, lifetimeMs: hourMs },
    });
    started.push(gateway);
    const devices = [await connect(gateway, { device: 'tv-1' }), await connect(gateway, { device: 'tv-2' })];
    clock.hold();
    gateway.advance();
    for (let ticks = 0; ticks < 4; ticks += 1) await clock.tick(pingMs);
    expect(gateway.gateway.metrics.queue).toBe(1);
    await clock.tick(pingMs);
    clock.release();
    for (const device of devices) await device.messages(2);
    gateway.advance();
    for (const device of devices) {
      await device.messages(3);
      expect(device.heartbeats).toBe(1);
    }
  });
});

describe('a gateway that was not started', () => {
  it('asks nobody and tells devices to come back; once started it takes them', async () => {
    const router = link();
    const gateway = await startTestGateway(router, { started: false });
    started.push(gateway);
    expect(await refusedConnect(gateway)).toMatchObject({
      status: 503,
      body: { code: 'BUSY', retryAfterMs: expect.any(Number) },
    });
    expect(router.asked).toEqual([]);
    gateway.gateway.start();
    router.state = async () => {
      throw new OutageError('LIVE_ROUTER_UNREACHABLE', 'no router answers');
    };
    expect(await refusedConnect(gateway)).toMatchObject({ body: { code: 'BUSY' } });
    expect(router.asked).toContain(`subscribe ${testEvent}`);
  });
});
