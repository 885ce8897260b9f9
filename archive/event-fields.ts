import avsc, { type Type } from 'avsc';
import type { AvroSchema } from '../schemas/index.ts';
import type { ColumnType, PlainKind } from './columns.ts';

/** A field of an event, as a column could have it. */
export interface EventField {
  readonly name: string;
  /** From the event down: `device.os`, `items[].price`, `labels{}.text`. */
  readonly path: string;
  readonly type: EventType;
}

/** How a value is stored, and which unit or form it comes in. */
export type EventType =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'struct'; readonly fields: readonly EventField[] }
  | { readonly kind: 'list'; readonly item: EventType }
  | { readonly kind: 'map'; readonly value: EventType }
  /** No column can hold it; the raw bytes do. */
  | { readonly kind: 'none'; readonly why: string };

export type LeafType = Exclude<ColumnType, { readonly kind: 'struct' | 'list' | 'map' }>;

export interface Leaf {
  readonly column: LeafType;
  /** Times: so many microseconds is one of the value. */
  readonly microseconds: bigint;
}

const depthMax = 16;
const precisionMax = 38;
const fixedBytesMax = 1_048_576;

/** The fields of the record that a schema describes; null when it describes something else. */
export function eventFields(schema: AvroSchema): readonly EventField[] | null {
  const { type } = schema;
  return type instanceof avsc.types.RecordType ? new FieldReader(schema).fields(type, '') : null;
}

class FieldReader {
  readonly #schema: AvroSchema;
  /** Records that are being read: one that is met again is inside itself. */
  readonly #open = new Set<Type>();

  constructor(schema: AvroSchema) {
    this.#schema = schema;
  }

  fields(record: InstanceType<typeof avsc.types.RecordType>, above: string): readonly EventField[] {
    this.#open.add(record);
    const fields = record.fields.map(({ name, type }) => {
      const path = `${above}${name}`;
      return { name, path, type: this.#type(type, path) };
    });
    this.#open.delete(record);
    return fields;
  }

  #type(type: Type, path: string): EventType {
    const { types } = avsc;
    if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType)
      return this.#union(type.types, path);
    if (type instanceof types.RecordType) return this.#struct(type, path);
    if (type instanceof types.ArrayType) {
      const item = this.#type(type.itemsType, `${path}[]`);
      return item.kind === 'none' ? item : { kind: 'list', item };
    }
    if (type instanceof types.MapType) {
      const value = this.#type(type.valuesType, `${path}{}`);
      return value.kind === 'none' ? value : { kind: 'map', value };
    }
    return this.#leaf(type);
  }

  /** With null it is what it is without, for every column may be null. */
  #union(branches: readonly Type[], path: string): EventType {
    const others = branches.filter((branch) => branch.typeName !== 'null');
    const [only] = others;
    if (only === undefined) return none('is always null');
    return others.length === 1 ? this.#type(only, path) : none('is a union of several types');
  }

  #struct(record: InstanceType<typeof avsc.types.RecordType>, path: string): EventType {
    if (this.#open.has(record)) return none('is inside itself');
    if (this.#open.size >= depthMax) return none(`lies deeper than ${depthMax} records`);
    const fields = this.fields(record, `${path}.`);
    return fields.some((field) => field.type.kind !== 'none')
      ? { kind: 'struct', fields }
      : none('is a record without a field that a column can hold');
  }

  #leaf(type: Type): EventType {
    const logical = this.#schema.logicalType(type);
    switch (logical?.kind) {
      case 'timestamp-millis':
        return leaf({ kind: 'timestamptz' }, 1_000n);
      case 'timestamp-micros':
        return leaf({ kind: 'timestamptz' });
      case 'time-millis':
        return leaf({ kind: 'time' }, 1_000n);
      case 'time-micros':
        return leaf({ kind: 'time' });
      case 'date':
        return leaf({ kind: 'date' });
      case 'decimal':
        if (logical.precision <= precisionMax)
          return leaf({ kind: 'decimal', precision: logical.precision, scale: logical.scale });
        break;
      default:
        break;
    }
    return plainLeaf(type);
  }
}

const plainKinds: ReadonlyMap<string, PlainKind> = new Map([
  ['boolean', 'boolean'],
  ['int', 'int'],
  ['long', 'long'],
  ['abstract:long', 'long'],
  ['float', 'float'],
  ['double', 'double'],
  ['string', 'string'],
  ['bytes', 'binary'],
]);

function plainLeaf(type: Type): EventType {
  if (type instanceof avsc.types.EnumType) return leaf({ kind: 'string' });
  if (type instanceof avsc.types.FixedType) {
    const isHeld = type.size > 0 && type.size <= fixedBytesMax;
    return isHeld ? leaf({ kind: 'fixed', bytes: type.size }) : none(`is ${type.size} bytes`);
  }
  if (type.typeName === 'null') return none('is always null');
  const kind = plainKinds.get(type.typeName);
  return kind === undefined ? none(`is of the type ${type.typeName}`) : leaf({ kind });
}

function leaf(column: LeafType, microseconds = 1n): EventType {
  return { kind: 'leaf', leaf: { column, microseconds } };
}

function none(why: string): EventType {
  return { kind: 'none', why };
}
