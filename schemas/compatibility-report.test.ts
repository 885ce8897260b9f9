import { describe, expect, it } from 'vitest';
import { AvroSchema } from './avro-type.ts';
import { explainCompatibility } from './compatibility-report.ts';

function ride(fields: readonly object[], more: object = {}): AvroSchema {
  return new AvroSchema(JSON.stringify({ type: 'record', name: 'Ride', fields, ...more }));
}

function field(type: unknown, more: object = {}): object {
  return { name: 'f', type, ...more };
}

const color = (symbols: readonly string[], more: object = {}): object => ({
  type: 'enum',
  name: 'Color',
  symbols,
  ...more,
});
const record = (name: string, ...fields: readonly object[]): object => ({ type: 'record', name, fields });
const decimal = (scale: number): object => ({ type: 'bytes', logicalType: 'decimal', precision: 9, scale });

type Said = readonly [direction: 'backward' | 'forward', path: string, sentence: RegExp, instead: RegExp];

describe('what breaks between two versions', () => {
  it.each<[string, AvroSchema, AvroSchema, readonly Said[]]>([
    [
      'a field without default',
      ride([]),
      ride([field('int')]),
      [['backward', 'f', /was not written and has no default$/, /give the new field a default/]],
    ],
    [
      'a field that is gone',
      ride([field('int')]),
      ride([]),
      [['forward', 'f', /is no longer written and has no default/, /keep the field, or give it a default/]],
    ],
    [
      'a field by another name',
      ride([field('int')]),
      ride([{ name: 'g', type: 'int' }]),
      [
        ['backward', 'g', /is it `f` by another name\?/, /`aliases`/],
        ['forward', 'f', /is it `g` by another name\?/, /keep the field/],
      ],
    ],
    [
      'another type',
      ride([field('int')]),
      ride([field('string')]),
      [
        ['backward', 'f', /is int as written and string as read/, /keep the type/],
        ['forward', 'f', /is string as written and int as read/, /keep the type/],
      ],
    ],
    [
      'a promoted number, which only older readers cannot read',
      ride([field('int')]),
      ride([field('long')]),
      [['forward', 'f', /is long as written and int as read/, /keep the type/]],
    ],
    [
      'a null that is gone',
      ride([field(['null', 'int'])]),
      ride([field('int')]),
      [['backward', 'f', /may be null as written, and not as read/, /keep null/]],
    ],
    [
      'a branch that is gone',
      ride([field(['null', 'int', 'string'])]),
      ride([field(['null', 'int'])]),
      [['backward', 'f', /may be string as written, and is null or int as read/, /keep the branch/]],
    ],
    [
      'a symbol that is gone',
      ride([field(color(['RED', 'BLUE']))]),
      ride([field(color(['RED']))]),
      [
        [
          'backward',
          'f',
          /is written as BLUE, which is no symbol of enum Color/,
          /give the enum a `default`/,
        ],
      ],
    ],
    [
      'a symbol that is new',
      ride([field(color(['RED']))]),
      ride([field(color(['RED', 'BLUE']))]),
      [['forward', 'f', /is written as BLUE/, /in a version before/]],
    ],
    [
      'a field inside an array',
      ride([field({ type: 'array', items: record('Item', { name: 'x', type: 'long' }) })]),
      ride([field({ type: 'array', items: record('Item', { name: 'x', type: 'int' }) })]),
      [['backward', 'f[].x', /is long as written and int as read/, /keep the type/]],
    ],
    [
      'a field inside a branch',
      ride([field(['null', record('Card'), record('Bank')])]),
      ride([field(['null', record('Card', { name: 'x', type: 'int' }), record('Bank')])]),
      [['backward', 'f[Card].x', /was not written/, /default/]],
    ],
    [
      'the name of the record',
      ride([]),
      ride([], { name: 'Trip' }),
      [
        ['backward', '', /is named Ride as written and Trip as read/, /aliases/],
        ['forward', '', /is named Trip as written and Ride as read/, /keep the old name/],
      ],
    ],
    [
      'the size of a fixed',
      ride([field({ type: 'fixed', name: 'F', size: 4 })]),
      ride([field({ type: 'fixed', name: 'F', size: 8 })]),
      [
        ['backward', 'f', /has 4 bytes as written and 8 as read/, /keep the size/],
        ['forward', 'f', /has 8 bytes as written and 4 as read/, /keep the size/],
      ],
    ],
  ])('%s', (_what, older, newer, expected) => {
    const breaks = explainCompatibility(older, newer);
    expect(breaks.map(({ direction, path }) => [direction, path])).toEqual(
      expected.map(([direction, path]) => [direction, path]),
    );
    for (const [index, [, , sentence, instead]] of expected.entries()) {
      expect(breaks[index]?.sentence).toMatch(sentence);
      expect(breaks[index]?.instead).toMatch(instead);
    }
  });

  it.each<[string, AvroSchema, AvroSchema]>([
    ['a default', ride([]), ride([field('int', { default: 0 })])],
    [
      'a symbol where the enum has a default',
      ride([field(color(['RED'], { default: 'RED' }))]),
      ride([field(color(['RED', 'BLUE'], { default: 'RED' }))]),
    ],
  ])('nothing breaks by %s', (_what, older, newer) => {
    expect(explainCompatibility(older, newer)).toEqual([]);
  });
});

describe('a change of meaning that registries let through', () => {
  const time = (unit: string): object => ({
    name: 'at',
    type: { type: 'long', logicalType: `timestamp-${unit}` },
  });

  it('breaks both ways: a decimal of another scale, and a time in another unit', () => {
    const older = ride([time('millis'), field(decimal(2))]);
    const found = explainCompatibility(older, ride([time('micros'), field(decimal(3))]));
    expect(found.map(({ direction, path }) => `${direction} ${path}`).sort()).toEqual([
      ...['backward at', 'backward f', 'forward at', 'forward f'],
    ]);
    expect(found.find(({ path }) => path === 'at')?.sentence).toBe(
      'is a timestamp-millis as written and a timestamp-micros as read',
    );
  });

  it('is none where only a note on the type is new', () => {
    const noted = ride([field({ type: 'string', logicalType: 'uuid' })]);
    expect(explainCompatibility(ride([field('string')]), noted)).toEqual([]);
  });
});
