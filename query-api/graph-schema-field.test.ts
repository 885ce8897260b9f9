import { describe, expect, it } from 'vitest';
import { type GraphSchema, reservedTypeNames } from '../schemas/index.ts';
import { ask, startTestApi } from './api-testing.ts';
import { createSchema } from './index.ts';
import type { MappingState } from './status-reader.ts';

const by = { declaredBy: ['a-value'] };
const single = { many: false, fold: 'last' } as const;
const schema: GraphSchema = {
  nodeTypes: [
    {
      name: 'Account',
      idKind: 'integer',
      properties: [
        { name: 'seen', kind: 'time of day', ...single, ...by },
        { name: 'score', kind: 'number', ...single, declaredBy: ['a-value', 'b-value'] },
      ],
      ttlMs: null,
      ...by,
    },
  ],
  edgeTypes: [
    {
      name: 'WATCHED',
      ends: [{ from: 'Account', to: 'Title', ...by }],
      properties: [{ name: 'at', kind: 'timestamp', many: true, fold: 'set', ...by }],
      keyed: true,
      ttlMs: 5_000,
      ...by,
    },
  ],
  domains: [{ name: 'streaming', actions: [{ name: 'watched', ...by }], ...by }],
};
const mappings: readonly MappingState[] = [
  { subject: 'a-value', inForce: { subject: 'a-value.graph', version: 3 }, alarm: null },
  {
    subject: 'b-value',
    inForce: null,
    alarm: {
      code: 'MAPPING_INVALID',
      subject: 'b-value',
      version: 4,
      problems: [{ path: 'graph.time', sentence: 'is missing' }],
      sinceMs: 0,
    },
  },
];

async function graphSchema(query: string, now: () => GraphSchema): Promise<unknown> {
  const server = await startTestApi({ status: { graphSchema: now, mappings: () => mappings } });
  try {
    const { text } = await ask(server, `{ graphSchema { ${query} } }`);
    return JSON.parse(text).data.graphSchema;
  } finally {
    await server.close();
  }
}

describe('The graph schema', () => {
  it('says what the graph can hold, and which subjects say so', async () => {
    const properties = 'properties { name kind many fold declaredBy }';
    const query = `nodeTypes { name idKind ${properties} timeToLive declaredBy }
      edgeTypes { name ends { from to declaredBy } keyed ${properties} timeToLive declaredBy }
      domains { name actions { name declaredBy } declaredBy }`;
    expect(await graphSchema(query, () => schema)).toEqual({
      nodeTypes: [
        {
          name: 'Account',
          idKind: 'INTEGER',
          properties: [
            { name: 'seen', kind: 'TIME_OF_DAY', many: false, fold: 'LAST', ...by },
            { name: 'score', kind: 'NUMBER', many: false, fold: 'LAST', declaredBy: ['a-value', 'b-value'] },
          ],
          timeToLive: null,
          ...by,
        },
      ],
      edgeTypes: [
        {
          name: 'WATCHED',
          ends: [{ from: 'Account', to: 'Title', ...by }],
          keyed: true,
          properties: [{ name: 'at', kind: 'TIMESTAMP', many: true, fold: 'SET', ...by }],
          timeToLive: 5,
          ...by,
        },
      ],
      domains: schema.domains,
    });
  });

  it('is asked for anew with every query', async () => {
    const empty: GraphSchema = { nodeTypes: [], edgeTypes: [], domains: [] };
    let now = empty;
    const server = await startTestApi({ status: { graphSchema: () => now } });
    try {
      const names = async (): Promise<unknown> =>
        JSON.parse((await ask(server, '{ graphSchema { nodeTypes { name } } }')).text).data;
      expect(await names()).toEqual({ graphSchema: { nodeTypes: [] } });
      now = schema;
      expect(await names()).toEqual({ graphSchema: { nodeTypes: [{ name: 'Account' }] } });
    } finally {
      await server.close();
    }
  });

  it('says which mapping is in force, and what is wrong with a newer one', async () => {
    const query =
      'mappings { subject registeredUnder version alarm { code subject version since problems { path sentence } } }';
    expect(await graphSchema(query, () => schema)).toEqual({
      mappings: [
        { subject: 'a-value', registeredUnder: 'a-value.graph', version: 3, alarm: null },
        {
          subject: 'b-value',
          registeredUnder: null,
          version: null,
          alarm: {
            code: 'MAPPING_INVALID',
            subject: 'b-value',
            version: 4,
            since: '1970-01-01T00:00:00.000Z',
            problems: [{ path: 'graph.time', sentence: 'is missing' }],
          },
        },
      ],
    });
  });

  it('takes no name of the API: each of its types is reserved', () => {
    const names = Object.keys(createSchema().getTypeMap()).filter((name) => !name.startsWith('__'));
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !reservedTypeNames.has(name))).toEqual([]);
  });
});
