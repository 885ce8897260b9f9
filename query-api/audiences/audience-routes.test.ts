import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { must, systemClock } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import { storeWith } from '../policy/policy-testing.ts';
import { AudienceRoutes } from './audience-routes.ts';
import { openTestAudiences } from './audience-testing.ts';

it.each([
  ['its token expires', 1_000_000 + 5000, 5000],
  ['it has had enough time for as many members', null, 60_000],
  ['its token had expired', 1_000_000 - 1, 0],
])(
  'A stream of members is cut off when %s, and its place is free again',
  async (_what, expiresAtMs, afterMs) => {
    const test = await openTestAudiences();
    onTestFinished(() => test[Symbol.asyncDispose]());
    const empty = await test.frozen(await storeWith([]), { kind: 'any', of: [] });
    const { row } = must(empty.state === 'READY' ? empty : undefined, 'it was frozen');
    let timer = Promise.withResolvers<void>();
    const timers: number[] = [];
    const clock = {
      now: () => 1_000_000,
      sleep: async (ms: number) => {
        timers.push(ms);
        await timer.promise;
      },
    };
    const endless = {
      get: () => ({ state: 'READY', row }) as const,
      async *members(): AsyncGenerator<readonly NodeRef[]> {
        for (;;) {
          yield [{ type: 'Account', id: 'a' }];
          await systemClock.sleep(0);
        }
      },
    };
    const routes = new AudienceRoutes(endless, clock);
    const handled: Promise<void>[] = [];
    const server = createServer((request, response) => {
      handled.push(routes.handle(request, response, '/audiences/x/members', 'request-1', { expiresAtMs }));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const { port } = must(isPort(address) ? address : undefined, 'it listens');
    const streams = await Promise.all(
      Array.from({ length: 16 }, () => fetch(`http://127.0.0.1:${port}/audiences/x/members`)),
    );
    expect(streams.map(({ status }) => status)).toEqual(Array(16).fill(200));
    expect(timers).toEqual(Array(16).fill(afterMs));
    expect((await fetch(`http://127.0.0.1:${port}/audiences/x/members`)).status).toBe(429);
    const first = timer;
    timer = Promise.withResolvers<void>();
    first.resolve();
    for (const stream of streams) await expect(stream.text()).rejects.toThrow();
    await Promise.all(handled);
    const again = await fetch(`http://127.0.0.1:${port}/audiences/x/members`);
    expect(again.status).toBe(200);
    timer.resolve();
    await expect(again.text()).rejects.toThrow();
  },
);

function isPort(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
