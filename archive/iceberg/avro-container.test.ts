import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readContainer, writeContainer } from './avro-container.ts';
import { AvroFault, AvroParts, type AvroRecord } from './avro-datum.ts';
import { type Json, printJson } from './iceberg-json.ts';

const sync = Buffer.alloc(16, 7);
const schema: Json = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'i', type: 'int', 'field-id': 1 },
    { name: 'l', type: ['null', 'long'], 'field-id': 2 },
    { name: 's', type: 'string', 'field-id': 3 },
    { name: 'b', type: { type: 'array', items: 'bytes' }, 'field-id': 4 },
    { name: 'f', type: 'boolean', 'field-id': 5 },
  ],
};
const byName = (_id: number | null, name: string): string => name;

function read(bytes: Uint8Array): readonly AvroRecord[] {
  return [...readContainer(bytes, byName).records];
}

/** A file with a header as given and one block of those bytes. */
function file(writer: Json, block: Uint8Array, count: bigint, codec = 'null'): Buffer {
  const parts = new AvroParts();
  parts.bytes(Buffer.from('Obj\x01'));
  parts.long(2n);
  for (const text of ['avro.schema', printJson(writer), 'avro.codec', codec]) parts.text(text);
  parts.long(0n);
  parts.bytes(sync);
  parts.long(count);
  parts.sized(block);
  parts.bytes(sync);
  return parts.done();
}

describe('An Avro container file', () => {
  it('gives back what was written, longs exact, in as many blocks as it needs', () => {
    const record = fc.record({
      i: fc.integer(),
      l: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      s: fc.string({ unit: 'binary' }),
      b: fc.array(fc.uint8Array().map((bytes) => new Uint8Array(Buffer.from(bytes)))),
      f: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const found = read(writeContainer(schema, { a: 'b' }, records, sync));
        const plain = found.map((each) => ({
          ...each,
          b: Array.isArray(each.b) ? each.b.map((x) => new Uint8Array(x)) : [],
        }));
        expect(plain).toEqual(records);
      }),
      { numRuns: 40 },
    );
    const many = Array.from({ length: 2_500 }, (_, i) => ({ i, l: null, s: '', b: [], f: true }));
    expect(read(writeContainer(schema, {}, many, sync)).map((each) => each.i)).toEqual(
      many.map((each) => each.i),
    );
  });

  it('keeps the schema with its field ids, and other entries, in its header', () => {
    const { meta } = readContainer(writeContainer(schema, { content: 'data' }, [], sync), byName);
    expect(meta.get('content')).toBe('data');
    expect(meta.get('avro.schema')).toBe(printJson(schema));
  });

  it('is read when other writers compressed it otherwise', () => {
    const value = Buffer.from([2, 2, 14, 6, 97, 98, 99, 0, 1]);
    for (const [codec, block] of [
      ['null', value],
      ['deflate', deflateRawSync(value)],
      ['zstandard', zstdCompressSync(value)],
    ] as const)
      expect(read(file(schema, block, 1n, codec))).toEqual([{ i: 1, l: 7n, s: 'abc', b: [], f: true }]);
    expect(() => read(file(schema, value, 1n, 'xz'))).toThrow(/compressed with xz/);
  });

  it('of other bytes is a fault and nothing else, wherever one of them is changed or it ends', () => {
    const whole = writeContainer(
      schema,
      {},
      [{ i: 1, l: 2n, s: 'abc', b: [Buffer.from('x')], f: true }],
      sync,
    );
    let faults = 0;
    for (let at = 0; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x55;
      for (const bytes of [flipped, whole.subarray(0, at)]) {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AvroFault);
          faults += 1;
        }
      }
    }
    expect(faults).toBeGreaterThan(whole.length);
  });

  const bomb = { type: 'array', items: 'null' } as const;
  const holding = (type: Json): Json => ({ type: 'record', name: 'r', fields: [{ name: 'x', type }] });
  const nested = (depth: number): Json => (depth === 0 ? 'int' : { type: 'array', items: nested(depth - 1) });
  for (const [what, writer, block] of [
    ['a list of a billion nothings', holding(bomb), Buffer.from([0x80, 0xa8, 0xd6, 0xb9, 0x07, 0])],
    ['a text longer than the file', holding('string'), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f])],
    ['a text of negative length', holding('string'), Buffer.from([1])],
    ['a number without end', holding('long'), Buffer.alloc(20, 0xff)],
    ['an int of 64 bits', holding('int'), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a branch that its union has not', holding(['null', 'int']), Buffer.from([8])],
    ['a fixed value of endless size', holding({ type: 'fixed', name: 'f', size: 1e15 }), Buffer.from([1])],
    ['a fixed value of negative size', holding({ type: 'fixed', name: 'f', size: -5 }), Buffer.from([1])],
    ['more bytes than its values', holding('int'), Buffer.from([2, 2, 2])],
    ['an unknown type', holding('duration'), Buffer.from([2])],
    [
      'a type that holds itself',
      { type: 'record', name: 'r', fields: [{ name: 'x', type: 'r' }] },
      Buffer.from([2]),
    ],
    ['types in types without end', holding(nested(100)), Buffer.from([2])],
    ['values that are no records', 'int', Buffer.from([2])],
  ] as const) {
    it(`with ${what} is a fault`, () => {
      expect(() => read(file(writer, block, 1n))).toThrow(AvroFault);
    });
  }

  it('that unfolds to more than a block holds, or claims more entries than bytes, is a fault', () => {
    const huge = deflateRawSync(Buffer.alloc(68 * 1024 * 1024), { level: 1 });
    expect(() => read(file(holding('bytes'), huge, 1n, 'deflate'))).toThrow(/cannot be decompressed/);
    const empty = { type: 'record', name: 'r', fields: [] } as const;
    expect(() => read(file(empty, Buffer.alloc(0), 2n ** 40n))).toThrow(/1099511627776 entries in 0 bytes/);
  });
});
