import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApi, type TestApiOptions } from '../query-api/api-testing.ts';
import { HandClock, stepOf, TestProcess } from '../query-api/live/live-testing.ts';
import type { ApiServer } from '../query-api/server.ts';
import { type JourneyStepMessage, journeySteps, type SubscribeOptions } from './subscribe.ts';

const of = { type: 'Account', id: 'é' };
const ports = { sleep: () => new Promise<void>((resolve) => setImmediate(resolve)), random: () => 1 };

async function serve(process: TestProcess, options: TestApiOptions = {}): Promise<ApiServer> {
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER };
  return await startTestApi({ reader: process.memory, feed: process.journal, limits, ...options });
}

/** Waits only in the way it is told: pings and limits of time never come. */
function follow(
  url: string,
  options: Partial<SubscribeOptions> = {},
): AsyncGenerator<JourneyStepMessage, void> {
  const patient = {
    random: ports.random,
    sleep: (delayMs: number, signal: AbortSignal | undefined): Promise<void> =>
      delayMs >= 10_000
        ? new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
        : ports.sleep(),
  };
  return journeySteps(of, { url, ports: patient, webSocketImpl: WebSocket, ...options });
}

async function next(steps: AsyncGenerator<JourneyStepMessage, void>): Promise<JourneyStepMessage> {
  const { value } = await steps.next();
  if (value === undefined) throw new Error('it ended');
  return value;
}

describe('journeySteps of the client', () => {
  it('brings steps, and goes on by itself at the same address after the server was started again', async () => {
    const before = new TestProcess();
    const first = await serve(before);
    const steps = follow(first.url);
    expect(await next(steps)).toMatchObject({ step: null, recovered: null });
    await before.write([stepOf(1000, 1)]);
    expect(await next(steps)).toMatchObject({ step: { domain: 'streaming', properties: { n: 1 } } });
    const goesOn = next(steps);
    await first.close();
    await before.write([stepOf(2000, 2)]);
    const after = new TestProcess({ memory: before.memory, epoch: 2n });
    const second = await serve(after, { port: Number(new URL(first.url).port) });
    expect(await goesOn).toMatchObject({ step: null, recovered: false, reason: 'OTHER_PROCESS' });
    expect(await next(steps)).toMatchObject({ step: { properties: { n: 2 } } });
    await steps.return();
    await second.close();
  });

  it('asks for the token at each connection', async () => {
    const process = new TestProcess();
    const server = await serve(process, { gate: { token: 'secret' } });
    const steps = follow(server.url, { token: async () => 'secret' });
    expect(await next(steps)).toMatchObject({ step: null });
    await steps.return();
    const stranger = follow(server.url);
    await expect(stranger.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    await server.close();
  });

  it('closes the socket when its reader is busy, and goes on behind what was read', async () => {
    const process = new TestProcess();
    const server = await serve(process);
    const steps = follow(server.url, { waitingMax: 2 });
    await next(steps);
    for (let id = 1; id <= 5; id += 1) await process.write([stepOf(1000 + id, id)]);
    const got: unknown[] = [];
    while (got.length < 5) {
      const { step } = await next(steps);
      if (step !== null) got.push(step.properties.n);
    }
    expect(got).toEqual([1, 2, 3, 4, 5]);
    await steps.return();
    await server.close();
  });

  it('ends when its signal aborts, also while it waits', async () => {
    const server = await serve(new TestProcess());
    const stop = new AbortController();
    const steps = follow(server.url, { signal: stop.signal });
    await next(steps);
    const waiting = steps.next();
    stop.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await server.close();
  });

  it('gives up what no waiting mends, and what failed too often', async () => {
    const server = await serve(new TestProcess());
    await expect(follow(server.url, { after: 'rubbish' }).next()).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      requestId: 'request-1',
    });
    await server.close();
    await expect(follow(server.url, { retries: 2 }).next()).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('takes a server that has gone silent for one that has gone', async () => {
    const clock = new HandClock();
    const server = await serve(new TestProcess());
    const steps = follow(server.url, {
      retries: 0,
      ports: { random: () => 1, sleep: (delayMs, signal) => clock.sleep(delayMs, signal) },
      webSocketImpl: SilentSocket,
    });
    const ended = expect(steps.next()).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: 'The server is silent.',
    });
    await clock.advance(10_000);
    await ended;
    await server.close();
  });
});

class SilentSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  send(): void {
    // Swallowed.
  }
  close(): void {
    // Nobody hears it.
  }
}
