import { describe, expect, test } from 'vitest';
import { BadDataError } from '../foundation/index.ts';
import { AvroSchema, checkMapping, compileMapping } from '../schemas/index.ts';
import { compileMap, type MappedEvent, mapSettingsDefault } from './map.ts';
import { normalizers } from './normalizers/index.ts';

const nowMs = Date.UTC(2027, 0, 1);
const of = { subject: 'hostile-value', version: 1 };
const field = (name: string, type: unknown): object => ({ name, type });
const common = [field('at', 'long'), field('id', 'string')];
const base = { domain: 'd', time: 'at', nodes: [{ type: 'A', id: 'id' }] };

function schemaOf(fields: readonly unknown[], graph: unknown): AvroSchema {
  return new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields: [...common, ...fields], graph }));
}

function problems(fields: readonly unknown[], graph: unknown): readonly string[] {
  const { problems: found } = checkMapping(of, schemaOf(fields, graph), normalizers);
  return found.map(({ path, sentence }) => `${path} ${sentence}`);
}

function mapOf(fields: readonly unknown[], graph: object): (event: object) => MappedEvent | null {
  const schema = schemaOf(fields, { ...base, ...graph });
  const map = compileMap(compileMapping(of, schema, normalizers), mapSettingsDefault);
  return (event) => {
    const bytes = schema.type.toBuffer({ at: 1n, id: 'a', ...event });
    return map(schema.type.fromBuffer(bytes), nowMs);
  };
}

const numbers = field('list', { type: 'array', items: 'int' });
const count = (length: number): { list: number[] } => ({ list: Array.from({ length }, (_, index) => index) });

describe('an event of bounded meaning', () => {
  const perItem = [{ in: 'list', as: 'item', nodes: [{ type: 'B', id: 'item' }] }];

  test('makes two thousand mutations, and not ten thousand', () => {
    const map = mapOf([numbers], { nodes: [], forEach: perItem });
    expect(map(count(2_000))?.mutations).toHaveLength(2_000);
    const attempt = (): unknown => map(count(10_000));
    expect(attempt).toThrow(expect.objectContaining({ code: 'EVENT_MUTATIONS_LIMIT', reaction: 'bad-data' }));
    expect(attempt).toThrow(
      'The event means more than 2000 mutations, because an array or map in it is too long; raise mapping.mutations.max if that is right.',
    );
  });

  test('does not go through a list inside itself for ever, even when nothing is written', () => {
    const never = { in: 'list', where: 'id == "b"' };
    const forEach = [
      { in: 'list', as: 'x', forEach: [{ in: 'list', as: 'y', forEach: [{ ...never, as: 'z' }] }] },
    ];
    const map = mapOf([numbers], { forEach });
    expect(map(count(40))?.mutations).toHaveLength(1);
    const attempt = (): unknown => map(count(2_000));
    expect(attempt).toThrow(expect.objectContaining({ code: 'EVENT_LOOP_LIMIT', reaction: 'bad-data' }));
    expect(attempt).toThrow('go through more than 100000 items in all; map fewer of them.');
  });
});

