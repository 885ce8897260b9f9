import { describe, expect, it } from 'vitest';
import { normalizers } from '../processors/index.ts';
import { AvroSchema, compileMapping } from '../schemas/index.ts';
import { leavesOf, readLeaves } from './schema-fields.ts';

const long = { type: 'long', logicalType: 'timestamp-millis' };
const record = (name: string, ...fields: unknown[]) => ({ type: 'record', name, fields });
const list = (items: unknown) => ({ type: 'array', items });
const scaledDecimal = {
  ...record('VariableScaleDecimal', { name: 'scale', type: 'int' }, { name: 'value', type: 'bytes' }),
  namespace: 'io.debezium.data',
};
const item = record(
  'Item',
  { name: 'sku', type: 'string' },
  { name: 'isNew', type: 'boolean' },
  { name: 'unread', type: 'string' },
  { name: 'tags', type: ['null', list('string')] },
);

const fields = [
  { name: 'at', type: long },
  { name: 'id', type: 'string' },
  { name: 'name', type: ['null', 'string'] },
  { name: 'op', type: 'string' },
  { name: 'genres', type: ['null', list(['null', 'string'])] },
  { name: 'items', type: list(item) },
  { name: 'byName', type: { type: 'map', values: list('string') } },
  { name: 'price', type: ['null', scaledDecimal] },
  { name: 'prices', type: list('io.debezium.data.VariableScaleDecimal') },
  { name: 'either', type: ['null', 'string', record('Card', { name: 'last4', type: 'string' })] },
];

/** What a mapping reads beside the time and the id. */
function readBy(properties: object, rest: object = {}): readonly string[] {
  const graph = { domain: 'd', time: 'at', nodes: [{ type: 'A', id: 'id', properties }], ...rest };
  const schema = new AvroSchema(JSON.stringify({ ...record('E', ...fields), graph }));
  const plan = compileMapping({ subject: 's', version: 1 }, schema, normalizers);
  return [...readLeaves(schema, plan)].filter((leaf) => leaf !== 'at' && leaf !== 'id').sort();
}

/** A property in a loop through the items. */
function readInLoop(property: object): readonly string[] {
  const node = { type: 'B', id: 'item.sku', properties: { p: property } };
  const forEach = [{ in: 'items', as: 'item', nodes: [node] }];
  return readBy({}, { forEach }).filter((leaf) => leaf !== 'items[].sku');
}

describe('the fields that a mapping reads', () => {
  it.each<[string, object, readonly string[]]>([
    ['a condition of a property', { path: 'name', where: "op != 'd'" }, ['name', 'op']],
    ['a condition on a constant', { value: 1, where: 'event.op == name' }, ['name', 'op']],
    ['a condition of a set', { path: 'name', set: 'add', where: "op != 'd'" }, ['name', 'op']],
    ['the items of a set', { path: 'genres', set: 'replace' }, ['genres[]']],
    ['the items of a map’s list', { path: 'byName.de', set: 'add' }, ['byName{}[]']],
    ['a single element of a set', { path: 'name', set: 'add' }, ['name']],
    ['a computed element of a set', { cel: "name + '!'", set: 'add' }, ['name']],
    [
      'a set under a condition on its own list',
      { path: 'genres', set: 'replace', where: 'has(event.genres)' },
      ['genres[]'],
    ],
    ['a decimal with its own scale', { path: 'price' }, ['price.scale', 'price.value']],
    ['a set of such decimals', { path: 'prices', set: 'add' }, ['prices[].scale', 'prices[].value']],
    ['one branch of several', { path: 'either[string]' }, ['either']],
    ['a field of a branch', { path: 'either[Card].last4' }, ['either.last4']],
  ])('are told for %s', (_what, property, expected) => {
    expect(readBy({ p: property })).toEqual(expected);
  });

  it.each<[string, object, readonly string[]]>([
    [
      'a condition of a property',
      { path: 'item.sku', where: 'item.isNew && has(event.name)' },
      ['items[].isNew', 'name'],
    ],
    ['the items of a set', { path: 'item.tags', set: 'replace' }, ['items[].tags[]']],
    [
      'a set under a condition',
      { path: 'item.tags', set: 'add', where: 'item.isNew' },
      ['items[].isNew', 'items[].tags[]'],
    ],
    ['a set of what lies outside', { path: 'genres', set: 'add', where: "op == 'c'" }, ['genres[]', 'op']],
  ])('are told in a loop for %s', (_what, property, expected) => {
    expect(readInLoop(property)).toEqual(expected);
  });

  it('are told for conditions of an edge’s and the step’s properties', () => {
    const where = "op != 'd'";
    const properties = { p: { path: 'name', where } };
    const edges = [{ type: 'X', from: 'A', to: 'A', properties }];
    expect(readBy({}, { edges })).toEqual(['name', 'op']);
    expect(readBy({}, { journey: { owner: 'A', action: 'went', properties } })).toEqual(['name', 'op']);
  });

  it('are leaves', () => {
    const leaves = leavesOf(new AvroSchema(JSON.stringify(record('E', ...fields))));
    expect(leaves).toContain('price.scale');
    expect(leaves).toContain('items[].tags[]');
  });
});
