import { describe, expect, test } from 'vitest';
import { compileDecoder } from './avro-decoder.ts';
import { AvroSchema } from './avro-type.ts';
import { EventEncoder } from './event-encoder.ts';
import { schemaLimitsDefault } from './schema-text.ts';

const pair = { subject: 's-value', writerId: 7, readerVersion: 2 };
const record = (fields: unknown, more: object = {}) =>
  JSON.stringify({ type: 'record', name: 'R', fields, ...more });

function roundTrip(type: unknown, value: unknown): unknown {
  const schema = new AvroSchema(record([{ name: 'f', type }]));
  const bytes = schema.type.toBuffer({ f: value });
  const decoded = compileDecoder(schema, schema, pair)(bytes, 0, bytes.length);
  return Reflect.get(Object(decoded), 'f');
}

describe('an Avro schema', () => {
  // 2^48 is where seven bytes of seven bits end.
  const seventh = [2n ** 48n - 1n, 2n ** 48n, -(2n ** 48n), -(2n ** 48n) - 1n];
  test.each([0n, -1n, ...seventh, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    'reads the long %s exactly',
    (value) => {
      expect(roundTrip('long', value)).toBe(value);
      expect(roundTrip(['null', 'long'], value)).toBe(value);
      expect(roundTrip({ type: 'array', items: 'long' }, [value])).toEqual([value]);
    },
  );

  test('reads a timestamp and every unknown logical type as what lies below', () => {
    expect(roundTrip({ type: 'long', logicalType: 'timestamp-micros' }, 1_700_000_000_000_001n)).toBe(
      1_700_000_000_000_001n,
    );
    expect(roundTrip({ type: 'int', logicalType: 'date' }, 19_000)).toBe(19_000);
    expect(roundTrip({ type: 'bytes', logicalType: 'decimal', precision: 4 }, Buffer.from([1, 2]))).toEqual(
      Buffer.from([1, 2]),
    );
  });

  test('keeps hostile map keys as keys and touches no prototype', () => {
    const map = roundTrip(
      { type: 'map', values: 'string' },
      JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}'),
    );
    expect(Object.entries(Object(map))).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ]);
    expect(Object.getPrototypeOf(map)).toBeNull();
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  });

  test('keeps hostile map keys when a writer is resolved to a reader', () => {
    const writer = new AvroSchema(record([{ name: 'm', type: { type: 'map', values: 'int' } }]));
    const reader = new AvroSchema(record([{ name: 'm', type: { type: 'map', values: 'long' } }]));
    const bytes = writer.type.toBuffer({ m: JSON.parse('{"__proto__":1}') });
    const decoded = compileDecoder(writer, reader, pair)(bytes, 0, bytes.length);
    expect(Object.entries(Reflect.get(Object(decoded), 'm'))).toEqual([['__proto__', 1n]]);
  });

  const nested = (levels: number): unknown =>
    levels === 0 ? 'int' : { type: 'array', items: nested(levels - 1) };
  const doubling = (levels: number): unknown => ({
    type: 'record',
    name: `L${levels}`,
    fields:
      levels === 0
        ? []
        : [
            { name: 'a', type: doubling(levels - 1) },
            { name: 'b', type: `L${levels - 1}` },
          ],
  });
  test.each<[string, string, string]>([
    ['is not JSON', '{', 'SCHEMA_INVALID'],
    [
      'has a field named `__proto__`',
      '{"type":"record","name":"R","fields":[{"name":"__proto__","type":"int"}]}',
      'SCHEMA_INVALID',
    ],
    ['refers to an unknown type', record([{ name: 'f', type: 'Nope' }]), 'SCHEMA_INVALID'],
    [
      'refers to a type by the name of an object method',
      record([{ name: 'f', type: 'toString' }]),
      'SCHEMA_INVALID',
    ],
    ['smuggles code in a name', record([], { name: 'a){};PWN=1;//' }), 'SCHEMA_INVALID'],
    ['smuggles code in a field name', record([{ name: 'a;PWN=1', type: 'int' }]), 'SCHEMA_INVALID'],
    ['is a number', '3', 'SCHEMA_INVALID'],
    [
      'has more bytes than the limit',
      `"${'x'.repeat(schemaLimitsDefault.textBytesMax)}"`,
      'SCHEMA_TOO_LARGE',
    ],
    ['nests deeper than the limit', JSON.stringify(nested(200)), 'SCHEMA_TOO_LARGE'],
    [
      'has a union of too many branches',
      JSON.stringify(Array.from({ length: 5_000 }, (_, at) => ({ type: 'fixed', name: `F${at}`, size: 1 }))),
      'SCHEMA_TOO_LARGE',
    ],
    ['is short but doubles with every level', JSON.stringify(doubling(30)), 'SCHEMA_TOO_LARGE'],
  ])('is refused when it %s', (_name, text, code) => {
    const start = performance.now();
    expect(() => new AvroSchema(text)).toThrow(expect.objectContaining({ code, reaction: 'bad-data' }));
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(Reflect.get(globalThis, 'PWN')).toBeUndefined();
  });

  test('says which fields of an event do not fit, although one is a bigint', () => {
    const encoder = new EventEncoder(
      1,
      record([
        { name: 'n', type: 'long' },
        { name: 's', type: 'string' },
      ]),
    );
    expect(() => encoder.encode({ n: 2n ** 63n, s: 4n })).toThrow(
      '`n` is not a valid long; `s` is not a valid string',
    );
  });
});

