import { describe, expect, test } from 'vitest';
import type { NodeProperty } from '../graph-store/index.ts';
import { AvroSchema, compileDecoder, compileMapping } from '../schemas/index.ts';
import { compileMap, mapSettingsDefault } from './map.ts';
import { normalizers } from './normalizers/index.ts';

const nowMs = Date.UTC(2027, 0, 1);
const pair = { subject: 'e-value', writerId: 1, readerVersion: 2 };
const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
const id = { name: 'id', type: 'string' };

/** A version of the event whose fields beside `at` and `id` are given; `value` is where its one property comes from. */
function version(fields: readonly object[], value: unknown = 'value', doc?: string): AvroSchema {
  const graph = { domain: 'd', time: 'at', nodes: [{ type: 'A', id: 'id', properties: { value } }] };
  return new AvroSchema(
    JSON.stringify({ type: 'record', name: 'E', doc, fields: [time, id, ...fields], graph }),
  );
}

/** What an event, written with one version and read with another, leaves in the graph. */
function graphOf(writer: AvroSchema, reader: AvroSchema, fields: object): readonly NodeProperty[] {
  const bytes = writer.type.toBuffer({ at: BigInt(nowMs), id: 'a-1', ...fields });
  const event = compileDecoder(writer, reader, pair)(bytes, 0, bytes.length);
  const map = compileMap(
    compileMapping({ subject: 'e-value', version: 2 }, reader, normalizers),
    mapSettingsDefault,
  );
  const mutation = map(event, nowMs)?.mutations[0];
  if (mutation?.kind !== 'node') throw new Error('an event leaves its node');
  expect(mutation.node).toEqual({ type: 'A', id: 'a-1' });
  return mutation.properties;
}

const field = (type: unknown, more: object = {}) => ({ name: 'value', type, ...more });
const text = field('string');
const color = (...symbols: string[]) => ({ type: 'enum', name: 'Color', symbols, default: 'NONE' });

interface Evolution {
  readonly before: AvroSchema;
  readonly after: AvroSchema;
  /** An event of each version, and what the graph must hold when it is read with the version before and after. */
  readonly old: { readonly event: object; readonly readBefore: unknown; readonly readAfter: unknown };
  readonly new: { readonly event: object; readonly readBefore: unknown; readonly readAfter: unknown };
}

const constant = { value: 'none' };

const legal: Readonly<Record<string, Evolution>> = {
  'a field is added with a default': {
    before: version([], constant),
    after: version([field('string', { default: 'FREE' })]),
    old: { event: {}, readBefore: 'none', readAfter: 'FREE' },
    new: { event: { value: 'GOLD' }, readBefore: 'none', readAfter: 'GOLD' },
  },
  'a field with a default is removed': {
    before: version([field('string', { default: 'FREE' })]),
    after: version([], constant),
    old: { event: { value: 'GOLD' }, readBefore: 'GOLD', readAfter: 'none' },
    new: { event: {}, readBefore: 'FREE', readAfter: 'none' },
  },
  'a field is renamed by alias, with a default for those who do not know it': {
    before: version([field('string', { default: 'unknown' })]),
    after: version([{ name: 'fresh', aliases: ['value'], type: 'string' }], 'fresh'),
    old: { event: { value: 'x' }, readBefore: 'x', readAfter: 'x' },
    new: { event: { fresh: 'y' }, readBefore: 'unknown', readAfter: 'y' },
  },
  'a union is widened': {
    before: version([field(['null', 'string'])]),
    after: version([field(['null', 'string', 'boolean'])], 'value[string]'),
    old: { event: { value: 'x' }, readBefore: 'x', readAfter: 'x' },
    new: { event: { value: null }, readBefore: null, readAfter: null },
  },
  'an enum gets a symbol, and has a default': {
    before: version([field(color('RED', 'NONE'))]),
    after: version([field(color('RED', 'NONE', 'BLUE'))]),
    old: { event: { value: 'RED' }, readBefore: 'RED', readAfter: 'RED' },
    new: { event: { value: 'BLUE' }, readBefore: 'NONE', readAfter: 'BLUE' },
  },
  'fields are put into another order': {
    before: version([text, { name: 'other', type: 'int' }]),
    after: version([{ name: 'other', type: 'int' }, text]),
    old: { event: { value: 'x', other: 1 }, readBefore: 'x', readAfter: 'x' },
    new: { event: { value: 'y', other: 2 }, readBefore: 'y', readAfter: 'y' },
  },
  'only words are changed': {
    before: version([text], 'value', 'Before.'),
    after: version([field('string', { doc: 'A value.' })], 'value', 'After.'),
    old: { event: { value: 'x' }, readBefore: 'x', readAfter: 'x' },
    new: { event: { value: 'y' }, readBefore: 'y', readAfter: 'y' },
  },
};

