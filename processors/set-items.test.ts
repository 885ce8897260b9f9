import { describe, expect, test } from 'vitest';
import { must } from '../foundation/index.ts';
import { AvroSchema, compileMapping } from '../schemas/index.ts';
import { compileMap, mapSettingsDefault } from './map.ts';
import { normalizers } from './normalizers/index.ts';

const scaledDecimal = {
  type: 'record',
  name: 'VariableScaleDecimal',
  namespace: 'io.debezium.data',
  fields: [
    { name: 'scale', type: 'int' },
    { name: 'value', type: 'bytes' },
  ],
};
const of = (type: string, logicalType: string) => ({ type, logicalType });

/** Each item's type, and an item as avsc reads it. */
const items: readonly (readonly [string, unknown, unknown])[] = [
  ['boolean', 'boolean', true],
  ['int', 'int', 7],
  ['long', 'long', 7n],
  ['float', 'float', 1.5],
  ['double', 'double', 1.5],
  ['string', 'string', 'a'],
  ['bytes', 'bytes', Buffer.from('a')],
  ['fixed', { type: 'fixed', name: 'F', size: 1 }, Buffer.from('a')],
  ['enum', { type: 'enum', name: 'Color', symbols: ['RED'] }, 'RED'],
  ['uuid', of('string', 'uuid'), 'a'],
  ['decimal', { ...of('bytes', 'decimal'), precision: 9, scale: 2 }, Buffer.from([1, 44])],
  [
    'decimal in a fixed',
    { type: 'fixed', name: 'D', size: 2, logicalType: 'decimal', precision: 4, scale: 1 },
    Buffer.from([1, 44]),
  ],
  ['decimal with its own scale', scaledDecimal, { scale: 3, value: Buffer.from([1, 44]) }],
  ['date', of('int', 'date'), 7],
  ['time of day', of('int', 'time-millis'), 7],
  ['time of day to the microsecond', of('long', 'time-micros'), 7n],
  ['time', of('long', 'timestamp-millis'), 7n],
  ['time to the microsecond', of('long', 'timestamp-micros'), 7n],
];

describe('an item of an array that is a set', () => {
  test.each(items)('is the value that it would be alone: %s', (_kind, type, item) => {
    const text = JSON.stringify({
      type: 'record',
      name: 'E',
      fields: [
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'one', type: ['null', type] },
        { name: 'all', type: { type: 'array', items: ['null', nameOf(type)] } },
      ],
      graph: {
        domain: 'd',
        time: 'at',
        nodes: [
          {
            type: 'A',
            id: { value: 'a1' },
            properties: { one: 'one', all: { path: 'all', set: 'replace' } },
          },
        ],
      },
    });
    const plan = compileMapping({ subject: 's', version: 1 }, new AvroSchema(text), normalizers);
    const event = { at: 1n, one: item, all: [item, null] };
    const mapped = must(compileMap(plan, mapSettingsDefault)(event, 10), 'no condition leaves it out');
    const [node] = mapped.mutations;
    if (node?.kind !== 'node') throw new Error('the mapping writes a node');
    const [one, all] = node.properties;
    expect(one?.[1]).not.toBeNull();
    expect(all).toEqual(['all', { set: 'replace', elements: [one?.[1]] }]);
  });
});

/** A named type is written once. */
function nameOf(type: unknown): unknown {
  if (typeof type !== 'object' || type === null || !('name' in type)) return type;
  return 'namespace' in type ? `${String(type.namespace)}.${String(type.name)}` : type.name;
}
