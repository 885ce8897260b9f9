import avsc, { type Type } from 'avsc';
import { describe, expect, it } from 'vitest';
import { AvroSchema } from './avro-type.ts';
import { loadCatalog } from './catalog/index.ts';
import { fixtureEvents } from './fixture-events.ts';

const catalog = await loadCatalog();

/** One of everything that Avro has, and a record inside itself. */
const everything = JSON.stringify({
  type: 'record',
  name: 'Everything',
  fields: [
    ...['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'].map((type) => ({
      name: `a_${type}`,
      type,
    })),
    ...['date', 'time-millis'].map((logicalType) => ({
      name: logicalType.replace('-', '_'),
      type: { type: 'int', logicalType },
    })),
    ...['time-micros', 'timestamp-millis', 'timestamp-micros'].map((logicalType) => ({
      name: logicalType.replace('-', '_'),
      type: { type: 'long', logicalType },
    })),
    { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'decimal', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'fixed', type: { type: 'fixed', name: 'F', size: 4 } },
    { name: 'maybe', type: ['null', 'string'] },
    { name: 'several', type: ['null', 'int', 'string', { type: 'array', items: 'long' }] },
    {
      name: 'records',
      type: [
        { type: 'record', name: 'Card', fields: [{ name: 'last4', type: 'string' }] },
        { type: 'record', name: 'Bank', fields: [{ name: 'iban', type: ['null', 'string'] }] },
      ],
    },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    { name: 'labels', type: { type: 'map', values: ['null', 'int'] } },
    { name: 'parent', type: ['null', 'Everything'] },
  ],
});

/** What a set of values must hold of a type: each branch, symbol, and arrays and maps both empty and filled. */
function unvisited(type: Type, values: readonly unknown[], path: string, depth = 0): readonly string[] {
  const { types } = avsc;
  if (depth > 6) return [];
  if (values.length === 0) return [path];
  if (type instanceof types.RecordType) {
    return type.fields.flatMap(({ name, type: inner }) =>
      unvisited(
        inner,
        values.map((value) => Reflect.get(Object(value), name)),
        `${path}.${name}`,
        depth + 1,
      ),
    );
  }
  if (type instanceof types.WrappedUnionType) {
    return type.types.flatMap((branch) => {
      const name = branch.branchName ?? '';
      const own = values.flatMap((value) => {
        if (value === null) return name === 'null' ? [null] : [];
        return Object.hasOwn(Object(value), name) ? [Reflect.get(Object(value), name)] : [];
      });
      return unvisited(branch, own, `${path}[${name}]`, depth + 1);
    });
  }
  if (type instanceof types.UnwrappedUnionType) {
    return type.types.flatMap((branch) =>
      // A record inside itself ends somewhere.
      branch.name === 'Everything' && depth > 2
        ? []
        : unvisited(
            branch,
            values.filter((value) => branch.isValid(value)),
            `${path}[${branch.typeName}]`,
            depth + 1,
          ),
    );
  }
  if (type instanceof types.EnumType)
    return type.symbols.filter((symbol) => !values.includes(symbol)).map((symbol) => `${path}.${symbol}`);
  if (type instanceof types.ArrayType || type instanceof types.MapType) {
    const inner = values.map((value) => Object.values(Object(value)));
    const isThere = (isEmpty: boolean): boolean => inner.some((items) => (items.length === 0) === isEmpty);
    const items = type instanceof types.ArrayType ? type.itemsType : type.valuesType;
    return [
      ...(isThere(true) ? [] : [`${path} empty`]),
      ...(isThere(false) ? [] : [`${path} filled`]),
      ...unvisited(items, inner.flat(), `${path}[]`, depth + 1),
    ];
  }
  return [];
}

const subjects = [...catalog, { subject: 'everything', text: everything }].map(
  ({ subject, text }) => [subject, text] as const,
);

describe('generated events', () => {
  it.each(subjects)(
    'of %s visit every branch, symbol, null, empty and filled array and map',
    (_subject, text) => {
      const schema = new AvroSchema(text);
      const { events, complete } = fixtureEvents(schema, { seed: 1, hints: new Map() });
      expect(complete).toBe(true);
      expect(events.every((event) => schema.type.isValid(event))).toBe(true);
      expect(unvisited(schema.type, events, 'event')).toEqual([]);
    },
  );

  it('hold two values of each logical type and of each primitive', () => {
    const schema = new AvroSchema(everything);
    const { events } = fixtureEvents(schema, { seed: 1, hints: new Map() });
    const { fields } = schema.type instanceof avsc.types.RecordType ? schema.type : { fields: [] };
    const once = fields.filter(({ name, type }) => {
      const shown = events.map((event) => JSON.stringify(type.toString(Reflect.get(Object(event), name))));
      return new Set(shown).size < 2;
    });
    expect(once.map(({ name }) => name)).toEqual(['fixed']);
  });

  it('are the same for the same seed, and others for another', () => {
    const schema = new AvroSchema(everything);
    const made = (seed: number): string =>
      fixtureEvents(schema, { seed, hints: new Map() })
        .events.map((event) => schema.type.toString(event))
        .join();
    expect(made(3)).toBe(made(3));
    expect(made(3)).not.toBe(made(4));
  });
});
