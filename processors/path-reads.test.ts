import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AvroSchema, checkMapping } from '../schemas/index.ts';
import { normalizers } from './normalizers/index.ts';
import { compilePath } from './read.ts';

const seed = 20_261_121;

type Leaf = 'boolean' | 'int' | 'long' | 'double' | 'string' | 'bytes';
type Shape =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'record'; readonly of: readonly Shape[] }
  | { readonly kind: 'map'; readonly of: readonly Shape[] }
  | { readonly kind: 'union'; readonly of: readonly Shape[] };

/** A type of a random schema: how Avro writes it, and how a union calls it. */
interface Made {
  readonly kind: Shape['kind'] | Leaf;
  readonly avro: unknown;
  readonly tag: string;
  readonly of: readonly Made[];
}

/** A value beside its type: records hold values, maps keys and values, unions the number of their branch. */
type Value =
  | null
  | { readonly leaf: boolean | number | bigint | string | Buffer }
  | { readonly fields: readonly Value[] }
  | { readonly entries: ReadonlyMap<string, Value> }
  | { readonly branch: number; readonly inner: Value };

const leaves: readonly Leaf[] = ['boolean', 'int', 'long', 'double', 'string', 'bytes'];
const fieldNames = ['a', 'constructor', 'toString', 'value'];
const keys = ['k', 'odd.key', '__proto__', 'constructor', 'a"b\\c'];

const { shape } = fc.letrec<{ shape: Shape; record: Shape; union: Shape; map: Shape; leaf: Shape }>(
  (tie) => ({
    shape: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      tie('record'),
      tie('union'),
      tie('map'),
    ),
    leaf: fc.constantFrom(...leaves).map((leaf) => ({ kind: 'leaf' as const, leaf })),
    record: fc
      .array(tie('shape'), { minLength: 1, maxLength: 4 })
      .map((of) => ({ kind: 'record' as const, of })),
    map: tie('shape').map((inner) => ({ kind: 'map' as const, of: [inner] })),
    union: fc
      .array(
        tie('shape').filter(({ kind }) => kind !== 'union'),
        { minLength: 1, maxLength: 4 },
      )
      .map((of) => ({ kind: 'union' as const, of })),
  }),
);

function make(given: Shape, count: { records: number }): Made {
  if (given.kind === 'leaf') return { kind: given.leaf, avro: given.leaf, tag: given.leaf, of: [] };
  const of = given.of.map((inner) => make(inner, count));
  switch (given.kind) {
    case 'map':
      return { kind: 'map', avro: { type: 'map', values: of[0]?.avro }, tag: 'map', of };
    case 'union': {
      const distinct = of.filter(({ tag }, index) => of.findIndex((other) => other.tag === tag) === index);
      return {
        kind: 'union',
        avro: ['null', ...distinct.map(({ avro }) => avro)],
        tag: 'union',
        of: distinct,
      };
    }
    case 'record': {
      count.records += 1;
      const name = `R${count.records}`;
      const fields = of.map(({ avro }, index) => ({ name: fieldNames[index], type: avro }));
      return { kind: 'record', avro: { type: 'record', name, fields }, tag: name, of };
    }
  }
}

function drawn(type: Made, pick: fc.GeneratorValue): Value {
  switch (type.kind) {
    case 'record':
      return { fields: type.of.map((inner) => drawn(inner, pick)) };
    case 'map': {
      const some = pick(fc.subarray, keys);
      return { entries: new Map(some.map((key) => [key, drawn(one(type, 0), pick)])) };
    }
    case 'union': {
      const branch = pick(fc.integer, { min: 0, max: type.of.length });
      return branch === 0 ? null : { branch, inner: drawn(one(type, branch - 1), pick) };
    }
    case 'boolean':
      return { leaf: pick(fc.boolean) };
    case 'int':
      return { leaf: pick(fc.integer) };
    case 'long':
      return { leaf: pick(fc.bigInt, { min: -(2n ** 63n), max: 2n ** 63n - 1n }) };
    case 'double':
      return { leaf: pick(fc.double) };
    case 'string':
      return { leaf: pick(fc.string, { unit: 'grapheme' as const }) };
    default:
      return { leaf: Buffer.from(pick(fc.uint8Array)) };
  }
}

