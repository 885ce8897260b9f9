import avsc, { type Type } from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JourneyGraphError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import { loadCatalog } from './catalog/index.ts';
import { compileWireScan, wireLimitsDefault } from './wire-scan.ts';

function scanHex(schema: unknown, hex: string, limits = wireLimitsDefault): string {
  const bytes = Buffer.from(hex, 'hex');
  try {
    compileWireScan(new AvroSchema(JSON.stringify(schema)).type, limits)(bytes, 0, bytes.length);
    return 'ok';
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    return `${error.code} ${error.context.path ?? ''}`.trim();
  }
}

const record = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
const arrayOf = (items: unknown) => ({ type: 'array', items });
const list = {
  type: 'record',
  name: 'Node',
  fields: [{ name: 'next', type: ['null', 'Node'] }],
};
const color = { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] };

describe('the wire scan', () => {
  test.each([
    ['a block of 2^31 nulls, six bytes that kill a process', arrayOf('null'), '8084afbf0100', 'AVRO_LIMIT'],
    [
      'a block size that leads backwards, five bytes that hang it',
      record(arrayOf('int')),
      '010300000a',
      'AVRO_MALFORMED f',
    ],
    [
      'many small blocks of nulls, together over the limit',
      arrayOf('null'),
      `${'a09c01'.repeat(11)}00`,
      'AVRO_LIMIT',
    ],
    ['nulls within the limit', arrayOf('null'), '0800', 'ok'],
    ['a block size far below zero', arrayOf('int'), '01c7010a00', 'AVRO_MALFORMED'],
    ['a block with its size', arrayOf('int'), '0304020400', 'ok'],
    ['a block shorter than its size', arrayOf('int'), '0306020400', 'AVRO_MALFORMED'],
    ['a block size beyond the end', arrayOf('int'), '037e020400', 'AVRO_MALFORMED'],
    [
      'a recursion deeper than the limit',
      list,
      `${'02'.repeat(100)}00`,
      `AVRO_LIMIT ${'next.'.repeat(15)}next`,
    ],
    ['a recursion within the limit', list, '02020200', 'ok'],
    ['a string beyond the end', 'string', '0a6162', 'AVRO_MALFORMED'],
    ['a string of negative length', 'string', '01', 'AVRO_MALFORMED'],
    ['a string that is not UTF-8', 'string', '04c328', 'AVRO_MALFORMED'],
    ['a string with half a surrogate pair', 'string', '06eda080', 'AVRO_MALFORMED'],
    ['a string beyond ASCII', 'string', '04c3a9', 'ok'],
    ['bytes that are not UTF-8', 'bytes', '04c328', 'ok'],
    ['a boolean of 2', 'boolean', '02', 'AVRO_MALFORMED'],
    ['an enum symbol that is not there', color, '04', 'AVRO_MALFORMED'],
    ['a negative enum symbol', color, '01', 'AVRO_MALFORMED'],
    ['a union branch that is not there', ['null', 'int'], '04', 'AVRO_MALFORMED'],
    ['a negative union branch', ['null', 'int'], '01', 'AVRO_MALFORMED'],
    ['an int of 33 bits', 'int', 'ffffffff1f', 'AVRO_MALFORMED'],
    ['the smallest int', 'int', 'ffffffff0f', 'ok'],
    ['the smallest long', 'long', 'ffffffffffffffffff01', 'ok'],
    ['a long of 65 bits', 'long', 'ffffffffffffffffff02', 'AVRO_MALFORMED'],
    ['a long that never ends', 'long', 'ff'.repeat(64), 'AVRO_MALFORMED'],
    ['a long cut short', 'long', 'ffff', 'AVRO_MALFORMED'],
    ['a double cut short', 'double', '00000000000000', 'AVRO_MALFORMED'],
    ['a fixed cut short', { type: 'fixed', name: 'F', size: 4 }, '000000', 'AVRO_MALFORMED'],
    ['bytes after the end', 'int', '0200', 'AVRO_MALFORMED'],
    ['nothing at all', 'int', '', 'AVRO_MALFORMED'],
    ['a map that ends within a key', { type: 'map', values: 'null' }, '0204', 'AVRO_MALFORMED [0]'],
  ])('answers %s', (_name, schema, hex, expected) => {
    expect(scanHex(schema, hex)).toBe(expected);
  });

  test('names the path and the item at fault', () => {
    expect(scanHex(record(arrayOf(record('boolean').fields[0]?.type)), '040105')).toBe('AVRO_MALFORMED f[1]');
  });

  test('refuses more bytes than the limit before it looks at them', () => {
    expect(scanHex('bytes', '04c328', { ...wireLimitsDefault, bytesMax: 2 })).toBe('AVRO_LIMIT');
  });

  test('charges the fields of each item, so that items of many nulls do not come cheap', () => {
    const wide = {
      type: 'record',
      name: 'Wide',
      fields: [...'abcdefghij'].map((name) => ({ name, type: 'null' })),
    };
    expect(scanHex(arrayOf(wide), 'a09c0100')).toBe('AVRO_LIMIT');
  });
});

