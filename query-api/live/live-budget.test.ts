import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { startTestApi, type TestApiOptions } from '../api-testing.ts';
import { callerWith, policyFrom } from '../policy/policy-testing.ts';
import type { ApiServer } from '../server.ts';
import { RawClient } from './live-socket-testing.ts';
import { HandClock, owner, stepOf, TestProcess } from './live-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  streaming:
    operations: [journeySteps]
    costBudget: 1000
    nodes: { Account: { rows: all, fields: all } }
    steps: { streaming: { fields: all } }
`);
const access = {
  policy,
  jwt: { verify: async () => ({ kind: 'caller' as const, caller: callerWith(['streaming']) }) },
};

async function withClient(
  process: TestProcess,
  options: TestApiOptions,
  use: (client: RawClient, server: ApiServer) => Promise<void>,
): Promise<void> {
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER, ...options.limits };
  const server = await startTestApi({ reader: process.memory, feed: process.journal, ...options, limits });
  const client = await new RawClient(server).initialized({ Authorization: 'Bearer some' });
  try {
    client.subscribe('1');
    expect((await client.nextStep()).step).toBe(null);
    await use(client, server);
  } finally {
    client.socket.terminate();
    await server.close();
  }
}

/** Of a domain that the policy does not name. */
function paidAt(timeMs: number, id: number): ReturnType<typeof stepOf> {
  const step = {
    kind: 'step',
    owner,
    domain: 'payments',
    action: 'paid',
    links: [],
    properties: [],
  } as const;
  return { timeMs, rank: 0, occurrence: BigInt(id), mutations: [step] };
}

describe("What one query may spend, of a subscription's events", () => {
  it.each([
    ['everybody', {}, () => []],
    ['a caller with a policy', { access }, (i: number) => [paidAt(5000 + i, 1000 + i)]],
  ])('is spent by each of them anew: %s gets more steps than that', async (_who, options, hidden) => {
    const process = new TestProcess();
    const limits = { budget: { calls: 5, rows: 10_000 } };
    await withClient(process, { ...options, limits }, async (client) => {
      for (let i = 1; i <= 20; i += 1) {
        await process.write([...hidden(i), stepOf(1000 + i, i)]);
        expect((await client.nextStep()).step?.properties.n).toBe(i);
      }
    });
  });

  it('is spent by each look into the store anew, where other processes write', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const limits = { budget: { calls: 5, rows: 10_000 } };
    await withClient(own, { clock, steadyMs: clock.steadyMs, limits, access }, async (client) => {
      for (let i = 1; i <= 20; i += 1) {
        await other.write([paidAt(1000 + 2 * i, 1000 + i), stepOf(1001 + 2 * i, i)], 1);
        await clock.advance(2000);
        expect((await client.nextStep()).step?.properties.n).toBe(i);
      }
    });
  });
});

describe('The cursors of a subscription', () => {
  it('do not tell where steps lie that their reader may not see, nor that there are any', async () => {
    const cursorsOf = async (hidden: boolean): Promise<readonly string[]> => {
      const process = new TestProcess();
      const seen: string[] = [];
      await withClient(process, { access }, async (client) => {
        for (let i = 1; i <= 3; i += 1) {
          if (hidden) await process.write([paidAt(700_000 + i, 1000 + i)]);
          await process.write([stepOf(1000 + i, i)]);
          seen.push((await client.nextStep()).cursor);
        }
      });
      return seen;
    };
    const places = (cursors: readonly string[]): readonly string[] =>
      // Version, time and occurrence; what follows is sealed.
      cursors.map((cursor) => Buffer.from(cursor, 'base64url').toString('hex', 0, 17));
    const withHidden = places(await cursorsOf(true));
    expect(withHidden).toEqual(places(await cursorsOf(false)));
    expect(new Set(withHidden).size).toBe(3);
  });
});
