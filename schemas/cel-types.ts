import { Environment } from '@marcbachmann/cel-js';
import avsc, { type Type } from 'avsc';
import type { LogicalTypes } from './logical-type.ts';
import { branchesOf, branchName, withoutNull } from './path-resolver.ts';
import type { Scope, ScopeRoot } from './value-plan.ts';

/** What one expression may be given; `refuse` throws with a clause that goes on after it. */
export interface Bounds {
  /** Of a list or map. */
  readonly items: number;
  /** Of a text, in characters, and of bytes. */
  readonly length: number;
  refuse(what: string): never;
}

/** An Avro value as CEL sees it. Undefined stands for null, which is left out. */
type Convert = (value: unknown, bounds: Bounds) => unknown;

interface Seen {
  readonly celType: string;
  readonly convert: Convert;
  /** Of a record: converts these fields only. */
  readonly narrow?: (fields: ReadonlySet<string>) => Convert;
}

interface Binder {
  readonly bind: (roots: readonly unknown[]) => Record<string, unknown>;
  /** Of the variables that it gives. */
  readonly names: ReadonlySet<string>;
}

/** How the whole event is called where a field's name is not enough, as in `has(event.country)`. */
const eventName = 'event';
/** Words of CEL that no variable can have; those that name a type or a namespace are known to each environment. */
const reserved = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

const bare = new Environment();

/** True for a word that means something else in an expression, so that nothing else can be called so. */
export function isCelWord(name: string): boolean {
  return reserved.has(name) || bare.hasVariable(name);
}

/** A record as CEL sees it; each record type has a class of its own, by which the library knows it wherever it stands. */
export class CelRecord {
  readonly [field: string]: unknown;
}

/** How the library tells what a value is; a record that holds it could not be looked at. Paths lead to it all the same. */
const hiddenField = 'constructor';

/**
 * Avro types as CEL types. int and long are CEL's int, timestamps its timestamp (in milliseconds), decimals double, enums string;
 * unions of several branches and records inside themselves are dyn: checked when they are evaluated.
 */
