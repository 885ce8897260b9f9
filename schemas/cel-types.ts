import type { Environment } from '@marcbachmann/cel-js';
import avsc, { type Type } from 'avsc';
import type { AvroSchema } from './avro-type.ts';
import { branchesOf, branchName, withoutNull } from './path-resolver.ts';
import type { Scope, ScopeRoot } from './value-plan.ts';

/** An Avro value as CEL sees it. Undefined stands for null, which is left out. */
type Convert = (value: unknown) => unknown;

interface Seen {
  readonly celType: string;
  readonly convert: Convert;
}

/** How the whole event is called where a field's name is not enough, as in `has(event.country)`. */
const eventName = 'event';
/** Words of CEL that no variable can have; those that name a type or a namespace are known to each environment. */
const reserved = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

/**
 * Avro types as CEL types. int and long are CEL's int, timestamps its timestamp (in milliseconds), decimals double, enums string;
 * unions of several branches and records inside themselves are dyn: checked when they are evaluated.
 */
export class CelTypes {
  readonly #schema: AvroSchema;
  readonly #seen = new Map<Type, Seen>();
  /** In the order in which they have to be declared: inner ones first. */
  readonly #records: { readonly name: string; readonly fields: Readonly<Record<string, string>> }[] = [];
  readonly #recordNames = new Set<string>();

  constructor(schema: AvroSchema) {
    this.#schema = schema;
  }