describe('a schema of too many parts', () => {
  const branches = (length: number): readonly object[] =>
    Array.from({ length }, (_, index) => ({
      type: 'record',
      name: `R${index}`,
      fields: [field('x', 'int')],
    }));

  test('is refused for a union of 5,000 branches, and read up to 256', () => {
    expect(() => schemaOf([field('u', branches(5_000))], base)).toThrow(
      'The schema has a union of 5000 branches; the limit is 256.',
    );
    const map = mapOf([field('u', branches(256))], {
      nodes: [{ type: 'B', id: 'u[R255].x', optional: true, properties: { none: 'u[R7].x' } }],
    });
    expect(map({ u: { R255: { x: 5 } } })?.mutations).toEqual([
      { kind: 'node', node: { type: 'B', id: '5' }, properties: [['none', null]] },
    ]);
    expect(
      problems([field('u', branches(256))], { ...base, nodes: [{ type: 'B', id: 'u[R256].x' }] })[0],
    ).toMatch(
      /^graph\.nodes\[0\]\.id `u\[R256\]\.x` chooses the branch `R256` of a union of R0, .{1,1000}…$/,
    );
  });

  test('is refused when written 60 levels deep, and read when its types are named one after another', () => {
    let nested: unknown = 'int';
    for (let level = 60; level > 0; level -= 1) {
      nested = { type: 'record', name: `Deep${level}`, fields: [field('in', nested)] };
    }
    expect(() => schemaOf([field('deep', nested)], base)).toThrow(
      'The schema nests too deep; the limit is 96 levels of JSON, about 24 records in each other.',
    );
    const flat = Array.from({ length: 60 }, (_, level) => {
      const inner = level === 0 ? 'int' : `R${level - 1}`;
      return field(`r${level}`, ['null', { type: 'record', name: `R${level}`, fields: [field('f', inner)] }]);
    });
    const properties = { there: { cel: `has(r59${'.f'.repeat(20)})` } };
    const map = mapOf(flat, { nodes: [{ type: 'B', id: `r59${'.f'.repeat(60)}`, properties }] });
    let value: object | number = 7;
    for (let level = 0; level < 60; level += 1) value = { f: value };
    const nulls = Object.fromEntries(flat.map((_, level) => [`r${level}`, null]));
    expect(map({ ...nulls, r59: value })?.mutations).toEqual([
      { kind: 'node', node: { type: 'B', id: '7' }, properties: [['there', true]] },
    ]);
    expect(problems(flat, { ...base, time: `r59${'.f'.repeat(64)}` })).toEqual([
      `graph.time \`r59${'.f'.repeat(64)}\` has more than 64 steps`,
    ]);
  });
});

describe('a mapping of too many parts', () => {
  test('is refused for more than 1,000 nodes and edges in all', () => {
    const nodes = Array.from({ length: 600 }, (_, index) => ({ as: `n${index}`, type: 'A', id: 'id' }));
    const edges = Array.from({ length: 600 }, () => ({ type: 'X', from: 'n0', to: 'n1' }));
    expect(problems([], { ...base, nodes, edges })).toEqual([
      'graph.edges[400] is one declaration more than the 1000 that a mapping may have',
    ]);
    expect(problems([], { ...base, nodes: [...nodes, ...nodes] })[0]).toBe(
      'graph.nodes must declare no more than 1000',
    );
  });

  test('is refused for more than 64 loops, and for a loop in three others', () => {
    const loops = Array.from({ length: 65 }, (_, index) => ({ in: 'list', as: `i${index}` }));
    expect(problems([numbers], { ...base, forEach: loops })).toEqual([
      'graph.forEach[64] is one loop more than the 64 that a mapping may have',
    ]);
    const inner = { in: 'list', as: 'd' };
    const deep = [
      {
        in: 'list',
        as: 'a',
        forEach: [{ in: 'list', as: 'b', forEach: [{ in: 'list', as: 'c', forEach: [inner] }] }],
      },
    ];
    expect(problems([numbers], { ...base, forEach: deep })).toEqual([
      'graph.forEach[0].forEach[0].forEach[0].forEach[0] is a loop in more than 2 other loops',
    ]);
  });

  test('is refused for more than 1,000 properties, and reports no more than fifty problems', () => {
    const properties = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`p${index}`, 'id']));
    expect(problems([], { ...base, nodes: [{ type: 'A', id: 'id', properties }] })).toEqual([
      'graph.nodes[0].properties must declare no more than 1000',
    ]);
    const wrong = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`p${index}`, 'nope']));
    expect(problems([], { ...base, nodes: [{ type: 'A', id: 'id', properties: wrong }] })).toHaveLength(50);
  });

  test('says what is wrong with a megabyte in a thousand characters', () => {
    const long = 'x'.repeat(250_000);
    const found = problems([], {
      ...base,
      edges: [{ type: long, from: long, to: 'A', [long]: 1 }],
      time: long,
    });
    expect(found.length).toBeGreaterThan(3);
    for (const text of found) expect(text.length).toBeLessThan(2_100);
  });
});