export class CelTypes {
  readonly #schema: LogicalTypes;
  readonly #seen = new Map<Type, Seen>();
  /** In the order in which they have to be declared: inner ones first. */
  readonly #records: {
    readonly name: string;
    readonly ofSchema: string;
    readonly ctor: typeof CelRecord;
    readonly fields: Readonly<Record<string, string>>;
  }[] = [];
  readonly #recordNames = new Set<string>();

  constructor(schema: LogicalTypes) {
    this.#schema = schema;
  }

  /** Declares the types and variables of a scope: the event's fields, the event itself, each lookup's row and each loop's item. */
  declare(environment: Environment, scope: Scope): void {
    const variables = new Map(scope.flatMap((root) => this.#variables(root)));
    for (const { name, ctor, fields } of this.#records)
      environment.registerType(name, { ctor, fields: { ...fields } });
    for (const [name, { celType }] of variables) {
      // A field that is called like a word of CEL is still reached as `event.type`.
      if (!isCelWord(name) && !environment.hasVariable(name)) environment.registerVariable(name, celType);
    }
  }

  /**
   * Gives what an evaluation needs, and no more: converting a whole event for each expression would cost most of it, and
   * `event.type` must not fail for what another field holds. `variables` are those of {@link ExpressionUse}.
   */
  binder(scope: Scope, variables: ReadonlyMap<string, ReadonlySet<string> | null>, bounds: Bounds): Binder {
    const found = new Map<string, (roots: readonly unknown[]) => unknown>();
    for (const [index, root] of scope.entries()) {
      for (const [name, { convert: whole, narrow, field }] of this.#variables(root)) {
        const fields = variables.get(name);
        if (fields === undefined || isCelWord(name)) continue;
        const convert = fields === null || narrow === undefined ? whole : narrow(fields);
        found.set(name, (roots) =>
          convert(field === null ? roots[index] : propertyOf(roots[index], field), bounds),
        );
      }
    }
    const used = [...found];
    const bind = (roots: readonly unknown[]): Record<string, unknown> => {
      const context: Record<string, unknown> = {};
      for (const [name, read] of used) {
        const value = read(roots);
        if (value !== undefined) context[name] = value;
      }
      return context;
    };
    return { bind, names: new Set(found.keys()) };
  }

  /** What an expression of that scope may name. */
  names(scope: Scope): readonly string[] {
    return scope
      .flatMap((root) => this.#variables(root).map(([name]) => name))
      .filter((name) => !isCelWord(name));
  }

  /** With the schema's names of records in place of ours. */
  plainly(message: string): string {
    return message.replaceAll(/\b\w+Record\d*\b/g, (word) => {
      const known = this.#records.find(({ name }) => name === word);
      return known === undefined ? word : `record ${known.ofSchema}`;
    });
  }

  /** True where `event.name` is what `name` is. */
  isField([event]: Scope, name: string): boolean {
    const type = event === undefined ? null : withoutNull(event.type);
    if (!(type instanceof avsc.types.RecordType) || name === hiddenField) return false;
    return (
      type.fields.some((field) => field.name === name) &&
      !type.fields.some((field) => field.name === eventName)
    );
  }

  /** Inner scopes come later and hide what has their name. */
  #variables(root: ScopeRoot): readonly (readonly [string, Seen & { readonly field: string | null }])[] {
    if (root.isEntry) return [[root.name ?? eventName, { ...this.#entry(root.type), field: null }]];
    const type = withoutNull(root.type);
    const seen = this.#see(type);
    const whole = { ...(root.isRow === true ? emptyWhenMissing(seen) : seen), field: null };
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
      return {
        celType: `list<${items.celType}>`,
        convert: (value, bounds) => convertItems(value, items.convert, bounds),
      };
    }
    if (type instanceof types.MapType) {
      const values = this.#see(withoutNull(type.valuesType));
      const celType = `map<string, ${values.celType}>`;
      return { celType, convert: (value, bounds) => convertValues(value, values.convert, bounds) };
    }
    if (type.typeName.startsWith('union')) return this.#union(type);
    if (logical?.kind === 'decimal') {
      const { scale } = logical;
      return { celType: 'double', convert: (value, bounds) => decimalNumber(value, scale, bounds) };
    }
    if (logical?.kind === 'timestamp-millis')
      return { celType: timestampType, convert: (value, bounds) => date(value, 1n, bounds) };
    if (logical?.kind === 'timestamp-micros') {
      return { celType: timestampType, convert: (value, bounds) => date(value, 1_000n, bounds) };
    }
    return primitive(type.typeName);
  }

  #record(type: avsc.types.RecordType): Seen {
    const name = this.#freshName(branchName(type));
    const fields: [name: string, seen: Seen][] = [];
    const ctor = class extends CelRecord {};
    const convert: Convert = (value, bounds) => convertRecord(value, ctor, fields, bounds);
    // While it is being looked at, the record inside itself is dyn, with the same conversion.
    this.#seen.set(type, { celType: 'dyn', convert });
    for (const field of type.fields) {
      const seen = this.#see(withoutNull(field.type));
      if (field.name !== hiddenField) fields.push([field.name, seen]);
    }
    const declared = fields.map(([field, { celType }]) => [field, celType] as const);
    this.#records.push({ name, ofSchema: branchName(type), ctor, fields: Object.fromEntries(declared) });
    const narrow = (only: ReadonlySet<string>): Convert => {
      const some = fields.filter(([field]) => only.has(field));
      return (value, bounds) => convertRecord(value, ctor, some, bounds);
    };
    return { celType: name, convert, narrow };
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
    const convert: Convert = (value, bounds) => {
      if (value === null || value === undefined) return undefined;
      for (const { branch, seen } of branches) {
        const inner = wrapped ? propertyOf(value, branch.branchName ?? '') : value;
        if (wrapped ? inner !== undefined : branch.isValid(value)) return seen.convert(inner, bounds);
      }
      return undefined;
    };
    return { celType: 'dyn', convert };
  }

  #entry(valueType: Type): Seen {
    const value = this.#see(withoutNull(valueType));
    const convert: Convert = (entry, bounds) => {
      const seen = value.convert(propertyOf(entry, 'value'), bounds);
      const known = new Map<string, unknown>([['key', propertyOf(entry, 'key')]]);
      return seen === undefined ? known : known.set('value', seen);
    };
    return { celType: 'map<string, dyn>', convert };
  }
}

/** Of a row that is not there each field is null, so that `has(title.name)` can be asked: an unknown variable cannot. */
function emptyWhenMissing({ celType, convert, narrow }: Seen): Seen {
  const orEmpty =
    (inner: Convert): Convert =>
    (value, bounds) =>
      inner(value ?? {}, bounds);
  return {
    celType,
    convert: orEmpty(convert),
    ...(narrow === undefined ? {} : { narrow: (fields: ReadonlySet<string>) => orEmpty(narrow(fields)) }),
  };
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
      return { celType: 'string', convert: text };
    case 'bytes':
    case 'fixed':
      return {
        celType: 'bytes',
        convert: (value, bounds) => (value instanceof Uint8Array ? bytes(value, bounds) : undefined),
      };
    default:
      return { celType: 'dyn', convert: present };
  }
}

function present(value: unknown): unknown {
  return value ?? undefined;
}

function text(value: unknown, { length, refuse }: Bounds): unknown {
  if (typeof value === 'string' && value.length > length)
    refuse(`has a loop, and meets a text of more than ${length} characters`);
  return value ?? undefined;
}

function bytes(value: Uint8Array, { length, refuse }: Bounds): Uint8Array {
  if (value.length > length) refuse(`has a loop, and meets more than ${length} bytes`);
  return new Uint8Array(value);
}

/** Its own only: a branch may be called `toString`, and each object inherits one. */
function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function convertRecord(
  value: unknown,
  ctor: typeof CelRecord,
  fields: readonly (readonly [string, Seen])[],
  bounds: Bounds,
): unknown {
  if (value === null || value === undefined) return undefined;
  const record: Record<string, unknown> = new ctor();
  for (const [name, { convert }] of fields) {
    const inner = convert(propertyOf(value, name), bounds);
    if (inner !== undefined) record[name] = inner;
  }
  return record;
}

function convertItems(value: unknown, convert: Convert, bounds: Bounds): unknown {
  if (!Array.isArray(value)) return undefined;
  checkItems(value.length, bounds);
  return value.map((item) => convert(item, bounds)).filter((item) => item !== undefined);
}

function convertValues(value: unknown, convert: Convert, bounds: Bounds): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  checkItems(entries.length, bounds);
  const converted = entries.map(([key, inner]) => [key, convert(inner, bounds)] as const);
  return new Map(converted.filter(([, inner]) => inner !== undefined));
}

function checkItems(count: number, { items, refuse }: Bounds): void {
  if (count > items) refuse(`has a loop, and meets a list or map of more than ${items} items`);
}

function date(value: unknown, unitsPerMs: bigint, { refuse }: Bounds): Date | undefined {
  if (typeof value !== 'bigint') return undefined;
  const at = new Date(Number(value / unitsPerMs));
  return Number.isNaN(at.getTime()) ? refuse('meets a time that no calendar holds') : at;
}

/** The nearest double, by way of its digits: a division would round a second time. */
function decimalNumber(value: unknown, scale: number, { refuse }: Bounds): number | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  if (value.length > decimalBytesMax) refuse(`meets a decimal of more than ${decimalBytesMax} bytes`);
  return Number(`${bigEndian(value)}e-${scale}`);
}

/** More than any precision that a schema may declare needs, and few enough to make digits of. */
const decimalBytesMax = 1_024;

/** Two's complement, most significant byte first: how Avro writes a decimal's digits. No bytes are zero. */
function bigEndian(value: Uint8Array): bigint {
  if (value.length === 0) return 0n;
  return BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex')}`));
}
