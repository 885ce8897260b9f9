import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { AvroSchema, checkMapping, loadCatalog } from '../schemas/index.ts';
import { normalizers } from './normalizers/index.ts';

const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'mapping.schema.json'), 'utf8');
// A keyword that only fits objects leaves alone what is none: that is meant.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const validate = ajv.compile(JSON.parse(text));

const folder = join(import.meta.dirname, 'language');
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

const fields = [
  { name: 'at', type: 'long' },
  { name: 'id', type: 'string' },
  { name: 'tags', type: { type: 'array', items: 'string' } },
];
const node = { type: 'A', id: 'id' };
const valid = { domain: 'd', time: 'at', nodes: [node] };
const tables = new Map([
  [
    't',
    new AvroSchema(JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'v', type: 'string' }] })),
  ],
]);
const lookup = { as: 'row', topic: 't', key: 'id' };
const withLookup = (more: object) => ({ ...valid, lookups: [{ ...lookup, ...more }] });
/** What it waits for, and what comes then. */
const wait = (...given: readonly [name: string, value: unknown][]) =>
  withLookup({ missing: Object.fromEntries(given) });
const loop = { in: 'tags', as: 'tag' };

function schemaOf(graph: unknown): object {
  return { type: 'record', name: 'E', fields, graph };
}

const withKey = (key: unknown) => ({ ...valid, edges: [{ type: 'X', from: 'A', to: 'A', key }] });

function problemsOf(graph: unknown): number {
  const schema = new AvroSchema(JSON.stringify(schemaOf(graph)));
  return checkMapping({ subject: 's', version: 1 }, schema, normalizers, tables).problems.length;
}

