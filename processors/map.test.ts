import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '../foundation/index.ts';
import { AvroSchema, compileMapping } from '../schemas/index.ts';
import { compileMap, type MappedEvent, mapSettingsDefault } from './map.ts';
import { normalizers } from './normalizers/index.ts';

const now = 1_700_000_000_000;
const fields = [
  { name: 'at', type: 'long' },
  { name: 'micros', type: ['null', { type: 'long', logicalType: 'timestamp-micros' }], default: null },
  { name: 'a', type: 'string' },
  { name: 'b', type: ['null', 'long'], default: null },
  {
    name: 'in',
    type: [
      'null',
      {
        type: 'record',
        name: 'In',
        fields: [
          {
            name: 'x',
            type: ['null', { type: 'record', name: 'Deep', fields: [{ name: 'y', type: 'float' }] }],
          },
        ],
      },
    ],
    default: null,
  },
];
const a = { type: 'A', id: 'a' };
const b = { type: 'B', id: 'b', optional: true };

function mapOf(graph: object): (event: unknown, nowMs: number) => MappedEvent {
  const text = JSON.stringify({
    type: 'record',
    name: 'E',
    fields,
    graph: { domain: 'd', time: 'at', ...graph },
  });
  const of = { subject: 'e-value', version: 1 };
  const map = compileMap(compileMapping(of, new AvroSchema(text), normalizers), mapSettingsDefault);
  return (event, nowMs) => must(map(event, nowMs), 'the event is not left out');
}

const event = { at: BigInt(now), micros: null, a: 'a1', b: 7n, in: null };
const nodeA = { type: 'A', id: 'a1' };
const nodeB = { type: 'B', id: '7' };

