import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { clientOptions } from './cassandra-connection.ts';
import { defaultCassandraSettings } from './cassandra-settings.ts';

const settings = { ...defaultCassandraSettings, contactPoints: ['a:1'], dataCenter: 'dc1' };
const delaysOf = (speculativeMs: number): readonly number[] => {
  const policy = clientOptions({ ...settings, speculativeMs }).policies?.speculativeExecution;
  if (policy === undefined) return [];
  const plan = policy.newPlan('k', 'SELECT');
  return [1, 2].map(() => Number(plan.nextExecution(null)));
};

describe('What the driver is told', () => {
  it('is to ask one more node, once, of a read that takes longer than `speculativeMs`', () => {
    const [first, second] = delaysOf(100);
    expect(first).toBe(100);
    expect(second).not.toBeGreaterThanOrEqual(0);
  });
  it('is to ask nobody else where that is 0', () => {
    expect(delaysOf(0)).toEqual([]);
  });
  it.each([
    [['10.0.0.1:9142', '10.0.0.2:9142'], 9142],
    [['10.0.0.1', 'cassandra-1.cassandra:9242'], 9242],
    [['[2001:db8::1]:9342'], 9342],
    [['2001:db8::1', 'cassandra-0'], 9042],
  ])('is to look for the other nodes of %j at port %i', (contactPoints, port) => {
    expect(clientOptions({ ...settings, contactPoints }).protocolOptions?.port).toBe(port);
  });
  it('is not to repeat anything by itself, and to choose nodes by token within the data center', () => {
    const { policies, queryOptions } = clientOptions(settings);
    expect(policies?.retry).toBeInstanceOf(cassandra.policies.retry.FallthroughRetryPolicy);
    expect(policies?.loadBalancing).toBeInstanceOf(cassandra.policies.loadBalancing.TokenAwarePolicy);
    expect(queryOptions?.consistency).toBe(cassandra.types.consistencies.localQuorum);
  });
  it.each([
    [300, 5_000],
    [12_000, 12_000],
  ])(
    'is to wait %i ms for a request, and %i ms for a password to be hashed',
    (requestTimeoutMs, handshakeMs) => {
      const { profiles, socketOptions } = clientOptions({ ...settings, requestTimeoutMs });
      expect(profiles?.map(({ name, readTimeout }) => [name, readTimeout])).toEqual([
        ['default', requestTimeoutMs],
      ]);
      expect(socketOptions?.readTimeout).toBe(handshakeMs);
    },
  );
});
