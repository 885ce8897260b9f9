import { describe, expect, test } from 'vitest';
import { AvroSchema } from './avro-type.ts';
import { loadCatalog } from './catalog/index.ts';
import { checkMapping, compileMapping } from './mapping-plan.ts';

const fields = [
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'account', type: 'string' },
  { name: 'score', type: 'double' },
  { name: 'raw', type: 'bytes' },
  {
    name: 'device',
    type: ['null', { type: 'record', name: 'Device', fields: [{ name: 'id', type: 'string' }] }],
  },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'either', type: ['null', 'string', 'long'] },
];
const account = { type: 'Account', id: 'account' };

function problems(graph: unknown): readonly string[] {
  const schema = new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields, graph }));
  return checkMapping('e-value', 3, schema).problems.map(({ path, sentence }) => `${path} ${sentence}`);
}

const valid = { domain: 'd', time: 'at', nodes: [account] };

describe('a mapping', () => {
  test('of every bundled schema is without problems', async () => {
    const catalog = await loadCatalog();
    expect(catalog.length).toBeGreaterThanOrEqual(8);
    for (const { subject, text, name } of catalog) {
      const schema = new AvroSchema(text);
      expect(checkMapping(subject, 1, schema).problems).toEqual([]);
      expect(schema.name).toMatch(new RegExp(`\\.${name}$`));
    }
  });

  test.each<[string, unknown, string]>([
    ['a mapping that is no object', [], 'graph must be an object'],
    [
      'an unknown attribute',
      { ...valid, edge: [] },
      'graph.edge is not an attribute of a mapping (did you mean `edges`?)',
    ],
    [
      'an unknown attribute of a node',
      { ...valid, nodes: [{ ...account, propertys: {} }] },
      'graph.nodes[0].propertys is not an attribute of a mapping (did you mean `properties`?)',
    ],
    ['a missing time', { ...valid, time: undefined }, 'graph.time is missing'],
    [
      'a time that is text',
      { ...valid, time: 'account' },
      'graph.time leads to a string: it must be a long, best a timestamp-millis',
    ],
    [
      'an unknown field',
      { ...valid, time: 'att' },
      'graph.time `att`: there is no field `att` (did you mean `at`?)',
    ],
    [
      'a path into an array',
      { ...valid, nodes: [{ type: 'A', id: 'tags.x' }] },
      'graph.nodes[0].id `tags.x` goes on below `tags`, which is an array: a path leads through records and nullable records only',
    ],
    [
      'a path into a union',
      { ...valid, nodes: [{ type: 'A', id: 'either' }] },
      'graph.nodes[0].id `either` leads to a union of several types, which cannot be a value yet',
    ],
    [
      'bytes as a value',
      { ...valid, nodes: [{ ...account, properties: { raw: 'raw' } }] },
      'graph.nodes[0].properties.raw `raw` leads to bytes, which cannot be a value yet',
    ],
    [
      'a double as an id',
      { ...valid, nodes: [{ type: 'A', id: 'score' }] },
      'graph.nodes[0].id leads to a double: an id must be a string, uuid, enum, int or long',
    ],
    [
      'a timestamp as an id',
      { ...valid, nodes: [{ type: 'A', id: 'at' }] },
      'graph.nodes[0].id leads to a timestamp-millis: an id must be a string, uuid, enum, int or long',
    ],
    [
      'a reserved type',
      { ...valid, nodes: [{ type: 'constructor', id: 'account' }] },
      'graph.nodes[0].type is a reserved name',
    ],
    [
      'a name that is none',
      { ...valid, nodes: [{ type: 'A-B', id: 'account' }] },
      'graph.nodes[0].type must be a name: letters, digits and _, at most 128, no digit first',
    ],
    [
      'an edge to nothing',
      { ...valid, edges: [{ type: 'X', from: 'Acount', to: 'Account' }] },
      'graph.edges[0].from names no declared node: `Acount` (did you mean `Account`?)',
    ],
    [
      'two nodes of one name',
      { ...valid, nodes: [account, account] },
      'graph.nodes[1] has the name `Account` of another node: give it an `as`',
    ],
    ['a rank of 256', { ...valid, rank: 256 }, 'graph.rank must be a whole number from 0 to 255'],
    [
      'properties of a delete',
      { ...valid, nodes: [{ ...account, op: 'delete', properties: { a: 'account' } }] },
      'graph.nodes[0].properties cannot be set by a delete',
    ],
    [
      'a step of a deleted owner',
      { ...valid, nodes: [{ ...account, op: 'delete' }], journey: { owner: 'Account', action: 'left' } },
      'graph.journey.owner is deleted by the same mapping, so its step would never be seen',
    ],
    ['no nodes', { ...valid, nodes: [] }, 'graph.nodes must declare at least one node'],
    [
      'an empty action',
      { ...valid, journey: { owner: 'Account', action: ' ' } },
      'graph.journey.action must be a wording of 1 to 128 bytes, such as `watched`',
    ],
  ])('is refused for %s', (_name, graph, expected) => {
    expect(problems(graph)).toEqual([expected]);
  });

  test('reports the property `__proto__`, which JSON can spell', () => {
    const text =
      '{"type":"record","name":"E","fields":[{"name":"a","type":"long"}],"graph":{"domain":"d","time":"a","nodes":[{"type":"A","id":"a","properties":{"__proto__":"a"}}]}}';
    expect(checkMapping('s', 1, new AvroSchema(text)).problems).toEqual([
      { path: 'graph.nodes[0].properties.__proto__', sentence: 'is a reserved name' },
    ]);
  });

  test('names subject, version and every problem at once when it cannot be compiled', () => {
    const graph = {
      time: 'nope',
      nodes: [{ type: 'A', id: 'nope' }],
      edges: [{ type: 'X', from: 'A', to: 'B' }],
      extra: 1,
    };
    const schema = new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields, graph }));
    const attempt = (): unknown => compileMapping('e-value', 3, schema);
    expect(attempt).toThrow(expect.objectContaining({ code: 'MAPPING_INVALID', reaction: 'stop' }));
    for (const part of [
      'e-value version 3',
      'graph.extra',
      'graph.domain',
      'graph.time',
      'graph.nodes[0].id',
      'graph.edges[0].to',
    ]) {
      expect(attempt).toThrow(part);
    }
  });
});