describe('a writer read by a newer reader', () => {
  const writer = new AvroSchema(
    record([
      { name: 'old', type: 'int' },
      { name: 'gone', type: { type: 'array', items: 'int' } },
    ]),
  );

  test('gets defaults, aliases and promotions, and loses what was dropped', () => {
    const reader = new AvroSchema(
      record([
        { name: 'fresh', type: 'long', aliases: ['old'] },
        { name: 'added', type: ['null', 'string'], default: null },
      ]),
    );
    const bytes = writer.type.toBuffer({ old: 7, gone: [1, 2, 3] });
    expect({ ...Object(compileDecoder(writer, reader, pair)(bytes, 0, bytes.length)) }).toEqual({
      fresh: 7n,
      added: null,
    });
  });

  test('is not hung by a block that leads backwards in a dropped array', () => {
    const reader = new AvroSchema(record([{ name: 'old', type: 'int' }]));
    const bytes = Buffer.from('00010300000a', 'hex');
    expect(() => compileDecoder(writer, reader, pair)(bytes, 0, bytes.length)).toThrow(
      expect.objectContaining({ code: 'AVRO_MALFORMED', context: { path: 'gone' } }),
    );
  });

  test('is incompatible with subject, versions and paths when fields cannot be resolved', () => {
    const reader = new AvroSchema(
      record([
        { name: 'old', type: 'string' },
        { name: 'needed', type: 'int' },
      ]),
    );
    const attempt = (): unknown => compileDecoder(writer, reader, pair);
    expect(attempt).toThrow(expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE', reaction: 'bad-data' }));
    for (const part of [
      'schema 7',
      'version 2 of s-value',
      '`old` is int as written and string as read',
      '`needed` was not written',
    ]) {
      expect(attempt).toThrow(part);
    }
  });

  test('reads a record whose namespace has changed, and tells branches apart by it where it has not', () => {
    const inner = (namespace: string) => record([{ name: 'n', type: 'int' }], { namespace, name: 'I' });
    const moved = (namespace: string) =>
      new AvroSchema(record([{ name: 'i', type: JSON.parse(inner(namespace)) }], { namespace }));
    const before = moved('com.old');
    const bytes = before.type.toBuffer({ i: { n: 7 } });
    expect(compileDecoder(before, moved('com.fresh'), pair)(bytes, 0, bytes.length)).toMatchObject({
      i: { n: 7 },
    });
    const union = [JSON.parse(inner('a')), JSON.parse(inner('b'))];
    const two = new AvroSchema(record([{ name: 'u', type: union }]));
    const wider = new AvroSchema(
      record([
        { name: 'u', type: union },
        { name: 'more', type: 'int', default: 1 },
      ]),
    );
    const second = two.type.toBuffer({ u: { 'b.I': { n: 8 } } });
    expect(compileDecoder(two, wider, pair)(second, 0, second.length)).toMatchObject({
      u: { 'b.I': { n: 8 } },
    });
  });

  test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'reads a field called `%s` with another version, written or not',
    (name) => {
      const more = { name: 'more', type: 'int', default: 1 };
      const before = new AvroSchema(record([{ name, type: 'string' }]));
      const after = new AvroSchema(record([{ name, type: 'string' }, more]));
      const bytes = before.type.toBuffer({ [name]: 'x' });
      const read = compileDecoder(before, after, pair)(bytes, 0, bytes.length);
      expect({ ...Object(read) }).toEqual({ [name]: 'x', more: 1 });
      const without = new AvroSchema(record([more]));
      const added = new AvroSchema(record([more, { name, type: 'string', default: 'unknown' }]));
      const other = without.type.toBuffer({ more: 7 });
      expect({ ...Object(compileDecoder(without, added, pair)(other, 0, other.length)) }).toMatchObject({
        more: 7,
      });
    },
  );

  test('reads an enum symbol that the reader lacks as its default', () => {
    const wide = new AvroSchema(
      record([{ name: 'f', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } }]),
    );
    const narrow = new AvroSchema(
      record([{ name: 'f', type: { type: 'enum', name: 'E', symbols: ['A'], default: 'A' } }]),
    );
    const bytes = wide.type.toBuffer({ f: 'B' });
    expect({ ...Object(compileDecoder(wide, narrow, pair)(bytes, 0, bytes.length)) }).toEqual({ f: 'A' });
  });

  test('is bad data where a value fits no branch of the reader', () => {
    const wide = new AvroSchema(record([{ name: 'f', type: ['null', 'string'] }]));
    const narrow = new AvroSchema(record([{ name: 'f', type: 'string' }]));
    const bytes = wide.type.toBuffer({ f: null });
    expect(() => compileDecoder(wide, narrow, pair)(bytes, 0, bytes.length)).toThrow(
      expect.objectContaining({ reaction: 'bad-data' }),
    );
  });
});
