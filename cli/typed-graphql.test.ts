import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { MappingsInForce, mappingSettingsDefault } from '../ingest/index.ts';
import { queryLimitsDefault, startApiServer } from '../query-api/index.ts';
import { BundledRegistry } from '../schemas/index.ts';

/** A schema whose events say that there is a node type with these properties. */
function schemaText(nodeType: string, ...properties: readonly string[]): string {
  const fields = ['id', ...properties].map((name) => ({ name, type: 'string' }));
  const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const node = {
    type: nodeType,
    id: 'id',
    properties: Object.fromEntries(properties.map((name) => [name, name])),
  };
  const graph = { domain: 'test', time: 'at', nodes: [node] };
  return JSON.stringify({ type: 'record', name: 'Happened', fields: [time, ...fields], graph });
}

/** The mappings of a process and the API beside them, as composition wires the two. */
async function start(subjectsMax: number) {
  const registry = BundledRegistry.of([]);
  const parts = { registry, clock: systemClock, random: () => 0, log: silentLog };
  const mappings = new MappingsInForce(parts, { ...mappingSettingsDefault, subjectsMax });
  const server = await startApiServer({
    host: '127.0.0.1',
    port: 0,
    reader: createMemoryStore(systemClock),
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      tables: () => [],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      graphSchema: () => mappings.graphSchema(),
      mappings: () => mappings.status(),
      ready: () => mappings.hasLooked,
      freshnessQuantileMs: () => null,
    },
    operations: null,
    audiences: null,
    limits: queryLimitsDefault,
    gate: { token: null, allowedHosts: [], anyHost: false },
    defaultQuery: '{ __typename }',
    closeMs: 1000,
    clock: systemClock,
    log: silentLog,
    newId: () => 'request',
  });
  onTestFinished(() => server.close());
  const ask = async (query: string): Promise<{ readonly data?: unknown; readonly errors?: unknown }> => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return JSON.parse(await response.text());
  };
  const ready = async (): Promise<number> => (await fetch(`${server.url}/readyz`)).status;
  return { registry, mappings, ask, ready };
}

describe('A registration while the API answers', () => {
  it('extends GraphQL without losing one of the requests that run meanwhile', async () => {
    const { registry, mappings, ask } = await start(100);
    await registry.register('account-value', schemaText('Account', 'country'));
    mappings.expect('account-value');
    await mappings.poll();
    let answered = 0;
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        expect(await ask('{ account(id: "a") { country journey { edges { cursor } } } }')).toEqual({
          data: { account: null },
        });
        answered += 1;
      }
    };
    const clients = Array.from({ length: 16 }, client);
    for (let i = 0; i < 20; i += 1) {
      await registry.register(`thing-${i}-value`, schemaText(`thing_${i}`, 'first_seen'));
      mappings.expect(`thing-${i}-value`);
      await registry.register('account-value', schemaText('Account', 'country', `extra_${i}`));
      await mappings.poll();
      expect(await ask(`{ thing${i}(id: "a") { firstSeen } account(id: "a") { extra${i} } }`)).toEqual({
        data: { [`thing${i}`]: null, account: null },
      });
    }
    isOver = true;
    await Promise.all(clients);
    expect(answered).toBeGreaterThan(100);
  });

  it('takes no type away from clients when its mapping is pushed out of a full cache', async () => {
    const { registry, mappings, ask } = await start(2);
    for (const name of ['One', 'Two', 'Three']) {
      await registry.register(`${name}-value`, schemaText(name, 'note'));
      mappings.expect(`${name}-value`);
      await mappings.poll();
      expect(await ask(`{ ${name.toLowerCase()}(id: "a") { note } }`)).not.toHaveProperty('errors');
    }
    expect(mappings.graphSchema().nodeTypes.map(({ name }) => name)).toEqual(['Three', 'Two']);
    expect(await ask('{ one(id: "a") { note } two(id: "a") { note } three(id: "a") { note } }')).toEqual({
      data: { one: null, two: null, three: null },
    });
  });

  it('that contradicts what is in force changes nothing in GraphQL', async () => {
    const { registry, mappings, ask } = await start(100);
    await registry.register('a-value', schemaText('LiveShow', 'name'));
    await registry.register('b-value', schemaText('live_show', 'title'));
    for (const subject of ['a-value', 'b-value']) {
      mappings.expect(subject);
      await mappings.poll();
    }
    expect(await ask('{ liveShow(id: "a") { name } }')).toEqual({ data: { liveShow: null } });
    expect(JSON.stringify(await ask('{ graphSchema { mappings { alarm { code } } } }'))).toContain(
      'GRAPH_SCHEMA_CONFLICT',
    );
  });
});

describe('A process that has just started', () => {
  it('is not ready before it has looked for the mappings that it expects', async () => {
    const { registry, mappings, ask, ready } = await start(100);
    await registry.register('account-value', schemaText('Account', 'country'));
    mappings.expect('account-value');
    expect(await ready()).toBe(503);
    const stop = new AbortController();
    const watching = mappings.watch(stop.signal);
    await expect.poll(ready).toBe(200);
    expect(await ask('{ account(id: "a") { country } }')).toEqual({ data: { account: null } });
    stop.abort();
    await watching;
  });
});