describe('docs/mapping.schema.json', () => {
  test('takes every mapping of the catalog', async () => {
    const catalog = await loadCatalog();
    expect(catalog.length).toBeGreaterThanOrEqual(8);
    for (const { text: schema } of catalog) {
      validate(JSON.parse(schema));
      expect(validate.errors).toBeNull();
    }
  });

  test.each(files)('takes the case %s', (file) => {
    validate(JSON.parse(readFileSync(join(folder, file), 'utf8')).schema);
    expect(validate.errors).toBeNull();
  });

  test.each<[string, unknown]>([
    ['a minimal mapping', valid],
    ['a rank from the event', { ...valid, rank: { cel: 'size(tags)' } }],
    ['a rank at a path', { ...valid, rank: 'at' }],
    ['a constant rank', { ...valid, rank: { value: 5 } }],
    ['a constant key', withKey({ value: 'a\0b' })],
    [
      'a property under a condition',
      { ...valid, nodes: [{ ...node, properties: { p: { path: 'at', where: 'at > 0' } } }] },
    ],
    ['a delete', { ...valid, nodes: [{ ...node, op: 'delete' }] }],
    ['a lookup', withLookup({})],
    ['a lookup that waits', wait(['waitMs', 60_000], ['then', 'deadLetter'])],
    ['a lookup that says its defaults', withLookup({ missing: 'apply', late: 'ignore' })],
    [
      'a key, a fold and a time to live',
      {
        ...valid,
        nodes: [{ ...node, ttl: '90d', properties: { t: { path: 'tags', set: 'add' } } }],
        edges: [
          {
            type: 'X',
            from: 'A',
            to: 'A',
            key: 'id',
            ttl: '1h',
            properties: { n: { path: 'at', fold: 'sum' } },
          },
        ],
      },
    ],
    ['a path of each kind', { ...valid, forEach: [{ ...loop, nodes: [{ type: 'B', id: 'tag' }] }] }],
  ])('agrees with the compiler that %s is right', (_what, graph) => {
    expect(problemsOf(graph)).toBe(0);
    expect(validate(schemaOf(graph))).toBe(true);
  });

  test.each<[string, unknown]>([
    ['a list', []],
    ['an id under a condition', { ...valid, nodes: [{ ...node, id: { path: 'id', where: 'at > 0' } }] }],
    ['a rank under a condition', { ...valid, rank: { path: 'at', where: 'at > 0' } }],
    ['a mapping without a domain', { time: 'at', nodes: [node] }],
    ['a domain with a space', { ...valid, domain: 'a b' }],
    ['a mapping without a time', { domain: 'd', nodes: [node] }],
    ['an unknown attribute', { ...valid, edge: [] }],
    ['a node without an id', { ...valid, nodes: [{ type: 'A' }] }],
    ['an unknown attribute of a node', { ...valid, nodes: [{ ...node, propertys: {} }] }],
    ['a reserved type', { ...valid, nodes: [{ type: '__typename', id: 'id' }] }],
    ['a property called constructor', { ...valid, nodes: [{ ...node, properties: { constructor: 'id' } }] }],
    ['a path that is none', { ...valid, time: 'at..x' }],
    ['a path with an unfinished key', { ...valid, time: 'at["x]' }],
    [
      'a value of two sources',
      { ...valid, nodes: [{ ...node, properties: { a: { path: 'id', cel: 'id' } } }] },
    ],
    ['a value of no source', { ...valid, nodes: [{ ...node, properties: { a: { apply: 'trim' } } }] }],
    ['a constant that is null', { ...valid, nodes: [{ ...node, properties: { a: { value: null } } }] }],
    [
      'a function on a constant',
      { ...valid, nodes: [{ ...node, properties: { a: { value: 1, apply: 'trim' } } }] },
    ],
    [
      'an unknown function',
      { ...valid, nodes: [{ ...node, properties: { a: { path: 'id', apply: 'trin' } } }] },
    ],
    [
      'nine functions',
      { ...valid, nodes: [{ type: 'A', id: { path: 'id', apply: Array(9).fill('trim') } }] },
    ],
    ['a time to live that is none', { ...valid, nodes: [{ ...node, ttl: 'a week' }] }],
    [
      'a set change that is none',
      { ...valid, nodes: [{ ...node, properties: { t: { path: 'tags', set: 'all' } } }] },
    ],
    ['a fold of a node', { ...valid, nodes: [{ ...node, properties: { t: { path: 'id', fold: 'last' } } }] }],
    [
      'a set of an edge',
      { ...valid, edges: [{ type: 'X', from: 'A', to: 'A', properties: { t: { path: 'id', set: 'add' } } }] },
    ],
    ['an operation that is none', { ...valid, nodes: [{ ...node, op: 'remove' }] }],
    ['properties of a delete', { ...valid, nodes: [{ ...node, op: 'delete', properties: { a: 'id' } }] }],
    ['an edge without an end', { ...valid, edges: [{ type: 'X', from: 'A' }] }],
    ['an empty condition', { ...valid, where: ' ' }],
    ['a loop without a name', { ...valid, forEach: [{ in: 'tags' }] }],
    [
      'a loop in three others',
      {
        ...valid,
        forEach: [
          { ...loop, forEach: [{ ...loop, as: 'b', forEach: [{ ...loop, as: 'c', forEach: [loop] }] }] },
        ],
      },
    ],
    ['a journey without an owner', { ...valid, journey: { action: 'watched' } }],
    ['an action of nothing', { ...valid, journey: { owner: 'A', action: '  ' } }],
    ['a rank of 2^53', { ...valid, rank: 2 ** 53 }],
    ['a constant rank that is not whole', { ...valid, rank: { value: 1.5 } }],
    ['a constant key of 256 bytes', withKey({ value: 'k'.repeat(256) })],
    ['an empty key', withKey({ value: '' })],
    ['a number as a key', withKey({ value: 5 })],
    ['a lookup without a key', { ...valid, lookups: [{ as: 'row', topic: 't' }] }],
    ['a lookup of no topic', withLookup({ topic: 'a b' })],
    ['an unknown attribute of a lookup', withLookup({ table: 't' })],
    [
      'nine lookups',
      { ...valid, lookups: Array.from({ length: 9 }, (_, i) => ({ ...lookup, as: `r${i}` })) },
    ],
    ['a missing row of an unknown policy', withLookup({ missing: 'skip' })],
    ['a wait of two minutes', wait(['waitMs', 120_000], ['then', 'apply'])],
    ['a wait with nothing behind it', wait(['waitMs', 5_000])],
    ['a wait for ever', wait(['then', 'apply'])],
    ['a late row that is applied', withLookup({ late: 'apply' })],
    ['nodes that are null', { ...valid, nodes: null }],
  ])('agrees with the compiler that %s is wrong', (_what, graph) => {
    expect(problemsOf(graph)).toBeGreaterThan(0);
    expect(validate(schemaOf(graph))).toBe(false);
  });

  test('leaves to Avro what is no mapping', () => {
    for (const schema of ['string', ['null', 'string'], { type: 'enum', name: 'E', symbols: ['A'] }]) {
      expect(validate(schema)).toBe(true);
    }
  });

  test('knows every function by name and description', () => {
    const expected = [...normalizers.values()].map(({ name, description }) => ({ const: name, description }));
    expect(JSON.parse(text).$defs.function.oneOf).toEqual(expected);
  });
});
