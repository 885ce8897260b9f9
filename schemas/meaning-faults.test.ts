import { describe, expect, test } from 'vitest';
import { compileDecoder } from './avro-decoder.ts';
import { AvroSchema } from './avro-type.ts';

const pair = { subject: 's-value', writerId: 7, readerVersion: 2 };
const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
});
const long = (logicalType: string) => ({ type: 'long', logicalType });
const schemaOf = (type: unknown) =>
  new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields: [{ name: 'f', type }] }));
const record = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'g', type }] });

describe('a reader that takes the bytes of a writer for something else', () => {
  test.each<[string, unknown, unknown, string]>([
    [
      'another scale',
      decimal(9, 2),
      decimal(9, 4),
      '`f` is a decimal of scale 2 as written and a decimal of scale 4 as read',
    ],
    [
      'another unit',
      long('timestamp-millis'),
      ['null', long('timestamp-micros')],
      '`f` is a timestamp-millis as written and a timestamp-micros as read',
    ],
    [
      'another unit by a connector’s name',
      { type: 'long', 'connect.name': 'io.debezium.time.Timestamp' },
      { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' },
      '`f` is a timestamp-millis as written',
    ],
    ['a record’s field', record(decimal(9, 2)), record(decimal(9, 0)), '`f.g` is a decimal of scale 2'],
    [
      'an array’s items',
      { type: 'array', items: decimal(9, 2) },
      { type: 'array', items: decimal(9, 0) },
      '`f`',
    ],
    ['a map’s values', { type: 'map', values: decimal(9, 2) }, { type: 'map', values: decimal(9, 0) }, '`f`'],
    ['a branch', ['null', 'int', decimal(9, 2)], ['null', 'int', decimal(9, 0)], '`f`'],
  ])('is refused for %s', (_what, writer, reader, sentence) => {
    const compile = () => compileDecoder(schemaOf(writer), schemaOf(reader), pair);
    expect(compile).toThrow(expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' }));
    expect(compile).toThrow(sentence);
  });

  test.each<[string, unknown, unknown]>([
    [
      'branches in another order',
      [{ type: 'int', logicalType: 'date' }, long('timestamp-millis')],
      [long('timestamp-millis'), { type: 'int', logicalType: 'date' }],
    ],
    ['more digits', decimal(9, 2), decimal(12, 2)],
    ['a meaning that the writer does not tell', 'long', long('timestamp-micros')],
    ['a meaning that the reader does not need', long('timestamp-micros'), 'long'],
  ])('is taken for %s', (_what, writer, reader) => {
    expect(() => compileDecoder(schemaOf(writer), schemaOf(reader), pair)).not.toThrow();
  });
});