function one(type: Made, index: number): Made {
  const inner = type.of[index];
  if (inner === undefined) throw new Error('no such inner type');
  return inner;
}

/** Avro's zigzag, apart from any library. */
function long(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function encode(type: Made, value: Value): Buffer {
  if (value === null) return long(0n);
  if ('fields' in value)
    return Buffer.concat(value.fields.map((inner, index) => encode(one(type, index), inner)));
  if ('branch' in value)
    return Buffer.concat([long(BigInt(value.branch)), encode(one(type, value.branch - 1), value.inner)]);
  if ('entries' in value) {
    const { entries } = value;
    if (entries.size === 0) return long(0n);
    const pairs = [...entries].flatMap(([key, inner]) => [
      textual(Buffer.from(key)),
      encode(one(type, 0), inner),
    ]);
    return Buffer.concat([long(BigInt(entries.size)), ...pairs, long(0n)]);
  }
  const { leaf } = value;
  if (typeof leaf === 'boolean') return Buffer.from([leaf ? 1 : 0]);
  if (typeof leaf === 'bigint') return long(leaf);
  if (type.kind === 'int') return long(BigInt(String(leaf)));
  if (typeof leaf === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(leaf);
    return bytes;
  }
  return textual(Buffer.from(leaf));
}

function textual(bytes: Buffer): Buffer {
  return Buffer.concat([long(BigInt(bytes.length)), bytes]);
}

interface Leading {
  readonly path: string;
  readonly read: (value: Value) => Value;
}

/** Every path to a single value, with the plainest walk that reads it. */
function pathsOf(type: Made, path: string, read: (value: Value) => Value): readonly Leading[] {
  const dotted = (name: string): string => (path === '' ? name : `${path}.${name}`);
  switch (type.kind) {
    case 'record':
      return type.of.flatMap((inner, index) =>
        pathsOf(inner, dotted(fieldNames[index] ?? ''), (value) => {
          const record = read(value);
          return record !== null && 'fields' in record ? (record.fields[index] ?? null) : null;
        }),
      );
    case 'map':
      return keys.flatMap((key) =>
        pathsOf(one(type, 0), key === 'k' ? dotted(key) : `${path}[${JSON.stringify(key)}]`, (value) => {
          const map = read(value);
          return map !== null && 'entries' in map ? (map.entries.get(key) ?? null) : null;
        }),
      );
    case 'union':
      return type.of.flatMap((inner, index) =>
        pathsOf(inner, type.of.length === 1 ? path : `${path}[${inner.tag}]`, (value) => {
          const union = read(value);
          return union !== null && 'branch' in union && union.branch === index + 1 ? union.inner : null;
        }),
      );
    default:
      return [{ path, read }];
  }
}

describe('a path through any schema', () => {
  test('reads exactly what a naive walk reads', () => {
    let reads = 0;
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 4 }), fc.gen(), (of, pick) => {
        const event = make({ kind: 'record', of }, { records: 0 });
        const paths = pathsOf(event, '', (value) => value);
        fc.pre(paths.length > 0 && paths.length <= 900);
        const avro: object = Object(event.avro);
        const nodes = paths.map(({ path }, index) => ({
          as: `n${index}`,
          type: 'N',
          id: 'at',
          properties: { path },
        }));
        const fields: readonly object[] = Reflect.get(avro, 'fields');
        const all = [...fields, { name: 'at', type: 'long' }];
        const graph = { domain: 'd', time: 'at', nodes };
        const schema = new AvroSchema(JSON.stringify({ ...avro, fields: all, graph }));
        const { problems, plan } = checkMapping({ subject: 's', version: 1 }, schema, normalizers);
        expect(problems).toEqual([]);
        const value = drawn(event, pick);
        const decoded = schema.type.fromBuffer(Buffer.concat([encode(event, value), long(1n)]));
        for (const [index, { read }] of paths.entries()) {
          const source = plan?.body.nodes[index]?.properties[0]?.value.source;
          if (source?.from !== 'field') throw new Error('a path is a field');
          const expected = read(value);
          reads += expected === null ? 0 : 1;
          expect(compilePath(source.field)([decoded])).toEqual(
            expected !== null && 'leaf' in expected ? expected.leaf : null,
          );
        }
      }),
      { seed, numRuns: 300 },
    );
    expect(reads).toBeGreaterThan(500);
  });
});
