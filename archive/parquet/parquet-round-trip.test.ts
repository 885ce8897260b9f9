import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType, ColumnValue, PlainKind } from '../columns.ts';
import { openParquet } from './parquet-reader.ts';
import { batch, column, rowsOf, temporaryStore, written } from './parquet-testing.ts';

const plainKinds: readonly PlainKind[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
];

const int32 = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Values of few kinds, too, so that dictionaries are made. */
function some<Value>(any: fc.Arbitrary<Value>, few: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 2, arbitrary: any }, { weight: 3, arbitrary: fc.constantFrom(...few) });
}

function bytes(min: number, max: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: min, maxLength: max }).map((value) => new Uint8Array(value));
}

function anyValue(type: ColumnType): fc.Arbitrary<ColumnValue> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int':
    case 'date':
      return some(int32, [0, -1, 7]);
    case 'float':
      return fc.float();
    case 'double':
      return some(fc.double(), [0, -0, Number.NaN]);
    case 'string':
      return some(fc.string({ unit: 'binary', maxLength: 40 }), [
        '',
        'PL',
        'a'.repeat(50),
        '\u{10ffff}'.repeat(20),
      ]);
    case 'uuid':
      return bytes(16, 16);
    case 'binary':
      return some(bytes(0, 60), [new Uint8Array(), Uint8Array.of(255)]);
    case 'fixed':
      return bytes(type.bytes, type.bytes);
    case 'decimal': {
      const most = 10n ** BigInt(type.precision) - 1n;
      return some(fc.bigInt({ min: -most, max: most }), [0n, most, -most]);
    }
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, cellOf(field)])));
    case 'list':
      return fc.array(cellOf(type.element), { maxLength: 4 });
    case 'map':
      return fc.array(fc.record({ key: anyValue(type.key.type), value: cellOf(type.value) }), {
        maxLength: 3,
      });
    default:
      return some(int64, [0n, -1n, 1_790_000_000_000_000n]);
  }
}

function cellOf({ type, required }: Column): fc.Arbitrary<ColumnValue> {
  return required ? anyValue(type) : fc.option(anyValue(type), { freq: 3, nil: null });
}

function typeOf(depth: number): fc.Arbitrary<ColumnType> {
  const leaf = fc.oneof<fc.MaybeWeightedArbitrary<ColumnType>[]>(
    { weight: 6, arbitrary: fc.constantFrom(...plainKinds).map((kind) => ({ kind })) },
    fc.integer({ min: 1, max: 20 }).map((size) => ({ kind: 'fixed', bytes: size })),
    fc.tuple(fc.integer({ min: 1, max: 38 }), fc.integer({ min: 0, max: 5 })).map(([precision, scale]) => ({
      kind: 'decimal',
      precision,
      scale: Math.min(precision, scale),
    })),
  );
  if (depth === 0) return leaf;
  const inner = typeOf(depth - 1);
  const part = (name: string): fc.Arbitrary<Column> =>
    fc.record({ id: fc.constant(0), name: fc.constant(name), required: fc.boolean(), type: inner });
  return fc.oneof<fc.MaybeWeightedArbitrary<ColumnType>[]>(
    { weight: 3, arbitrary: leaf },
    fc
      .array(inner, { minLength: 1, maxLength: 3 })
      .chain((types) =>
        fc.tuple(...types.map((_, index) => part(`f${index}`))).map((fields) => ({ kind: 'struct', fields })),
      ),
    part('element').map((element) => ({ kind: 'list', element })),
    fc.tuple(leaf, part('value')).map(([key, value]) => ({
      kind: 'map',
      key: { id: 0, name: 'key', required: true, type: key },
      value,
    })),
  );
}

/** The same columns, each with an id of its own. */
function numbered(columns: readonly Column[]): Column[] {
  let next = 1;
  const number = (one: Column): Column => {
    const id = next;
    next += 1;
    const { type } = one;
    if (type.kind === 'struct')
      return { ...one, id, type: { kind: 'struct', fields: type.fields.map(number) } };
    if (type.kind === 'list') return { ...one, id, type: { kind: 'list', element: number(type.element) } };
    if (type.kind === 'map')
      return { ...one, id, type: { kind: 'map', key: number(type.key), value: number(type.value) } };
    return { ...one, id };
  };
  return columns.map(number);
}

const table = fc
  .array(fc.tuple(fc.boolean(), typeOf(3)), { minLength: 1, maxLength: 5 })
  .map((types) =>
    numbered(types.map(([required, type], index) => ({ id: 0, name: `c${index}`, required, type }))),
  )
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.record(Object.fromEntries(columns.map((one) => [one.name, cellOf(one)]))), {
        maxLength: 60,
      }),
      groupRows: fc.integer({ min: 1, max: 40 }),
      batchRows: fc.integer({ min: 1, max: 70 }),
    }),
  );

describe('a Parquet file', () => {
  it('gives back whatever rows were written, for any columns, groups and batches', async () => {
    const store = temporaryStore();
    const property = fc.asyncProperty(table, async ({ columns, rows, groupRows, batchRows }) => {
      const batches = [];
      for (let at = 0; at < rows.length; at += batchRows) {
        const part = rows.slice(at, at + batchRows);
        const values = columns.map((one) => [one.id, part.map((row) => row[one.name] ?? null)]);
        batches.push(batch(Object.fromEntries(values)));
      }
      const { bytes } = await written(store, 'any.parquet', columns, batches, groupRows);
      const file = await openParquet(store, 'any.parquet', { bytes, rows: rows.length });
      expect(file.groups).toHaveLength(Math.ceil(rows.length / groupRows));
      expect(await rowsOf(file, columns)).toEqual(rows);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('gives back numbers that no dictionary or double would keep apart', async () => {
    const store = temporaryStore();
    const columns = [column(1, 'd', 'double'), column(2, 'l', 'long'), column(3, 'f', 'float')];
    const doubles = [0, -0, Number.NaN, 0, -0, Number.POSITIVE_INFINITY];
    const longs = [2n ** 63n - 1n, 2n ** 63n - 2n, -(2n ** 63n), 2n ** 53n + 1n, 0n, null];
    await written(store, 'n', columns, [batch({ 1: doubles, 2: longs, 3: doubles })]);
    const read = await (await openParquet(store, 'n')).read(0, columns);
    expect([...(read.columns.get(1) ?? [])].map((value) => Object.is(value, -0))).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
    expect([...(read.columns.get(2) ?? [])]).toEqual(longs);
  });

  it('takes typed arrays as they are and gives longs back as one', async () => {
    const store = temporaryStore();
    const columns = [column(1, '!l', 'long'), column(2, '!i', 'int'), column(3, '!t', 'timestamptz')];
    const longs = BigInt64Array.from({ length: 2_500 }, (_, index) => BigInt(index) * 3n);
    const ints = Int32Array.from({ length: 2_500 }, (_, index) => index % 7);
    await written(store, 'n', columns, [batch({ 1: longs, 2: ints, 3: longs })], 1_000);
    const file = await openParquet(store, 'n');
    expect(file.groups.map(({ rowStart, rows }) => [rowStart, rows])).toEqual([
      [0, 1_000],
      [1_000, 1_000],
      [2_000, 500],
    ]);
    const last = await file.read(2, columns);
    expect(last.columns.get(1)).toEqual(longs.slice(2_000));
    expect(last.columns.get(3)).toEqual(longs.slice(2_000));
    expect([...(last.columns.get(2) ?? [])]).toEqual([...ints.slice(2_000)]);
  });
});
