import avsc, { type Type } from 'avsc';
import type { AvroSchema } from './avro-type.ts';

export interface FixtureOptions {
  /** Another seed gives other texts and numbers; the same seed gives the same events. */
  readonly seed: number;
  /** Plain values for fields of these names, such as a text that must hold a time. */
  readonly hints: ReadonlyMap<string, unknown>;
  /** Keys that maps in fields of these names should have. */
  readonly keys?: ReadonlyMap<string, readonly string[]>;
}

export interface FixtureEvents {
  /** As the schema's type reads them. */
  readonly events: readonly unknown[];
  /** False when the schema is so large that some of its branches were left out. */
  readonly complete: boolean;
}

/** How often a record may hold itself: once, so that the branch that recurs is visited too. */
const recursionMax = 2;
/** Values made in all; beyond it each type gives one only. */
const valuesMax = 50_000;
const mapKeysMax = 100;
const eventsMax = 500;
const dayMs = 86_400_000;
/** Times lie in the days after it: in the past of whoever runs this, and long after 1970. */
const firstTimeMs = Date.UTC(2026, 0, 1);

/**
 * Events of a schema that between them visit each union branch, enum symbol, null and non-null, each array and map empty and filled,
 * and two values of each logical type. Values, not combinations: as many events as the place with the most values has.
 */
export function fixtureEvents(schema: AvroSchema, options: FixtureOptions): FixtureEvents {
  const maker = new Maker(schema, options);
  const events = maker.values(schema.type, 'event');
  return { events: events.slice(0, eventsMax), complete: !maker.isExhausted && events.length <= eventsMax };
}

class Maker {
  readonly #schema: AvroSchema;
  readonly #options: FixtureOptions;
  readonly #depths = new Map<Type, number>();
  #made = 0;
  #count: number;

  constructor(schema: AvroSchema, options: FixtureOptions) {
    this.#schema = schema;
    this.#options = options;
    this.#count = options.seed;
  }

  get isExhausted(): boolean {
    return this.#made >= valuesMax;
  }

  /** Values of a type, for a field of that name; none where a record could only hold itself for ever. */
  values(type: Type, name: string): readonly unknown[] {
    const { types } = avsc;
    if (type instanceof types.RecordType) return this.#records(type);
    if (type instanceof types.WrappedUnionType) {
      return type.types.flatMap((branch) =>
        this.values(branch, name).map((value) =>
          value === null ? null : { [branch.branchName ?? '']: value },
        ),
      );
    }
    if (type instanceof types.UnwrappedUnionType) {
      // The filled branches first: the first event of all is the plainest one.
      const filled = type.types.filter((branch) => !(branch instanceof types.NullType));
      const hasNull = filled.length < type.types.length;
      return [...filled.flatMap((branch) => this.values(branch, name)), ...(hasNull ? [null] : [])];
    }
    const made = this.#simple(type, name);
    this.#made += made.length;
    return this.isExhausted ? made.slice(0, 1) : made;
  }

  #records(type: avsc.types.RecordType): readonly unknown[] {
    const depth = this.#depths.get(type) ?? 0;
    if (depth >= recursionMax) return [];
    this.#depths.set(type, depth + 1);
    const columns = type.fields.map((field) => ({
      name: field.name,
      values: this.values(field.type, field.name),
    }));
    this.#depths.set(type, depth);
    if (columns.some(({ values }) => values.length === 0)) return [];
    const rows = columns.reduce((most, { values }) => Math.max(most, values.length), 1);
    const count = this.isExhausted ? 1 : rows;
    this.#made += count;
    return Array.from({ length: count }, (_, row) =>
      Object.fromEntries(columns.map(({ name, values }) => [name, values[row % values.length]])),
    );
  }

  #simple(type: Type, name: string): readonly unknown[] {
    const { types } = avsc;
    if (type instanceof types.EnumType) return type.symbols;
    if (type instanceof types.ArrayType) {
      const items = this.values(type.itemsType, name);
      return items.length === 0 ? [[]] : [items, []];
    }
    if (type instanceof types.MapType) {
      const items = this.values(type.valuesType, name);
      if (items.length === 0) return [{}];
      const keys = (this.#options.keys?.get(name) ?? []).slice(0, mapKeysMax);
      const count = Math.max(items.length, keys.length);
      const entries = Array.from({ length: count }, (_, index) => [
        keys[index] ?? `key-${index + 1}`,
        items[index % items.length],
      ]);
      return [Object.fromEntries(entries), {}];
    }
    if (type instanceof types.NullType) return [null];
    if (type instanceof types.BooleanType) return [true, false];
    const hint = this.#options.hints.get(name);
    const logical = this.#schema.logicalType(type);
    if (logical !== null) return this.#logical(type, logical.kind);
    if (hint !== undefined && type.isValid(hint)) return [hint];
    if (type instanceof types.FixedType) return [Buffer.alloc(type.size, this.#next())];
    if (type instanceof types.BytesType) return [Buffer.from(`bytes ${this.#next()}`), Buffer.alloc(0)];
    if (type instanceof types.StringType) return [`${name}-${this.#next()}`, `${name}-${this.#next()}`];
    if (type instanceof types.IntType) return [1_000 + this.#next(), 0];
    if (type instanceof types.LongType) return [BigInt(1_000 + this.#next()), 0n];
    return [0.25 * this.#next(), 0];
  }

  #logical(type: Type, kind: string): readonly unknown[] {
    const days = this.#next() % 300;
    const { types } = avsc;
    switch (kind) {
      case 'timestamp-millis':
        return [1, 2].map((step) => BigInt(firstTimeMs + days * dayMs + step * 1_001));
      case 'timestamp-micros':
        return [1, 2].map((step) => BigInt(firstTimeMs + days * dayMs + step) * 1_000n + 7n);
      case 'date':
        return [firstTimeMs / dayMs + days, 0];
      case 'time-millis':
        return [dayMs - 1, 0];
      case 'time-micros':
        return [BigInt(dayMs) * 1_000n - 1n, 0n];
      case 'uuid':
        return [1, 2].map(() => `00000000-0000-4000-8000-${String(this.#next()).padStart(12, '0')}`);
      default:
        // Decimals: a positive and a negative one, small enough for one byte and so for every precision.
        return [4, 0xfb].map((byte) =>
          type instanceof types.FixedType
            ? Buffer.concat([Buffer.alloc(type.size - 1, byte > 127 ? 0xff : 0), Buffer.of(byte)])
            : Buffer.of(byte),
        );
    }
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}