describe('mutated messages', () => {
  test('never hang or crash, and decode wherever the scan accepts them', async () => {
    const hostile = {
      type: 'record',
      name: 'Everything',
      fields: [
        {
          name: 'tree',
          type: ['null', { type: 'record', name: 'Tree', fields: [{ name: 'kids', type: arrayOf('Tree') }] }],
        },
        { name: 'tags', type: { type: 'map', values: ['null', 'long', 'string'] } },
        { name: 'nulls', type: arrayOf('null') },
        { name: 'fixed', type: { type: 'fixed', name: 'Four', size: 4 } },
        { name: 'raw', type: 'bytes' },
        { name: 'ratio', type: 'float' },
        { name: 'color', type: color },
      ],
    };
    const texts = [...(await loadCatalog()).map((entry) => entry.text), JSON.stringify(hostile)];
    const kinds = texts.map((text) => {
      const { type } = new AvroSchema(text);
      return {
        type,
        scan: compileWireScan(type),
        seeds: Array.from({ length: 20 }, (_, turn) => type.toBuffer(sampleOf(type, turn))),
      };
    });
    let accepted = 0;
    const mutation = fc.record({
      kind: fc.nat(kinds.length - 1),
      seed: fc.nat(19),
      cut: fc.nat(400),
      edits: fc.array(
        fc.tuple(
          fc.nat(400),
          fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 3, 127, 128, 255)),
        ),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    });
    fc.assert(
      fc.property(mutation, ({ kind, seed, cut, edits }) => {
        const chosen = kinds[kind];
        const original = chosen?.seeds[seed];
        if (chosen === undefined || original === undefined) throw new Error('the generator left its range');
        const bytes = Buffer.from(
          cut < original.length && cut % 5 === 0 ? original.subarray(0, cut) : original,
        );
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
        try {
          chosen.scan(bytes, 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(JourneyGraphError);
          return;
        }
        accepted += 1;
        chosen.type.fromBuffer(bytes);
      }),
      { numRuns: 25_000, seed: 20_261_121 },
    );
    expect(accepted).toBeGreaterThan(1_000);
  });
});

/** A value of the type that is the same in every run; another one each turn. */
function sampleOf(type: Type, turn: number, depth = 0): unknown {
  const { types } = avsc;
  if (type instanceof types.RecordType) {
    return Object.fromEntries(
      type.fields.map((field, at) => [field.name, sampleOf(field.type, turn + at, depth + 1)]),
    );
  }
  if (type instanceof types.WrappedUnionType || type instanceof types.UnwrappedUnionType) {
    const branch = type.types[depth > 6 ? 0 : turn % type.types.length];
    if (branch === undefined) return null;
    const value = sampleOf(branch, turn, depth + 1);
    const isWrapped = type instanceof types.WrappedUnionType && value !== null;
    return isWrapped ? { [branch.branchName ?? '']: value } : value;
  }
  const size = depth > 6 ? 0 : turn % 4;
  if (type instanceof types.ArrayType) {
    return Array.from({ length: size }, (_, at) => sampleOf(type.itemsType, turn + at, depth + 1));
  }
  if (type instanceof types.MapType) {
    return Object.fromEntries(
      Array.from({ length: size }, (_, at) => [`k${at}`, sampleOf(type.valuesType, turn + at, depth + 1)]),
    );
  }
  if (type instanceof types.EnumType) return type.symbols[turn % type.symbols.length];
  if (type instanceof types.FixedType) return Buffer.alloc(type.size, turn);
  switch (type.typeName) {
    case 'null':
      return null;
    case 'boolean':
      return turn % 2 === 0;
    case 'string':
      return 'héllo wörld '.repeat(turn);
    case 'bytes':
      return Buffer.alloc(turn * 3, turn);
    case 'abstract:long':
      return BigInt.asIntN(64, (-7n) ** BigInt(turn));
    case 'int':
      return (-1234567 * turn) | 0;
    default:
      return turn / 7;
  }
}