describe('a mapping run on an event', () => {
  test.each<[unknown, bigint | null, number]>([
    [7, null, 7],
    [{ value: 7 }, null, 7],
    ['b', 3n, 3],
    ['b', null, 0],
    ['b', -1n, 0],
    ['b', 300n, 300],
    ['b', 2n ** 62n, Number.MAX_SAFE_INTEGER],
    [{ cel: 'has(event.b) ? 1 + b : 9' }, null, 9],
  ])('with the rank %j of an event whose `b` is %s has the rank %i', (rank, b, expected) => {
    expect(mapOf({ rank, nodes: [a] })({ ...event, b }, now).rank).toBe(expected);
  });

  test('refuses a decimal whose own scale is beyond what a database has', () => {
    const scaled = {
      type: 'record',
      name: 'io.debezium.data.VariableScaleDecimal',
      fields: [
        { name: 'scale', type: 'int' },
        { name: 'value', type: 'bytes' },
      ],
    };
    const schema = new AvroSchema(
      JSON.stringify({
        type: 'record',
        name: 'E',
        fields: [...fields, { name: 'd', type: scaled }],
        graph: { domain: 'd', time: 'at', nodes: [{ ...a, properties: { d: 'd' } }] },
      }),
    );
    const map = compileMap(
      compileMapping({ subject: 's', version: 1 }, schema, normalizers),
      mapSettingsDefault,
    );
    const scaledBy = (scale: number): unknown =>
      map({ ...event, d: { scale, value: Buffer.of(0) } }, now)?.mutations[0];
    expect(scaledBy(-16_383)).toMatchObject({ properties: [['d', '0']] });
    expect(() => scaledBy(16_384)).toThrow('is a decimal with a scale beyond 16383');
    expect(() => scaledBy(-16_384)).toThrow('is a decimal with a scale beyond 16383');
  });

  test('writes no node that an edge or the step already says exists', () => {
    const map = mapOf({
      nodes: [a, b],
      edges: [{ type: 'X', from: 'A', to: 'B' }],
      journey: { owner: 'A', action: 'x' },
    });
    expect(map(event, now).mutations.map(({ kind }) => kind)).toEqual(['edge', 'step']);
    expect(map({ ...event, b: null }, now).mutations).toEqual([
      { kind: 'step', owner: nodeA, domain: 'd', action: 'x', links: [], properties: [] },
    ]);
  });

  test('writes a node without properties when the edge that would imply it is left out', () => {
    const map = mapOf({ nodes: [a, b], edges: [{ type: 'X', from: 'A', to: 'B' }] });
    expect(map(event, now).mutations).toEqual([
      { kind: 'edge', type: 'X', from: nodeA, to: nodeB, properties: [] },
    ]);
    expect(map({ ...event, b: null }, now).mutations).toEqual([
      { kind: 'node', node: nodeA, properties: [] },
    ]);
  });

  test.each(['a\0b', 'k'.repeat(255)])('takes a constant as the key of an edge: %j', (key) => {
    const map = mapOf({ nodes: [a, b], edges: [{ type: 'X', from: 'A', to: 'B', key: { value: key } }] });
    expect(map(event, now).mutations).toEqual([
      { kind: 'edge', type: 'X', from: nodeA, to: nodeB, key, properties: [] },
    ]);
  });

  test('maps an event as if none had been before it, and leaves what it made of that one alone', () => {
    const graph = {
      nodes: [a, { ...b, where: "a != 'a3'" }],
      edges: [{ type: 'T', from: 'A', to: 'B', where: "a != 'a2'" }],
      journey: { owner: 'A', action: 'did' },
    };
    const again = mapOf(graph);
    const events = ['a1', 'a3', 'a2', 'a1'].flatMap((id) => [
      { ...event, a: id },
      { ...event, a: id, b: null },
    ]);
    const alone = events.map((one) => mapOf(graph)(one, now));
    expect(new Set(alone.map((one) => one.mutations.length)).size).toBeGreaterThan(1);
    expect(events.map((one) => again(one, now))).toEqual(alone);
  });

  test('tells a link by its direction seen from the owner', () => {
    const edges = [
      { type: 'OUT', from: 'A', to: 'B' },
      { type: 'BACK', from: 'B', to: 'A' },
    ];
    const map = mapOf({ nodes: [a, b], edges, journey: { owner: 'A', action: 'x' } });
    expect(map(event, now).mutations.at(-1)).toMatchObject({
      links: [
        { edge: 'OUT', direction: 'out', node: nodeB },
        { edge: 'BACK', direction: 'in', node: nodeB },
      ],
    });
  });

  test('deletes nodes and edges where the mapping says so', () => {
    const map = mapOf({
      nodes: [a, { ...b, op: 'delete' }],
      edges: [{ type: 'X', from: 'A', to: 'B', op: 'delete' }],
    });
    expect(map(event, now).mutations).toEqual([
      { kind: 'node-delete', node: nodeB },
      { kind: 'edge-delete', type: 'X', from: nodeA, to: nodeB },
      { kind: 'node', node: nodeA, properties: [] },
    ]);
  });

  test('reads nulls on the way as null and microseconds as milliseconds', () => {
    const map = mapOf({ nodes: [{ ...a, properties: { y: 'in.x.y', m: 'micros' } }] });
    const properties = (change: object): unknown =>
      Reflect.get(map({ ...event, ...change }, now).mutations[0] ?? {}, 'properties');
    expect(properties({})).toEqual([
      ['m', null],
      ['y', null],
    ]);
    expect(properties({ in: { x: null }, micros: 1_999n })).toEqual([
      ['m', 1.999],
      ['y', null],
    ]);
    expect(properties({ in: { x: { y: 0.5 } }, micros: -1n })).toEqual([
      ['m', -0.001],
      ['y', 0.5],
    ]);
  });

  test('holds every long exactly, as an id and as a value', () => {
    const map = mapOf({ nodes: [{ ...b, properties: { b: 'b' } }] });
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(map({ ...event, b: value }, now).mutations).toEqual([
          { kind: 'node', node: { type: 'B', id: String(value) }, properties: [['b', value]] },
        ]);
      }),
      { seed: 20_261_121 },
    );
  });

  test('takes exactly the times from 1970 to the bound ahead of the clock', () => {
    const map = mapOf({ nodes: [a] });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          fc.constantFrom(0n, -1n, BigInt(now) + 300_000n, BigInt(now) + 300_001n),
        ),
        (at) => {
          const attempt = (): number => map({ ...event, at }, now).timeMs;
          if (at >= 0n && at <= BigInt(now + 300_000)) expect(attempt()).toBe(Number(at));
          else expect(attempt).toThrow(expect.objectContaining({ code: 'EVENT_TIME_OUT_OF_RANGE' }));
        },
      ),
      { seed: 20_261_121 },
    );
  });
});