describe('a hostile name', () => {
  const map = field('m', { type: 'map', values: 'string' });

  test('is a key of a map like any other', () => {
    const run = mapOf([map], {
      nodes: [
        { as: 'own', type: 'B', id: 'm.__proto__', optional: true },
        { as: 'made', type: 'B', id: 'm.constructor', optional: true },
      ],
      forEach: [
        { in: 'm', as: 'item', nodes: [{ type: 'C', id: 'item.key', properties: { v: 'item.value' } }] },
      ],
    });
    const kinds = (event: object): unknown =>
      run(event)?.mutations.map((mutation) => (mutation.kind === 'node' ? mutation.node.id : mutation.kind));
    expect(kinds({ m: {} })).toBe(undefined);
    const m = JSON.parse('{"constructor": "c", "__proto__": "p", "toString": "t"}');
    expect(kinds({ m })).toEqual(['constructor', '__proto__', 'toString', 'p', 'c']);
  });

  test('is a branch of a union that no other branch inherits', () => {
    const branch = (name: string): object => ({ type: 'record', name, fields: [field('x', 'string')] });
    const either = field('either', [branch('unwrap'), branch('constructor_'), branch('unwrapped')]);
    const run = mapOf([either], {
      nodes: [
        { as: 'a', type: 'B', id: 'either[unwrap].x', optional: true },
        { as: 'b', type: 'B', id: 'either[unwrapped].x', optional: true },
        { as: 'c', type: 'B', id: { cel: 'string(either.x)' } },
      ],
    });
    expect(run({ either: { unwrapped: { x: 'u' } } })?.mutations).toEqual([
      { kind: 'node', node: { type: 'B', id: 'u' }, properties: [] },
      { kind: 'node', node: { type: 'B', id: 'u' }, properties: [] },
    ]);
  });

  test.each([
    ['__proto__', 'is a reserved name'],
    ['constructor', 'is a reserved name'],
    ['event', 'is `event`, which means something else already: take another name'],
    ['id', 'is `id`, which means something else already: take another name'],
    ['map', 'is `map`, a word of expressions: take another name'],
    ['in', 'is `in`, a word of expressions: take another name'],
  ])('%s is no name for an item', (as, sentence) => {
    expect(problems([map], { ...base, forEach: [{ in: 'm', as }] })).toEqual([
      `graph.forEach[0].as ${sentence}`,
    ]);
  });

  test.each([
    ['', 'must have 1 to 1024 bytes, none of them NUL'],
    ['\0', 'must have 1 to 1024 bytes, none of them NUL'],
    ['x'.repeat(1_025), 'must have 1 to 1024 bytes, none of them NUL'],
    ['\ud800', 'must be a text, a number, true or false'],
    [null, 'must be a text, a number, true or false'],
  ])('%j is no id for each event', (value, sentence) => {
    expect(problems([], { ...base, nodes: [{ type: 'A', id: { value } }] })).toContain(
      `graph.nodes[0].id.value ${sentence}`,
    );
  });

  test('is no id where there is none, nor a number that may be none', () => {
    const run = mapOf([field('maybe', ['null', 'string'])], { nodes: [{ type: 'B', id: 'maybe' }] });
    expect(() => run({ maybe: null })).toThrow(expect.objectContaining({ code: 'NODE_ID_MISSING' }));
    expect(() => run({ maybe: null })).toThrow('`maybe` is null, but the B it names is not optional.');
    const double = [field('d', 'double')];
    for (const id of ['d', { cel: 'd / 0.0' }]) {
      expect(problems(double, { ...base, nodes: [{ type: 'B', id }] })).toEqual([
        'graph.nodes[0].id leads to a double: an id must be a string, uuid, enum, int, long or date',
      ]);
    }
  });

  test('of 1 MB is bad data as an id', () => {
    const run = mapOf([], {});
    expect(() => run({ id: 'x'.repeat(1_048_576) })).toThrow(BadDataError);
    expect(() => run({ id: 'x'.repeat(1_048_576) })).toThrow(
      '`id` has more than 1024 bytes and cannot be an id.',
    );
  });
});