describe('a legal evolution gives the right graph from old and new writers, read with either version', () => {
  test.each(Object.entries(legal))('%s', (_name, { before, after, old, new: fresh }) => {
    expect(graphOf(before, before, old.event)).toEqual([['value', old.readBefore]]);
    expect(graphOf(before, after, old.event)).toEqual([['value', old.readAfter]]);
    expect(graphOf(after, before, fresh.event)).toEqual([['value', fresh.readBefore]]);
    expect(graphOf(after, after, fresh.event)).toEqual([['value', fresh.readAfter]]);
  });

  // Eighth: promotions, which by nature go one way.
  test.each([
    ['int', 'long', 7, 7n],
    ['int', 'float', 7, 7],
    ['int', 'double', 7, 7],
    ['long', 'float', 7n, 7],
    ['long', 'double', 2n ** 40n, 2 ** 40],
    ['float', 'double', 0.5, 0.5],
    ['string', 'bytes', 'ab', 'YWI='],
    ['bytes', 'string', Buffer.from('ab'), 'ab'],
  ])('%s is promoted to %s', (from, to, written, kept) => {
    const [before, after] = [version([field(from)]), version([field(to)])];
    expect(graphOf(before, after, { value: written })).toEqual([['value', kept]]);
  });

  test('a union that was widened is read by the version before wherever the value fits it', () => {
    const before = version([field(['null', 'string'])]);
    const after = version([field(['null', 'string', 'boolean'])], 'value[string]');
    expect(graphOf(after, before, { value: 'x' })).toEqual([['value', 'x']]);
    expect(() => graphOf(after, before, { value: true })).toThrow(
      expect.objectContaining({ reaction: 'bad-data' }),
    );
  });
});

test('a nullable field that becomes mandatory is read wherever it holds a value', () => {
  const [before, after] = [version([field(['null', 'long'])]), version([field('long')])];
  expect(graphOf(before, after, { value: 7n })).toEqual([['value', 7n]]);
  expect(() => graphOf(before, after, { value: null })).toThrow(
    expect.objectContaining({ code: 'AVRO_UNREADABLE' }),
  );
});

describe('an illegal evolution is refused with its reason', () => {
  test.each<[string, AvroSchema, AvroSchema, object, string]>([
    [
      'a field is added without a default',
      version([], constant),
      version([text]),
      {},
      '`value` was not written and has no default',
    ],
    [
      'a field is renamed without an alias',
      version([text]),
      version([{ name: 'fresh', type: 'string' }], 'fresh'),
      { value: 'x' },
      '`fresh` was not written and has no default',
    ],
    [
      'a long is narrowed to an int',
      version([field('long')]),
      version([field('int')]),
      { value: 7n },
      '`value` is long as written and int as read',
    ],
    [
      'a double is narrowed to a float',
      version([field('double')]),
      version([field('float')]),
      { value: 0.5 },
      '`value` is double as written and float as read',
    ],
    [
      'no branch of a union but null can be read',
      version([field(['null', 'string'])]),
      version([field(['null', 'int'])]),
      { value: 'x' },
      '`value` may be string as written, and is null or int as read',
    ],
    [
      'text becomes a number',
      version([text]),
      version([field('int')]),
      { value: '7' },
      '`value` is string as written and int as read',
    ],
    [
      'a fixed changes its size',
      version([field({ type: 'fixed', name: 'F', size: 4 })]),
      version([field({ type: 'fixed', name: 'F', size: 8 })]),
      { value: Buffer.alloc(4) },
      '`value` has 4 bytes as written and 8 as read',
    ],
    [
      'an inner record is renamed without an alias',
      version([field({ type: 'record', name: 'In', fields: [{ name: 'x', type: 'int' }] })], 'value.x'),
      version([field({ type: 'record', name: 'Other', fields: [{ name: 'x', type: 'int' }] })], 'value.x'),
      { value: { x: 1 } },
      '`value` is named In as written and Other as read, without an alias',
    ],
  ])('%s', (_name, before, after, event, reason) => {
    expect(() => graphOf(before, after, event)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' }),
    );
    expect(() => graphOf(before, after, event)).toThrow(reason);
  });

  test('an enum loses a symbol and has no default: events with that symbol are bad data, the others are read', () => {
    const bare = (...symbols: string[]) => ({ type: 'enum', name: 'Color', symbols });
    const [before, after] = [version([field(bare('RED', 'BLUE'))]), version([field(bare('RED'))])];
    expect(() => graphOf(before, after, { value: 'BLUE' })).toThrow(
      expect.objectContaining({ reaction: 'bad-data' }),
    );
  });
});
