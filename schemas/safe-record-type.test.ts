import { describe, expect, test } from 'vitest';
import { compileDecoder } from './avro-decoder.ts';
import { AvroSchema } from './avro-type.ts';

const pair = { subject: 's-value', writerId: 7, readerVersion: 2 };
const record = (name: string, fields: readonly object[]) => ({ type: 'record', name, fields });
const schemaOf = (fields: readonly object[]) => new AvroSchema(JSON.stringify(record('E', fields)));
const field = (name: string, type: unknown) => ({ name, type });
const a = field('a', 'string');
const z = field('z', 'long');

describe('a field that the reader does not have', () => {
  const unions: readonly [string, unknown, readonly unknown[]][] = [
    ['an optional text', ['null', 'string'], [null, 'x', '']],
    ['a union of a text and a number', ['string', 'int', 'null'], ['x', 5, null]],
    [
      'a union of records',
      [record('One', [field('n', ['null', 'int'])]), record('Two', [field('t', 'string')])],
      [{ One: { n: 3 } }, { One: { n: null } }, { Two: { t: 'x' } }],
    ],
    ['an array of optional texts', { type: 'array', items: ['null', 'string'] }, [[], [null, 'x']]],
    ['a map of optional texts', { type: 'map', values: ['null', 'string'] }, [{}, { k: null, l: 'x' }]],
    ['a record of optional texts', record('In', [field('i', ['null', 'string'])]), [{ i: null }, { i: 'x' }]],
  ];
  const places: readonly [string, (extra: object) => readonly object[]][] = [
    ['first', (extra) => [extra, a, z]],
    ['in the middle', (extra) => [a, extra, z]],
    ['last', (extra) => [a, z, extra]],
  ];
  const cases = unions.flatMap(([what, type, values]) =>
    places.map(([where, fieldsOf]) => [what, where, type, values, fieldsOf] as const),
  );

  test.each(cases)('is skipped: %s, %s', (_what, _where, type, values, fieldsOf) => {
    const writer = schemaOf(fieldsOf(field('extra', type)));
    const decode = compileDecoder(writer, schemaOf([a, z]), pair);
    for (const extra of values) {
      const bytes = writer.type.toBuffer({ a: 'before', extra, z: 9n });
      expect(decode(bytes, 0, bytes.length)).toEqual({ a: 'before', z: 9n });
    }
  });

  test('is skipped in a nested record and in the items of an array', () => {
    const extra = field('extra', ['null', 'string']);
    const around = (fields: readonly object[]) => [
      field('in', record('In', fields)),
      field('list', { type: 'array', items: 'In' }),
    ];
    const writer = schemaOf(around([a, extra, z]));
    const decode = compileDecoder(writer, schemaOf(around([a, z])), pair);
    const [one, other] = [{ a: 'x', extra: 'y', z: 1n }, { a: 'v', extra: null, z: 2n }]; // biome-ignore format: one row
    const bytes = writer.type.toBuffer({ in: one, list: [other, one] });
    expect(decode(bytes, 0, bytes.length)).toEqual({
      in: { a: 'x', z: 1n },
      list: [{ a: 'v', z: 2n }, { a: 'x', z: 1n }], // biome-ignore format: one row
    });
  });
});

test('a branch that cannot be read leaves the same record elsewhere to its own fault', () => {
  const written = record('R', [field('n', 'int')]);
  const writer = schemaOf([field('f1', ['null', 'string', written]), field('f2', 'R')]);
  const read = record('R', [field('n', 'int'), field('required', 'string')]);
  const reader = schemaOf([field('f1', ['null', 'string', read]), field('f2', 'R')]);
  expect(() => compileDecoder(writer, reader, pair)).toThrow(
    expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' }),
  );
});
