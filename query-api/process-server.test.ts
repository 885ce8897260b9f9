import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { type ProcessServerOptions, startProcessServer } from './process-server.ts';

async function start(over: Partial<ProcessServerOptions> = {}): Promise<string> {
  const server = await startProcessServer({
    host: '127.0.0.1',
    port: 0,
    gate: { token: null, allowedHosts: [], anyHost: false },
    reader: createMemoryStore(systemClock),
    status: {
      topics: () => [
        {
          topic: 't',
          state: 'running',
          reason: null,
          freshnessMs: 5,
          partitions: [{ partition: 3, topicId: 'i', lag: 7n, waitedMs: 1500 }],
        },
      ],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      freshnessQuantileMs: () => null,
    },
    metrics: [
      { kind: 'gauge', name: 'of_others', help: 'h', labelNames: [], read: () => [{ labels: {}, value: 4 }] },
    ],
    notReady: () => null,
    clock: systemClock,
    log: silentLog,
    newId: () => 'id',
    ...over,
  });
  onTestFinished(() => server.close());
  return server.url;
}

describe('A process without an API', () => {
  it('says that it lives whatever else is wrong, and why it is not ready', async () => {
    let reason: string | null = 'the store does not answer';
    const url = await start({ notReady: () => reason });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const refused = await fetch(`${url}/readyz`);
    expect([refused.status, await refused.json()]).toEqual([503, { ok: false, reason }]);
    reason = null;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('tells its figures', async () => {
    const text = await (await fetch(`${await start()}/metrics`)).text();
    for (const line of [
      'journey_graph_lag_records{topic="t"} 7',
      'journey_graph_lag_seconds{topic="t"} 1.5',
      'journey_graph_partition_lag_records{topic="t",partition="3"} 7',
      'journey_graph_store_up 1',
      'of_others 4',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toContain('process_resident_memory_bytes ');
  });

  it('tells them to who has the token alone, and its probes to everybody', async () => {
    const url = await start({ gate: { token: 'secret', allowedHosts: [], anyHost: true } });
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/anything`)).status).toBe(401);
    const headers = { authorization: 'Bearer secret' };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('has nothing else, and takes nothing but GET', async () => {
    const url = await start();
    expect((await fetch(`${url}/graphql`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('says by name that its port is taken', async () => {
    const port = Number(new URL(await start()).port);
    await expect(start({ port })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });
});
