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

const money = (name: string, scale: number, aliases: readonly string[] = []) => ({
  type: 'record',
  name,
  aliases,
  fields: [{ name: 'amount', type: decimal(9, scale) }],
});

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
      '`f[]`',
    ],
    [
      'a map’s values',
      { type: 'map', values: decimal(9, 2) },
      { type: 'map', values: decimal(9, 0) },
      '`f{}`',
    ],
    ['a branch', ['null', 'int', decimal(9, 2)], ['null', 'int', decimal(9, 0)], '`f`'],
    [
      'a value that became one branch of several',
      long('timestamp-millis'),
      ['null', 'string', long('timestamp-micros')],
      '`f` is a timestamp-millis as written and a timestamp-micros as read',
    ],
    [
      'a nullable value that became one branch of several',
      ['null', long('timestamp-millis')],
      ['null', 'string', long('timestamp-micros')],
      '`f` is a timestamp-millis as written and a timestamp-micros as read',
    ],
    [
      'branches that became one value',
      [{ type: 'int', logicalType: 'date' }, long('timestamp-millis')],
      long('timestamp-millis'),
      '`f` is a date as written and a timestamp-millis as read',
    ],
    [
      // avsc reads the int as the first branch that an int fits, which is the long.
      'a branch before the one that is meant',
      [{ type: 'int', logicalType: 'date' }, 'string'],
      [long('timestamp-millis'), { type: 'int', logicalType: 'date' }, 'string'],
      '`f` is a date as written and a timestamp-millis as read',
    ],
    [
      'a branch that was renamed',
      ['null', 'string', money('Old', 4)],
      ['null', 'string', money('Money', 2, ['Old'])],
      '`f[Old].amount` is a decimal of scale 4 as written and a decimal of scale 2 as read',
    ],
    [
      'one of several branches that were renamed',
      [record('int'), money('Old', 4)],
      [money('Money', 2, ['Old']), record('int')],
      '`f[Old].amount` is a decimal of scale 4',
    ],
    [
      'a branch that only its namespace tells',
      [money('a.Money', 2), money('b.Money', 4)],
      [money('b.Money', 2), money('a.Money', 2)],
      '`f[Money].amount` is a decimal of scale 4 as written and a decimal of scale 2 as read',
    ],
  ])('is refused for %s', (_what, writer, reader, sentence) => {
    const compile = () => compileDecoder(schemaOf(writer), schemaOf(reader), pair);
    expect(compile).toThrow(expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' }));
    expect(compile).toThrow(sentence);
  });

  test.each([
    ['first', money('Old', 4), money('Money', 2), '`a.amount`'],
    ['last', money('Money', 2), money('Old', 4), '`b.amount`'],
  ])('is refused where one of its records reads two and only the %s is another', (_which, a, b, at) => {
    const fieldsOf = (first: unknown, second: unknown) => [
      { name: 'a', type: first },
      { name: 'b', type: second },
    ];
    const event = (fields: unknown) => new AvroSchema(JSON.stringify({ type: 'record', name: 'E', fields }));
    const compile = () =>
      compileDecoder(event(fieldsOf(a, b)), event(fieldsOf(money('Money', 2, ['Old']), 'Money')), pair);
    expect(compile).toThrow(`${at} is a decimal of scale 4 as written and a decimal of scale 2 as read`);
  });

  test('ends at records inside themselves', () => {
    const tree = (scale: number) => ({
      type: 'record',
      name: 'Tree',
      fields: [
        { name: 'size', type: decimal(9, scale) },
        { name: 'children', type: { type: 'array', items: 'Tree' } },
      ],
    });
    expect(() => compileDecoder(schemaOf(tree(2)), schemaOf(['null', tree(4)]), pair)).toThrow('`f.size`');
    expect(() => compileDecoder(schemaOf(tree(2)), schemaOf(['null', tree(2)]), pair)).not.toThrow();
  });

  test.each<[string, unknown, unknown]>([
    [
      'branches in another order',
      [{ type: 'int', logicalType: 'date' }, { type: 'string', logicalType: 'uuid' }, record(decimal(9, 2))],
      [record(decimal(9, 2)), { type: 'string', logicalType: 'uuid' }, { type: 'int', logicalType: 'date' }],
    ],
    [
      'branches that only their namespaces tell',
      [money('a.Money', 2), money('b.Money', 4)],
      [money('b.Money', 4), money('a.Money', 2)],
    ],
    [
      'a branch beside one that could not read it',
      money('Old', 4),
      [
        {
          ...money('Other', 2, ['Old']),
          fields: [
            { name: 'amount', type: decimal(9, 2) },
            { name: 'new', type: 'int' },
          ],
        },
        money('Money', 4, ['Old']),
      ],
    ],
    [
      'a value that became one branch of several',
      long('timestamp-millis'),
      ['null', 'string', long('timestamp-millis')],
    ],
    ['more digits', decimal(9, 2), decimal(12, 2)],
    ['a meaning that the writer does not tell', 'long', long('timestamp-micros')],
    ['a meaning that the reader does not need', long('timestamp-micros'), 'long'],
  ])('is taken for %s', (_what, writer, reader) => {
    expect(() => compileDecoder(schemaOf(writer), schemaOf(reader), pair)).not.toThrow();
  });
});
