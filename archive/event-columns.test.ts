import { describe, expect, it } from 'vitest';
import { AvroSchema, EventEncoder } from '../schemas/index.ts';
import type { Column, ColumnValue } from './columns.ts';
import { columnIdsByPath, eventColumnsOf, leftOutFields, planEventColumns } from './event-columns.ts';
import { type EventField, eventFields } from './event-fields.ts';
import { eventReaders } from './event-values.ts';
import { rawColumns, topicProperty } from './iceberg/raw-columns.ts';
import { evolved } from './iceberg/schema-evolution.ts';
import { newTableMetadata } from './iceberg/table-creation.ts';
import type { TableMetadata } from './iceberg/table-metadata.ts';
import { typeText } from './iceberg/type-text.ts';

function emptyTable(): TableMetadata {
  return newTableMetadata({
    uuid: 'u',
    location: 'file:///t',
    columns: rawColumns,
    dayOf: 4,
    lastColumnId: 999,
    properties: { [topicProperty]: 'plays' },
    nowMs: 0,
  });
}

function recordOf(...fields: readonly unknown[]): string {
  return JSON.stringify({ type: 'record', name: 'Play', fields });
}

function fieldsOf(text: string): readonly EventField[] {
  return eventFields(new AvroSchema(text)) ?? [];
}

function grown(base: TableMetadata, text: string, columnsMax = 100): TableMetadata {
  const { changes, properties } = planEventColumns(base, fieldsOf(text), columnsMax);
  const next = evolved(base, changes);
  return { ...next, properties: { ...next.properties, ...properties } };
}

function described(table: TableMetadata): Readonly<Record<string, string>> {
  return Object.fromEntries(eventColumnsOf(table).map((column) => [column.name, typeText(column.type)]));
}

/** As the table's columns have the event, by name. */
function valuesOf(table: TableMetadata, text: string, event: unknown): Readonly<Record<string, ColumnValue>> {
  const columns: readonly Column[] = eventColumnsOf(table);
  const decoded: unknown = new AvroSchema(text).type.fromBuffer(
    new EventEncoder(1, text).encode(event).subarray(5),
  );
  const readers = eventReaders(fieldsOf(text), columns, columnIdsByPath(table));
  return Object.fromEntries(columns.map((column, index) => [column.name, readers[index]?.(decoded) ?? null]));
}

const everything = recordOf(
  { name: 'flag', type: 'boolean' },
  { name: 'count', type: 'int' },
  { name: 'total', type: 'long' },
  { name: 'ratio', type: 'float' },
  { name: 'exact', type: 'double' },
  { name: 'text', type: ['null', 'string'] },
  { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['MOVIE', 'GAME'] } },
  { name: 'raw', type: 'bytes' },
  { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'atMicros', type: { type: 'long', logicalType: 'timestamp-micros' } },
  { name: 'day', type: { type: 'int', logicalType: 'date' } },
  { name: 'clock', type: { type: 'int', logicalType: 'time-millis' } },
  { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 } },
  { name: 'labels', type: { type: 'map', values: ['null', 'long'] } },
  {
    name: 'items',
    type: {
      type: 'array',
      items: { type: 'record', name: 'Item', fields: [{ name: 'sku', type: 'string' }] },
    },
  },
);

