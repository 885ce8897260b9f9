import { describe, expect, test } from 'vitest';
import { normalizers as functions } from '../processors/index.ts';
import { AvroSchema } from './avro-type.ts';
import { loadCatalog } from './catalog/index.ts';
import { checkMapping, compileMapping } from './mapping-plan.ts';
import type { NormalizerSignatures } from './normalizer-signature.ts';

const normalizers: NormalizerSignatures = new Map([
  ['trim', { name: 'trim', takes: ['string'], gives: 'string' }],
  ['lowerCase', { name: 'lowerCase', takes: ['string'], gives: 'string' }],
]);
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
  { name: 'devices', type: { type: 'array', items: 'Device' } },
  { name: 'either', type: ['null', 'string', 'long'] },
];
const account = { type: 'Account', id: 'account' };

function problems(graph: unknown): readonly string[] {
  const schema = new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields, graph }));
  return checkMapping({ subject: 'e-value', version: 3 }, schema, normalizers).problems.map(
    ({ path, sentence }) => `${path} ${sentence}`,
  );
}

const valid = { domain: 'd', time: 'at', nodes: [account] };
const withKey = (key: unknown) => ({
  ...valid,
  edges: [{ type: 'X', from: 'Account', to: 'Account', key }],
});

describe('a mapping', () => {
  test('of every bundled schema is without problems', async () => {
    const catalog = await loadCatalog();
    expect(catalog.length).toBeGreaterThanOrEqual(15);
    const tables = new Map(catalog.map(({ topic, text }) => [topic, new AvroSchema(text)]));
    for (const { subject, text, name } of catalog) {
      const schema = new AvroSchema(text);
      expect(checkMapping({ subject, version: 1 }, schema, functions, tables).problems).toEqual([]);
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
    [
      'a time to live that is none',
      { ...valid, nodes: [{ ...account, ttl: '90 days' }] },
      'graph.nodes[0].ttl must be how long to keep it, such as `90d`, `12h`, `30m` or `45s`; at most `36500d`',
    ],
    [
      'a time to live of a million years',
      { ...valid, edges: [{ type: 'X', from: 'Account', to: 'Account', ttl: '365000000d' }] },
      'graph.edges[0].ttl must be how long to keep it, such as `90d`, `12h`, `30m` or `45s`; at most `36500d`',
    ],
    [
      'a set of an edge',
      {
        ...valid,
        edges: [
          { type: 'X', from: 'Account', to: 'Account', properties: { p: { path: 'tags', set: 'add' } } },
        ],
      },
      'graph.edges[0].properties.p.set does not belong here: only nodes have sets: `fold` an edge by `set`',
    ],
    [
      'a fold of a node',
      { ...valid, nodes: [{ ...account, properties: { p: { path: 'score', fold: 'sum' } } }] },
      'graph.nodes[0].properties.p.fold does not belong here: only edges are folded from many occurrences',
    ],
    [
      'a fold that is none',
      {
        ...valid,
        edges: [
          { type: 'X', from: 'Account', to: 'Account', properties: { p: { path: 'score', fold: 'avg' } } },
        ],
      },
      'graph.edges[0].properties.p.fold must be one of `last`, `first`, `min`, `max`, `sum`, `set`',
    ],
    [
      'a sum of text',
      {
        ...valid,
        edges: [
          { type: 'X', from: 'Account', to: 'Account', properties: { p: { path: 'account', fold: 'sum' } } },
        ],
      },
      'graph.edges[0].properties.p.fold sums a string: a sum needs an int, long, double or decimal',
    ],
    [
      'a list that is no set',
      { ...valid, nodes: [{ ...account, properties: { p: 'tags' } }] },
      'graph.nodes[0].properties.p `tags` leads to an array, which is not a single value: go through its items with `forEach`',
    ],
    [
      'a set of records',
      { ...valid, nodes: [{ ...account, properties: { p: { path: 'devices', set: 'add' } } }] },
      'graph.nodes[0].properties.p `devices` leads to an array of a record, and a set has single values: use `forEach`',
    ],
    [
      'a key that is a double',
      { ...valid, edges: [{ type: 'X', from: 'Account', to: 'Account', key: 'score' }] },
      "graph.edges[0].key leads to a double: an edge's key must be a string, uuid, enum, int, long or date",
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
      'graph.time `att` names no field `att` (did you mean `at`?)',
    ],
    [
      'a path into an array',
      { ...valid, nodes: [{ type: 'A', id: 'tags.x' }] },
      'graph.nodes[0].id `tags.x` goes on below an array: go through its items with `forEach`',
    ],
    [
      'a path into a union',
      { ...valid, nodes: [{ type: 'A', id: 'either' }] },
      'graph.nodes[0].id `either` leads to a union of string, long: choose a branch, as in `[string]`',
    ],
    [
      'a record as a value',
      { ...valid, nodes: [{ ...account, properties: { device: 'device' } }] },
      'graph.nodes[0].properties.device `device` leads to a record, which is not a single value: name one of its fields',
    ],
    [
      'bytes as an id',
      { ...valid, nodes: [{ type: 'A', id: 'raw' }] },
      'graph.nodes[0].id leads to a bytes: an id must be a string, uuid, enum, int, long or date',
    ],
    [
      'a branch that the union has not',
      { ...valid, nodes: [{ type: 'A', id: 'either[lang]' }] },
      'graph.nodes[0].id `either[lang]` chooses the branch `lang` of a union of string, long (did you mean `long`?)',
    ],
    [
      'a path that is none',
      { ...valid, nodes: [{ type: 'A', id: 'device..id' }] },
      'graph.nodes[0].id `device..id` cannot be read from character 7 on; a map’s key that is no name is written as ["key"]',
    ],
    [
      'a value of two sources',
      { ...valid, nodes: [{ ...account, properties: { a: { path: 'account', cel: 'account' } } }] },
      'graph.nodes[0].properties.a must have exactly one of `path`, `cel` and `value`',
    ],
    [
      'an unknown function',
      { ...valid, nodes: [{ ...account, properties: { a: { path: 'account', apply: 'trin' } } }] },
      'graph.nodes[0].properties.a.apply names no function `trin` (did you mean `trim`?): `jg mapping functions` lists them',
    ],
    [
      'the beginning of a function',
      { ...valid, nodes: [{ ...account, properties: { a: { path: 'account', apply: 'lower' } } }] },
      'graph.nodes[0].properties.a.apply names no function `lower` (did you mean `lowerCase`?): `jg mapping functions` lists them',
    ],
    [
      'a function of another type',
      { ...valid, nodes: [{ ...account, properties: { a: { path: 'score', apply: 'trim' } } }] },
      'graph.nodes[0].properties.a.apply `trim` takes string, and is given double',
    ],
    [
      'an expression about an unknown field',
      { ...valid, where: 'scor > 1.0' },
      'graph.where does not compile: Unknown variable: scor at character 1 (did you mean `score`?)',
    ],
    [
      'an expression that mixes types',
      { ...valid, where: 'account > 1.0' },
      'graph.where does not compile: no such overload: string > double',
    ],
    [
      'a condition that is no condition',
      { ...valid, where: 'score' },
      'graph.where gives a double: a condition is true or false',
    ],
    [
      'a regular expression',
      { ...valid, where: 'account.matches("(a+)+$")' },
      'graph.where calls `matches`, which hostile text can make hang: use startsWith, endsWith, contains or ==',
    ],
    [
      'a loop inside a loop of an expression',
      { ...valid, where: 'tags.all(a, tags.exists(b, a == b))' },
      'graph.where has a loop inside a loop, whose cost no event bounds: use `forEach`',
    ],
    [
      'an expression that gives a list',
      { ...valid, nodes: [{ ...account, properties: { a: { cel: '[1, 2]' } } }] },
      'graph.nodes[0].properties.a gives a list<int>, which cannot be a value',
    ],
    [
      'a loop through text',
      { ...valid, forEach: [{ in: 'account', as: 'a' }] },
      'graph.forEach[0].in `account` leads to a string: a loop goes through an array or a map',
    ],
    [
      'a loop whose item hides a field',
      { ...valid, forEach: [{ in: 'tags', as: 'score' }] },
      'graph.forEach[0].as is `score`, which means something else already: take another name',
    ],
    [
      'an item outside of its loop',
      { ...valid, nodes: [{ type: 'A', id: 'tag' }], forEach: [{ in: 'tags', as: 'tag' }] },
      'graph.nodes[0].id `tag` names no field `tag` (did you mean `tags`?)',
    ],
    [
      'an edge to a node of a loop from outside',
      {
        ...valid,
        edges: [{ type: 'X', from: 'Account', to: 'Tag' }],
        forEach: [{ in: 'tags', as: 'tag', nodes: [{ type: 'Tag', id: 'tag' }] }],
      },
      'graph.edges[0].to names `Tag`, which is seen only inside of the loop through `tags`: put it there',
    ],
    [
      'a field of another level',
      { ...valid, nodes: [{ type: 'A', id: 'id' }] },
      'graph.nodes[0].id `id` names no field `id` (did you mean `device.id`?)',
    ],
    ['nodes that are no list', { ...valid, nodes: { Account: account } }, 'graph.nodes must be a list'],
    ['a node without a type', { ...valid, nodes: [{ id: 'account' }] }, 'graph.nodes[0].type is missing'],
    [
      'a double as an id',
      { ...valid, nodes: [{ type: 'A', id: 'score' }] },
      'graph.nodes[0].id leads to a double: an id must be a string, uuid, enum, int, long or date',
    ],
    [
      'a timestamp as an id',
      { ...valid, nodes: [{ type: 'A', id: 'at' }] },
      'graph.nodes[0].id leads to a timestamp-millis: an id must be a string, uuid, enum, int, long or date',
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
    [
      'a rank that is a text',
      { ...valid, rank: { cel: "'high'" } },
      'graph.rank leads to a string: a rank is an int or a long',
    ],
    [
      'a constant rank below zero',
      { ...valid, rank: { value: -1 } },
      'graph.rank.value must be a whole number from 0 to 2^53 - 1',
    ],
    [
      'a constant rank that is a text',
      { ...valid, rank: { value: '5' } },
      'graph.rank.value must be a whole number from 0 to 2^53 - 1',
    ],
    [
      'a constant key that is too long',
      withKey({ value: 'é'.repeat(128) }),
      'graph.edges[0].key.value must have 1 to 255 bytes',
    ],
    ['an empty key', withKey({ value: '' }), 'graph.edges[0].key.value must have 1 to 255 bytes'],
    [
      'a constant id with NUL',
      { ...valid, nodes: [{ type: 'A', id: { value: 'a\0b' } }] },
      'graph.nodes[0].id.value must have 1 to 1024 bytes, none of them NUL',
    ],
    [
      'a condition of an id',
      { ...valid, nodes: [{ type: 'Account', id: { value: 'x', where: 'true' } }] },
      'graph.nodes[0].id.where is not an attribute of a mapping',
    ],
    [
      'a rank of 2^53',
      { ...valid, rank: 2 ** 53 },
      'graph.rank must be a whole number from 0 to 2^53 - 1, a path or an expression',
    ],
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
    expect(checkMapping({ subject: 's', version: 1 }, new AvroSchema(text), normalizers).problems).toEqual([
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
    const attempt = (): unknown => compileMapping({ subject: 'e-value', version: 3 }, schema, normalizers);
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