  /** Declares the types and variables of a scope: the event's fields, the event itself and each loop's item. */
  declare(environment: Environment, scope: Scope): void {
    const variables = new Map(scope.flatMap((root) => this.#variables(root)));
    for (const { name, fields } of this.#records) environment.registerType(name, { fields: { ...fields } });
    for (const [name, { celType }] of variables) {
      // A field that is called like a word of CEL is still reached as `event.type`.
      if (!reserved.has(name) && !environment.hasVariable(name)) environment.registerVariable(name, celType);
    }
  }

  /** Gives what an evaluation needs, and no more: converting a whole event for each expression would cost most of it. */
  binder(scope: Scope, names: ReadonlySet<string>): (roots: readonly unknown[]) => Record<string, unknown> {
    const found = new Map<string, (roots: readonly unknown[]) => unknown>();
    for (const [index, root] of scope.entries()) {
      for (const [name, { convert, field }] of this.#variables(root)) {
        if (!names.has(name)) continue;
        found.set(name, (roots) => convert(field === null ? roots[index] : propertyOf(roots[index], field)));
      }
    }
    const used = [...found];
    return (roots) => {
      const context: Record<string, unknown> = {};
      for (const [name, read] of used) {
        const value = read(roots);
        if (value !== undefined) context[name] = value;
      }
      return context;
    };
  }

  /** Inner scopes come later and hide what has their name. */
  #variables(root: ScopeRoot): readonly (readonly [string, Seen & { readonly field: string | null }])[] {
    if (root.isEntry) return [[root.name ?? eventName, { ...this.#entry(root.type), field: null }]];
    const type = withoutNull(root.type);
    const whole = { ...this.#see(type), field: null };
    if (root.name !== null) return [[root.name, whole]];
    if (!(type instanceof avsc.types.RecordType)) return [[eventName, whole]];
    const fields = type.fields.map(
      (field) => [field.name, { ...this.#see(withoutNull(field.type)), field: field.name }] as const,
    );
    return [[eventName, whole], ...fields];
  }

  #see(type: Type): Seen {
    const known = this.#seen.get(type);
    if (known !== undefined) return known;
    const seen = this.#look(type);
    this.#seen.set(type, seen);
    return seen;
  }

  #look(type: Type): Seen {
    const { types } = avsc;
    const logical = this.#schema.logicalType(type);
    if (type instanceof types.RecordType) return this.#record(type);
    if (type instanceof types.ArrayType) {
      const items = this.#see(withoutNull(type.itemsType));
      return { celType: `list<${items.celType}>`, convert: (value) => convertItems(value, items.convert) };
    }
    if (type instanceof types.MapType) {
      const values = this.#see(withoutNull(type.valuesType));
      // cel-js takes no records as values of a typed map.
      const isRecord = withoutNull(type.valuesType) instanceof types.RecordType;
      const celType = `map<string, ${isRecord ? 'dyn' : values.celType}>`;
      return { celType, convert: (value) => convertValues(value, values.convert) };
    }
    if (type.typeName.startsWith('union')) return this.#union(type);
    if (logical?.kind === 'decimal') {
      const { scale } = logical;
      return { celType: 'double', convert: (value) => decimalNumber(value, scale) };
    }
    if (logical?.kind === 'timestamp-millis')
      return { celType: timestampType, convert: (value) => date(value, 1n) };
    if (logical?.kind === 'timestamp-micros') {
      return { celType: timestampType, convert: (value) => date(value, 1_000n) };
    }
    return primitive(type.typeName);
  }

  #record(type: avsc.types.RecordType): Seen {
    const name = this.#freshName(branchName(type));
    const fields: [name: string, seen: Seen][] = [];
    const convert: Convert = (value) => convertRecord(value, fields);
    // While it is being looked at, the record inside itself is dyn, with the same conversion.
    this.#seen.set(type, { celType: 'dyn', convert });
    for (const field of type.fields) fields.push([field.name, this.#see(withoutNull(field.type))]);
    const declared = fields.map(([field, { celType }]) => [field, celType] as const);
    this.#records.push({ name, fields: Object.fromEntries(declared) });
    return { celType: name, convert };
  }

  #freshName(name: string): string {
    const base = `${name}Record`;
    let fresh = base;
    for (let next = 2; this.#recordNames.has(fresh); next += 1) fresh = `${base}${next}`;
    this.#recordNames.add(fresh);
    return fresh;
  }

  #union(type: Type): Seen {
    const branches = branchesOf(type).map((branch) => ({ branch, seen: this.#see(branch) }));
    const wrapped = type instanceof avsc.types.WrappedUnionType;
    const convert: Convert = (value) => {
      if (value === null || value === undefined) return undefined;
      for (const { branch, seen } of branches) {
        const inner = wrapped ? propertyOf(value, branch.branchName ?? '') : value;
        if (wrapped ? inner !== undefined : branch.isValid(value)) return seen.convert(inner);
      }
      return undefined;
    };
    return { celType: 'dyn', convert };
  }

  #entry(valueType: Type): Seen {
    const value = this.#see(withoutNull(valueType));
    const convert: Convert = (entry) =>
      new Map([
        ['key', propertyOf(entry, 'key')],
        ['value', value.convert(propertyOf(entry, 'value'))],
      ]);
    return { celType: 'map<string, dyn>', convert };
  }
}

const timestampType = 'google.protobuf.Timestamp';

function primitive(typeName: string): Seen {
  switch (typeName) {
    case 'int':
      return { celType: 'int', convert: (value) => (typeof value === 'number' ? BigInt(value) : undefined) };
    case 'abstract:long':
      return { celType: 'int', convert: present };
    case 'boolean':
      return { celType: 'bool', convert: present };
    case 'float':
    case 'double':
      return { celType: 'double', convert: present };
    case 'string':
    case 'enum':
      return { celType: 'string', convert: present };
    case 'bytes':
    case 'fixed':
      return {
        celType: 'bytes',
        convert: (value) => (value instanceof Uint8Array ? new Uint8Array(value) : undefined),
      };
    default:
      return { celType: 'dyn', convert: present };
  }
}

function present(value: unknown): unknown {
  return value ?? undefined;
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function convertRecord(value: unknown, fields: readonly (readonly [string, Seen])[]): unknown {
  if (value === null || value === undefined) return undefined;
  const record: Record<string, unknown> = {};
  for (const [name, { convert }] of fields) {
    const inner = convert(propertyOf(value, name));
    if (inner !== undefined) record[name] = inner;
  }
  return record;
}

function convertItems(value: unknown, convert: Convert): unknown {
  if (!Array.isArray(value)) return undefined;
  return value.map((item) => convert(item)).filter((item) => item !== undefined);
}

function convertValues(value: unknown, convert: Convert): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map(Object.entries(value).map(([key, inner]) => [key, convert(inner)]));
}

function date(value: unknown, unitsPerMs: bigint): Date | undefined {
  return typeof value === 'bigint' ? new Date(Number(value / unitsPerMs)) : undefined;
}

function decimalNumber(value: unknown, scale: number): number | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  return Number(bigEndian(value)) / 10 ** scale;
}

/** Two's complement, most significant byte first: how Avro writes a decimal's digits. */
export function bigEndian(bytes: Uint8Array): bigint {
  let digits = 0n;
  for (const byte of bytes) digits = (digits << 8n) | BigInt(byte);
  return BigInt.asIntN(Math.max(8, bytes.length * 8), digits);
}