describe('columns of events', () => {
  it('are made for every Avro type that a column can hold, all of them optional', () => {
    const table = grown(emptyTable(), everything);
    expect(described(table)).toEqual({
      flag: 'boolean',
      count: 'int',
      total: 'long',
      ratio: 'float',
      exact: 'double',
      text: 'string',
      kind: 'string',
      raw: 'binary',
      hash: 'fixed[4]',
      at: 'timestamptz',
      atMicros: 'timestamptz',
      day: 'date',
      clock: 'time',
      price: 'decimal(5, 2)',
      labels: 'map<string, long>',
      items: 'list<struct<sku: string>>',
    });
    expect(eventColumnsOf(table).every((column) => !column.required)).toBe(true);
    expect(planEventColumns(table, fieldsOf(everything), 100).changes).toEqual([]);
  });

  it('take the values of an event, times in microseconds and decimals unscaled', () => {
    const table = grown(emptyTable(), everything);
    const event = {
      flag: true,
      count: -3,
      total: 2n ** 60n,
      ratio: 0.5,
      exact: 1e300,
      text: null,
      kind: 'GAME',
      raw: Buffer.from([1]),
      hash: Buffer.from([1, 2, 3, 4]),
      at: -1n,
      atMicros: 7n,
      day: 20_000,
      clock: 1,
      price: Buffer.from([0xff, 0x85]),
      labels: { a: null, b: 2n },
      items: [{ sku: 'x' }, { sku: 'y' }],
    };
    expect(valuesOf(table, everything, event)).toEqual({
      ...event,
      at: -1_000n,
      clock: 1_000n,
      price: -123n,
      labels: [
        { key: 'a', value: null },
        { key: 'b', value: 2n },
      ],
    });
  });

  it('are null where a value is none of its type: more digits, no time of a day, beyond 64 bits of microseconds', () => {
    const table = grown(emptyTable(), everything);
    const event = {
      ...{ flag: true, count: 0, total: 0n, ratio: 0, exact: 0, text: 'x', kind: 'MOVIE', day: 0 },
      ...{ raw: Buffer.from([]), hash: Buffer.alloc(4), atMicros: 0n, labels: {}, items: [] },
      at: 2n ** 62n,
      clock: -1,
      price: Buffer.from([0x01, 0x86, 0xa0]),
    };
    expect(valuesOf(table, everything, event)).toMatchObject({
      at: null,
      clock: null,
      price: null,
      text: 'x',
    });
  });

  it('grow with the schema: wider numbers, fields more, inside others too, by ids that stay', () => {
    const first = recordOf(
      { name: 'seconds', type: 'int' },
      {
        name: 'device',
        type: { type: 'record', name: 'Device', fields: [{ name: 'os', type: 'string' }] },
      },
    );
    const second = recordOf(
      {
        name: 'device',
        type: {
          type: 'record',
          name: 'Device',
          fields: [
            { name: 'os', type: 'string' },
            { name: 'model', type: 'string' },
          ],
        },
      },
      { name: 'seconds', type: 'long' },
      { name: 'more', type: 'string' },
    );
    const before = grown(emptyTable(), first);
    const after = grown(before, second);
    expect(described(after)).toEqual({
      seconds: 'long',
      device: 'struct<os: string, model: string>',
      more: 'string',
    });
    const ids = columnIdsByPath(after);
    expect([...columnIdsByPath(before)].every(([path, id]) => ids.get(path) === id)).toBe(true);
    expect(new Set(ids.values()).size).toBe(ids.size);
    // Events of the former schema still come, and their int is a long now.
    expect(valuesOf(after, first, { seconds: 5, device: { os: 'tv' } })).toEqual({
      seconds: 5n,
      device: { os: 'tv', model: null },
      more: null,
    });
    expect(planEventColumns(after, fieldsOf(first), 100).changes).toEqual([]);
  });

  it('follow a column that somebody renamed, and leave one alone that somebody took out', () => {
    const text = recordOf({ name: 'member', type: 'string' }, { name: 'secret', type: 'string' });
    const table = grown(emptyTable(), text);
    const [member, secret] = eventColumnsOf(table).map((column) => column.id);
    const changed = evolved(table, [
      { kind: 'rename', id: member ?? 0, name: 'member_id' },
      { kind: 'drop', id: secret ?? 0 },
    ]);
    const again = grown(changed, text);
    expect(described(again)).toEqual({ member_id: 'string' });
    expect(leftOutFields(again).get('secret')).toContain('taken out of the table');
    expect(valuesOf(again, text, { member: 'm', secret: 's' })).toEqual({ member_id: 'm' });
  });

  it('are two where a field became something that its column cannot hold, each for its own events', () => {
    const number = recordOf({ name: 'rating', type: 'long' });
    const word = recordOf({ name: 'rating', type: 'string' });
    const table = grown(grown(emptyTable(), number), word);
    expect(described(table)).toEqual({ rating: 'long', rating_2: 'string' });
    expect(valuesOf(table, number, { rating: 5n })).toEqual({ rating: 5n, rating_2: null });
    expect(valuesOf(table, word, { rating: 'five' })).toEqual({ rating: null, rating_2: 'five' });
    expect(planEventColumns(table, fieldsOf(number), 100).changes).toEqual([]);
  });

  it('have names that differ by more than case, and from those of the record itself', () => {
    const text = recordOf(
      { name: 'Topic', type: 'string' },
      { name: 'member', type: 'string' },
      { name: 'Member', type: 'string' },
    );
    expect(described(grown(emptyTable(), text))).toEqual({
      Topic_2: 'string',
      member: 'string',
      Member_2: 'string',
    });
  });

  it('leave out by name what no column can hold', () => {
    const text = recordOf(
      { name: 'either', type: ['int', 'string'] },
      { name: 'nothing', type: 'null' },
      { name: 'empty', type: { type: 'record', name: 'Empty', fields: [] } },
      { name: 'parent', type: ['null', 'Play'] },
      { name: 'member', type: 'string' },
    );
    const table = grown(emptyTable(), text);
    expect(described(table)).toEqual({ member: 'string' });
    expect([...leftOutFields(table).keys()]).toEqual(['either', 'nothing', 'empty', 'parent']);
  });

  it('are no more than the settings allow', () => {
    const fields = Array.from({ length: 10 }, (_, index) => ({ name: `f${index}`, type: 'string' }));
    const table = grown(emptyTable(), recordOf(...fields), 4);
    expect(Object.keys(described(table))).toEqual(['f0', 'f1', 'f2', 'f3']);
    expect(leftOutFields(table).size).toBe(6);
  });
});
