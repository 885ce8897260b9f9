import { describe, expect, it } from 'vitest';
import { parseJson, printJson } from './iceberg-json.ts';
import { ancestors, printMetadata, readMetadata } from './table-metadata.ts';

const id = '7759336863195767433';
/** As PyIceberg writes it, with members that a later version could have put anywhere. */
const document = `{"location":"file:///w/t","table-uuid":"u","last-updated-ms":1790000000000,"last-column-id":12,
"schemas":[{"type":"struct","fields":[
 {"id":1,"name":"topic","type":"string","required":true,"doc":"where","initial-default":"x"},
 {"id":2,"name":"tags","type":{"type":"list","element-id":3,"element":"string","element-required":true},"required":false},
 {"id":4,"name":"m","type":{"type":"map","key-id":5,"key":"string","value-id":6,"value":"decimal(9, 2)","value-required":false},"required":false},
 {"id":7,"name":"s","type":{"type":"struct","fields":[{"id":8,"name":"inner","type":"fixed[16]","required":false,"doc":"deep"}]},"required":false}],
 "schema-id":0,"identifier-field-ids":[1],"new-in-schema":1}],
"current-schema-id":0,
"partition-specs":[{"spec-id":0,"fields":[{"source-id":1,"field-id":1000,"transform":"bucket[16]","name":"b","new-in-field":true}]}],
"default-spec-id":0,"last-partition-id":1000,
"properties":{"p":"v"},"current-snapshot-id":${id},
"snapshots":[{"snapshot-id":${id},"parent-snapshot-id":3,"sequence-number":4,"timestamp-ms":1790000000001,"manifest-list":"file:///w/t/metadata/l.avro","summary":{"operation":"append","added-records":"2"},"schema-id":0,"new-in-snapshot":${id}}],
"snapshot-log":[{"snapshot-id":${id},"timestamp-ms":1790000000001}],"metadata-log":[{"metadata-file":"file:///w/t/metadata/v1.metadata.json","timestamp-ms":1}],
"sort-orders":[{"order-id":0,"fields":[]}],"default-sort-order-id":0,
"refs":{"main":{"snapshot-id":${id},"type":"branch","max-ref-age-ms":5}},
"statistics":[{"snapshot-id":${id},"statistics-path":"x"}],"new-in-table":{"deep":[${id}]},
"format-version":2,"last-sequence-number":4}`;

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

function sorted(text: string): unknown {
  const order = (value: unknown): unknown => {
    if (typeof value === 'bigint') return `${value}n`;
    if (Array.isArray(value)) return value.map(order);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => [key, order(member)]),
    );
  };
  return order(parseJson(text));
}

describe('Table metadata', () => {
  it('is written again with all that was in it, known or not', () => {
    const printed = printMetadata(readMetadata(bytes(document), 'v1.metadata.json'));
    expect(sorted(printed)).toEqual(sorted(document));
  });

  it('is read in what the archive needs of it', () => {
    const metadata = readMetadata(bytes(document), 'v1.metadata.json');
    expect(metadata.currentSnapshotId).toBe(BigInt(id));
    expect(metadata.snapshots[0]).toMatchObject({ operation: 'append', summary: { 'added-records': '2' } });
    expect(metadata.schemas[0]?.columns[2]?.type).toMatchObject({
      value: { id: 6, type: { precision: 9, scale: 2 } },
    });
    expect([...ancestors(metadata)].map((snapshot) => snapshot.id)).toEqual([BigInt(id)]);
  });

  it('of version 1 is read, with what it leaves out', () => {
    const old = `{"format-version":1,"location":"s3://b/t/","last-updated-ms":1,"last-column-id":1,
      "schema":{"type":"struct","fields":[{"id":1,"name":"a","type":"long","required":true}]},
      "partition-spec":[{"source-id":1,"transform":"identity","name":"a"}],"properties":{},"current-snapshot-id":-1,"snapshots":[]}`;
    expect(readMetadata(bytes(old), 'f')).toMatchObject({
      formatVersion: 1,
      location: 's3://b/t',
      lastSequence: 0n,
      currentSnapshotId: null,
      specs: [{ id: 0, fields: [{ id: 1_000 }] }],
    });
  });

  it('whose snapshots go in a circle has ancestors all the same', () => {
    const circle = document.replace('"parent-snapshot-id":3', `"parent-snapshot-id":${id}`);
    expect([...ancestors(readMetadata(bytes(circle), 'f'))].length).toBe(1);
  });

  it('of another version is refused by that', () => {
    const third = bytes(document.replace('"format-version":2', '"format-version":3'));
    expect(() => readMetadata(third, 'v1.metadata.json')).toThrow(
      /v1.metadata.json is of Iceberg's format version 3/,
    );
  });

  for (const [what, from, to] of [
    ['half of it', /"properties".*/s, ''],
    ['an id that is used twice', '"id":4,', '"id":1,'],
    ['an id out of range', '"id":4,', '"id":4000000000,'],
    ['an unknown type', 'fixed[16]', 'variant'],
    ['a fixed type without end', 'fixed[16]', 'fixed[999999999]'],
    ['a decimal of too many digits', 'decimal(9, 2)', 'decimal(39, 2)'],
    ['no schema that is current', '"current-schema-id":0', '"current-schema-id":5'],
    ['no spec that is the default', '"default-spec-id":0', '"default-spec-id":5'],
    ['no snapshot that is current', `"current-snapshot-id":${id}`, '"current-snapshot-id":9'],
    ['a number for a text', '"location":"file:///w/t"', '"location":7'],
    ['a list for an object', '"properties":{"p":"v"}', '"properties":[]'],
    ['an id of more than 64 bits', `"parent-snapshot-id":3`, '"parent-snapshot-id":99999999999999999999'],
    ['no list of manifests', /"manifest-list":"[^"]*",/, ''],
  ] as const) {
    it(`is refused with its name: ${what}`, () => {
      const damaged = document.replace(from, to);
      expect(damaged).not.toBe(document);
      const reading = (): unknown => readMetadata(bytes(damaged), 'meta/v7.metadata.json');
      expect(reading).toThrow(/^The table metadata meta\/v7.metadata.json /);
      expect(reading).toThrow(expect.objectContaining({ code: 'TABLE_METADATA_DAMAGED' }));
    });
  }

  it('is refused when it is no text, or nests types without end', () => {
    expect(() => readMetadata(Buffer.from([0xff, 0xfe]), 'f')).toThrow(/is no JSON in UTF-8/);
    let type = '"long"';
    for (let id = 100; id < 125; id += 1)
      type = `{"type":"list","element-id":${id},"element-required":true,"element":${type}}`;
    const deep = document.replace('"fixed[16]"', type);
    expect(() => readMetadata(bytes(deep), 'f')).toThrow(/nests types deeper than 20|nested deeper/);
  });

  it('keeps members that have the names of an object’s own', () => {
    const text = document.replace('"new-in-table":', '"__proto__":');
    expect(printJson(parseJson(printMetadata(readMetadata(bytes(text), 'f'))))).toContain(
      '"__proto__":{"deep"',
    );
  });
});
