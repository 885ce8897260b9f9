import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestApi, type TestApiOptions } from '../api-testing.ts';
import { callerWith, policyFrom } from '../policy/policy-testing.ts';
import { RawClient, stepsQuery } from './live-socket-testing.ts';
import { TestProcess } from './live-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  live: { operations: [journeySteps], nodes: { Account: { rows: all, fields: all } } }
  others: { operations: [journey, node, status], nodes: { Account: { rows: all, fields: all } } }
`);
const inFragment = `subscription { ...Steps }
  fragment Steps on Subscription { status: journeySteps(of: {type: "Account", id: "é"}) { cursor } }`;

function accessOf(scope: string): NonNullable<TestApiOptions['access']> {
  const verify = async () => ({ kind: 'caller' as const, caller: callerWith([scope]) });
  return { policy, jwt: { verify } };
}

async function clientOf(options: TestApiOptions): Promise<{ client: RawClient; process: TestProcess }> {
  const process = new TestProcess({ limits: { graceMs: 0 } });
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER, ...options.limits };
  const server = await startTestApi({ reader: process.memory, feed: process.journal, ...options, limits });
  onTestFinished(() => server.close());
  const client = await new RawClient(server).initialized({ Authorization: 'Bearer some' });
  onTestFinished(() => client.socket.terminate());
  return { client, process };
}

describe('A subscription', () => {
  it.each([
    ['as it stands', stepsQuery],
    ['in a fragment, under the name of another', inFragment],
  ])(
    'that no scope of its caller allows is refused before anything is listened to: %s',
    async (_how, query) => {
      const { client, process } = await clientOf({ access: accessOf('others') });
      client.subscribe('1', query);
      expect(await client.nextFaults('error')).toMatchObject([
        {
          message: 'No scope of your token allows `journeySteps`.',
          extensions: { code: 'FORBIDDEN', forbidden: 'journeySteps', requestId: expect.any(String) },
        },
      ]);
      expect(process.journal.held.owners).toBe(0);
    },
  );

  it('that a scope of its caller allows begins', async () => {
    const { client } = await clientOf({ access: accessOf('live') });
    client.subscribe('1');
    expect((await client.nextStep()).step).toBe(null);
  });

  it.each([
    ['rows', { calls: 1, rows: 0 }],
    ['store calls', { calls: 0, rows: 1 }],
  ])('one event of which may take more %s than a query may spend is refused', async (_what, budget) => {
    const { client, process } = await clientOf({ limits: { budget } });
    client.subscribe('1');
    expect(await client.nextFaults('error')).toMatchObject([
      { extensions: { code: 'QUERY_TOO_EXPENSIVE', cost: { calls: 1, rows: 1 }, budget } },
    ]);
    expect(process.journal.held.owners).toBe(0);
  });

  it('one event of which takes just what a query may spend begins', async () => {
    const { client } = await clientOf({ limits: { budget: { calls: 1, rows: 1 } } });
    client.subscribe('1');
    expect((await client.nextStep()).step).toBe(null);
  });
});
