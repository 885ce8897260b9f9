import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore, type EventMutations } from '../graph-store/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { ask, createWriter, startTestApi } from './api-testing.ts';

const ann = { type: 'Account', id: 'ann' };
const dark = { type: 'Title', id: 'dark' };
const origin = { schemaId: 7, subject: 'plays-value', version: 2 };
const by = { declaredBy: ['plays-value'] };
const schema: GraphSchema = {
  nodeTypes: [],
  edgeTypes: [
    {
      name: 'WATCHED',
      ends: [],
      keyed: true,
      properties: [
        { name: 'seconds', kind: 'integer', many: false, fold: 'sum', ...by },
        { name: 'devices', kind: 'text', many: true, fold: 'set', ...by },
      ],
      ttlMs: null,
      ...by,
    },
  ],
  domains: [],
};

function watched(timeMs: number, key: string, seconds: bigint, device: string): EventMutations {
  const properties = [['devices', device], ['seconds', seconds]] as const; // biome-ignore format: one row
  const edge = { kind: 'edge', type: 'WATCHED', from: ann, to: dark, key, properties } as const;
  const lineage = { offset: 2n ** 60n + BigInt(timeMs), origin };
  return { timeMs, occurrence: BigInt(timeMs), rank: 0, mutations: [edge], lineage };
}

async function answer(query: string): Promise<unknown> {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  await write([
    watched(1_000, 'a', 30n, 'tv'),
    watched(2_000, 'a', 12n, 'phone'),
    watched(3_000, 'b', 5n, 'tv'),
  ]);
  const server = await startTestApi({ reader: store, status: { graphSchema: () => schema } });
  try {
    return JSON.parse((await ask(server, query)).text);
  } finally {
    await server.close();
  }
}

const ends = 'from: {type: "Account", id: "ann"}, to: {type: "Title", id: "dark"}';

describe('An edge', () => {
  it('is folded as the mappings declare, and says which record touched it last', async () => {
    const query = `{ edge(type: "WATCHED", ${ends}, key: "a") {
      type from { type id } to { id } key firstSeen lastSeen count properties complete
      lineage { topic partition offset schemaId mappingSubject mappingVersion }
    } }`;
    expect(await answer(query)).toEqual({
      data: {
        edge: {
          type: 'WATCHED',
          from: ann,
          to: { id: 'dark' },
          key: 'a',
          firstSeen: '1970-01-01T00:00:01.000Z',
          lastSeen: '1970-01-01T00:00:02.000Z',
          count: 2,
          properties: { seconds: 42, devices: ['phone', 'tv'] },
          complete: true,
          lineage: {
            topic: 't',
            partition: 0,
            offset: '1152921504606848976',
            schemaId: 7,
            mappingSubject: 'plays-value',
            mappingVersion: 2,
          },
        },
      },
    });
  });
  it('without a key is all edges of the type between the two', async () => {
    expect(await answer(`{ edge(type: "WATCHED", ${ends}) { key count properties } }`)).toEqual({
      data: { edge: { key: null, count: 3, properties: { seconds: 47, devices: ['phone', 'tv'] } } },
    });
  });
  it('that nothing touched is null', async () => {
    expect(await answer(`{ edge(type: "LIKED", ${ends}) { count } }`)).toEqual({ data: { edge: null } });
    expect(await answer(`{ edge(type: "WATCHED", ${ends}, key: "c") { count } }`)).toEqual({
      data: { edge: null },
    });
  });
  it.each([
    ['type: "__x"', 'Argument "type" takes the name of an edge type, such as WATCHED.'],
    [`type: "WATCHED", key: ""`, 'Argument "key" takes a key of 1 to 255 bytes.'],
    [`type: "WATCHED", key: "${'x'.repeat(256)}"`, 'Argument "key" takes a key of 1 to 255 bytes.'],
  ])('refuses %s', async (given, message) => {
    expect(await answer(`{ edge(${given}, ${ends}) { count } }`)).toMatchObject({
      errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });
});

describe('Lineage', () => {
  it('is told of nodes', async () => {
    expect(await answer('{ node(type: "Title", id: "dark") { lineage { offset mappingVersion } } }')).toEqual(
      {
        data: { node: { lineage: { offset: '1152921504606849976', mappingVersion: 2 } } },
      },
    );
  });
});
