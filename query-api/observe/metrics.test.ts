import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OutageError, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, createMutationBatch } from '../../graph-store/index.ts';
import { ask, createWriter, send, startTestApi, stepAt } from '../api-testing.ts';
import { localCaller } from '../auth/caller.ts';
import type { TokenVerdict } from '../auth/token-verifier.ts';
import type { ApiServer } from '../server.ts';

const topic = {
  topic: 't',
  state: 'running',
  reason: null,
  freshnessMs: 250,
  partitions: [
    { partition: 0, topicId: 'i', lag: 3n, waitedMs: 1500 },
    { partition: 1, topicId: 'i', lag: 4n, waitedMs: 2500 },
    { partition: 2, topicId: 'i', lag: null, waitedMs: null },
  ],
} as const;
const status = {
  topics: () => [topic],
  nodeWrites: () => ({ written: 5, suppressed: 6, coalesced: 7 }),
  supersededMutations: () => ({ node: 8, edge: 9, step: 10 }),
  freshnessQuantileMs: (share: number) => (share === 0.5 ? 20 : null),
};

async function scrape(server: ApiServer, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${server.url}/metrics`, init);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return await response.text();
}

/** By name and labels as they are written. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** An answer is counted when its connection has all of it, which its reader may know a moment sooner. */
async function scrapeUntil(
  server: ApiServer,
  name: string,
  value: number,
): Promise<ReadonlyMap<string, number>> {
  for (let tries = 0; tries < 100; tries += 1) {
    const samples = samplesOf(await scrape(server));
    if (samples.get(name) === value) return samples;
  }
  throw new Error(`${name} never came to ${value}`);
}

describe('The metrics', () => {
  const store = createMemoryStore(systemClock);
  let server: ApiServer;
  beforeAll(async () => {
    const write = await createWriter(store);
    await write([stepAt(1000, 1n), stepAt(2000, 2n)]);
    const source = { cluster: 'archive', topic: 't', topicId: 'backfill:1', partition: 0 };
    const { epoch } = await store.claim(source);
    const fates = { consumed: 40, applied: 40, superseded: 0, filtered: 0, deadLettered: 0 };
    await store.apply({ source, epoch, from: 0n, next: 40n, fates, newestEventMs: 1 }, createMutationBatch());
    server = await startTestApi({ reader: store, status });
  });
  afterAll(() => server.close());

  it('tell what becomes of records, how far behind and how fresh each topic is, and node writes', async () => {
    const samples = samplesOf(await scrape(server));
    expect(Object.fromEntries(samples)).toMatchObject({
      journey_graph_store_up: 1,
      'journey_graph_records_total{topic="t",fate="applied"}': 2,
      'journey_graph_records_total{topic="t",fate="deadLettered"}': 0,
      'journey_graph_backfill_records_total{topic="t",fate="applied"}': 40,
      'journey_graph_lag_records{topic="t"}': 7,
      'journey_graph_lag_seconds{topic="t"}': 2.5,
      'journey_graph_partition_lag_records{topic="t",partition="1"}': 4,
      'journey_graph_partition_lag_seconds{topic="t",partition="0"}': 1.5,
      'journey_graph_freshness_seconds{topic="t"}': 0.25,
      'journey_graph_pipeline_state{topic="t",state="running"}': 1,
      'journey_graph_pipeline_state{topic="t",state="stopped"}': 0,
      'journey_graph_node_writes_total{result="suppressed"}': 6,
      'journey_graph_superseded_mutations_total{kind="node"}': 8,
      'journey_graph_superseded_mutations_total{kind="edge"}': 9,
      'journey_graph_superseded_mutations_total{kind="step"}': 10,
      'journey_graph_freshness_quantile_seconds{quantile="0.5"}': 0.02,
    });
    expect(samples.has('journey_graph_freshness_quantile_seconds{quantile="0.99"}')).toBe(false);
    expect(
      [...samples.keys()].some((name) => name.startsWith('journey_graph_event_loop_delay_seconds')),
    ).toBe(true);
  });

  it('count each stage of a query, its calls of the store, and its errors by code', async () => {
    const before = samplesOf(await scrape(server));
    const grown = (samples: ReadonlyMap<string, number>, name: string): number =>
      (samples.get(name) ?? 0) - (before.get(name) ?? 0);
    await ask(server, 'query Mine { node(type: "Account", id: "a") { id } }');
    await ask(server, '{ nothing }');
    await ask(server, `{${'a '.repeat(2000)}}`);
    await send(server, '{');
    const failed = 'journey_graph_errors_total{code="BAD_REQUEST"}';
    const after = await scrapeUntil(server, failed, (before.get(failed) ?? 0) + 1);
    for (const stage of ['execute', 'cost'])
      expect(grown(after, `journey_graph_query_stage_seconds_count{stage="${stage}"}`)).toBe(1);
    expect(grown(after, 'journey_graph_query_stage_seconds_count{stage="admit"}')).toBe(4);
    for (const stage of ['parse', 'validate'])
      expect(grown(after, `journey_graph_query_stage_seconds_count{stage="${stage}"}`)).toBe(2);
    expect(grown(after, 'journey_graph_store_call_seconds_count{method="node"}')).toBe(1);
    expect(grown(after, 'journey_graph_store_rows_total{method="node"}')).toBe(1);
    for (const code of ['GRAPHQL_VALIDATION_FAILED', 'QUERY_TOO_LARGE', 'BAD_REQUEST'])
      expect(grown(after, `journey_graph_errors_total{code="${code}"}`)).toBe(1);
    expect(grown(after, 'journey_graph_http_requests_total{path="/graphql",status="200"}')).toBe(1);
    expect(grown(after, 'journey_graph_http_requests_total{path="/graphql",status="400"}')).toBe(3);
    // Only this scrape itself is under way.
    expect(after.get('journey_graph_http_requests_in_flight')).toBe(1);
  });

  it('have no label that a caller can make up', async () => {
    const text = 'made_up_by_a_caller';
    await ask(server, `query ${text} { __typename }`);
    await fetch(`${server.url}/${text}?${text}`);
    await fetch(`${server.url}/graphql`, { method: 'PUT', headers: { 'x-test': text } });
    expect(await scrape(server)).not.toContain(text);
  });

  it('go on while the store is away, and say that it is', async () => {
    const away = new Proxy(store, {
      get: (target, name) =>
        name in target
          ? async () => {
              throw new OutageError('STORE_READ_FAILED', 'The disk is gone.');
            }
          : undefined,
    });
    const other = await startTestApi({ reader: away, status });
    const samples = samplesOf(await scrape(other));
    expect(samples.get('journey_graph_store_up')).toBe(0);
    expect(samples.get('journey_graph_lag_records{topic="t"}')).toBe(7);
    expect(samples.has('journey_graph_records_total{topic="t",fate="applied"}')).toBe(false);
    await other.close();
  });
});

describe('The metrics of a store on several machines', () => {
  const samplesOver = async (reader: Parameters<typeof startTestApi>[0]) => {
    const server = await startTestApi(reader);
    const samples = samplesOf(await scrape(server));
    await server.close();
    return Object.fromEntries([...samples].filter(([name]) => /store_(nodes|copies)/.test(name)));
  };

  it('say how many there are, how many can be reached and how many copies they hold', async () => {
    const reader = Object.assign(createMemoryStore(systemClock), {
      cluster: () => ({ nodes: 6, nodesUp: 5, copies: 3 }),
    });
    expect(await samplesOver({ reader, status })).toEqual({
      journey_graph_store_nodes: 6,
      journey_graph_store_nodes_up: 5,
      journey_graph_store_copies: 3,
    });
  });

  it('are none of one that is in this process', async () => {
    expect(await samplesOver({ reader: createMemoryStore(systemClock), status })).toEqual({});
  });
});

describe('Whoever asks for the metrics', () => {
  it('needs the token where there is one, also on loopback: a proxy of the same machine asks for everybody', async () => {
    const local = await startTestApi();
    expect(await scrape(local)).toContain('journey_graph_store_up 1');
    await local.close();
    for (const anyHost of [false, true]) {
      const guarded = await startTestApi({ gate: { token: 'secret', anyHost } });
      expect((await fetch(`${guarded.url}/metrics`)).status).toBe(401);
      expect(await scrape(guarded, { headers: { authorization: 'Bearer secret' } })).toContain('store_up 1');
      await guarded.close();
    }
  });

  it('may not do so with a JWT, and is told of what', async () => {
    const verify = async (): Promise<TokenVerdict> => ({
      kind: 'caller',
      caller: { ...localCaller, kind: 'token' },
    });
    const server = await startTestApi({ access: { jwt: { verify }, policy: null } });
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
    const response = await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer some' } });
    const { errors } = JSON.parse(await response.text());
    const message = '`/metrics` is for the holder of `api.token` only.';
    expect([response.status, errors[0].message]).toEqual([403, message]);
    await server.close();
  });

  it('may only read them', async () => {
    const server = await startTestApi();
    const response = await fetch(`${server.url}/metrics`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
    await server.close();
  });
});
