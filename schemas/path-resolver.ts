import avsc, { type Type } from 'avsc';
import { didYouMean, must } from '../foundation/index.ts';
import type { LogicalTypes } from './logical-type.ts';
import { type PathSegment, parsePath } from './path-text.ts';
import type { BranchTest, FieldRead, PathPlan, PathStep, Scope, ValueKind } from './value-plan.ts';

export type Resolved<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly sentence: string };

export interface PlaceRead extends PathPlan {
  /** Without null. */
  readonly type: Type;
}

/** Walks paths through the types of a scope. */
export class PathResolver {
  readonly #schema: LogicalTypes;

  constructor(schema: LogicalTypes) {
    this.#schema = schema;
  }

  /** A single value. */
  field(text: string, scope: Scope): Resolved<FieldRead> {
    const place = this.place(text, scope);
    if (!place.ok) return place;
    const { type, ...read } = place.value;
    const kind = this.kindOf(type);
    if (kind === null)
      return refuse(text, `leads to ${describeType(type)}, which is not a single value${remedy(type)}`);
    return { ok: true, value: { ...read, kind, scale: this.#scaleOf(type) } };
  }

  /** Single values in an array, `field` reading one of them as the root behind the scope; or one value, where `array` is null. */
  elements(
    text: string,
    scope: Scope,
  ): Resolved<{ readonly field: FieldRead; readonly array: PathPlan | null }> {
    const place = this.place(text, scope);
    if (!place.ok) return place;
    const { type, ...array } = place.value;
    if (!(type instanceof avsc.types.ArrayType)) {
      const field = this.field(text, scope);
      return field.ok ? { ok: true, value: { field: field.value, array: null } } : field;
    }
    const item = withoutNull(type.itemsType);
    const kind = this.kindOf(item);
    if (kind === null) {
      const sentence = `leads to an array of ${describeType(item)}, and a set has single values: use \`forEach\``;
      return refuse(text, sentence);
    }
    const field = { path: text, root: scope.length, steps: [], kind, scale: this.#scaleOf(item) };
    return { ok: true, value: { array, field } };
  }

  /** Anything, also a record, an array or a map; a union of several branches only where one was chosen. */
  place(text: string, scope: Scope): Resolved<PlaceRead> {
    const parsed = parsePath(text);
    if (!parsed.ok) return refuse(text, parsed.sentence);
    const begin = beginOf(parsed.segments, scope);
    const walk = new Walk(begin.type, begin.isEntry, (name) => elsewhere(name, scope));
    for (const segment of begin.segments) {
      const problem = walk.step(segment);
      if (problem !== null) return refuse(text, problem);
    }
    if (walk.type === null) return refuse(text, 'names an entry of a map: go on with `.key` or `.value`');
    if (isOpenUnion(walk.type))
      return refuse(text, `leads to ${describeType(walk.type)}${remedy(walk.type)}`);
    return { ok: true, value: { path: text, root: begin.root, steps: walk.steps, type: walk.type } };
  }

  #scaleOf(type: Type): number | null {
    const logical = this.#schema.logicalType(type);
    if (logical?.kind === 'decimal') return logical.scale;
    return isScaledDecimal(type) ? null : 0;
  }

  /** Null for what is no single value. */
  kindOf(type: Type): ValueKind | null {
    const logical = this.#schema.logicalType(type);
    if (logical !== null) return logical.kind;
    if (isScaledDecimal(type)) return 'decimal';
    switch (type.typeName) {
      case 'boolean':
      case 'int':
      case 'string':
      case 'enum':
      case 'double':
      case 'bytes':
        return type.typeName;
      case 'fixed':
        return 'bytes';
      case 'float':
        return 'double';
      case 'abstract:long':
        return 'long';
      default:
        return null;
    }
  }
}

/** How Kafka Connect's world writes a decimal whose scale is no part of the schema, such as PostgreSQL's plain `numeric`. */
function isScaledDecimal(type: Type): boolean {
  if (!(type instanceof avsc.types.RecordType) || type.name !== 'io.debezium.data.VariableScaleDecimal')
    return false;
  const typeOf = (name: string): string | undefined =>
    type.fields.find((field) => field.name === name)?.type.typeName;
  return typeOf('scale') === 'int' && typeOf('value') === 'bytes';
}

interface Begin {
  readonly root: number;
  readonly type: Type;
  readonly isEntry: boolean;
  readonly segments: readonly PathSegment[];
}

/** The innermost loop or the lookup of that name, else the event. */
function beginOf(segments: readonly PathSegment[], scope: Scope): Begin {
  const first = segments[0];
  const root = first?.kind === 'name' ? scope.findLastIndex(({ name }) => name === first.name) : -1;
  const { type, isEntry } = must(scope[Math.max(0, root)], 'a scope begins with the event');
  return root < 1
    ? { root: 0, type, isEntry, segments }
    : { root, type: withoutNull(type), isEntry, segments: segments.slice(1) };
}

/** A path under way. `type` is null at an entry of a map, which has no Avro type. */
class Walk {
  readonly steps: PathStep[] = [];
  type: Type | null;
  readonly #entryValue: Type;
  /** Where a field of that name is instead, if it is anywhere. */
  readonly #elsewhere: (name: string) => string | null;

  constructor(type: Type, isEntry: boolean, elsewhere: (name: string) => string | null) {
    this.type = isEntry ? null : type;
    this.#entryValue = type;
    this.#elsewhere = elsewhere;
  }

  /** The problem, if there is one. */
  step(segment: PathSegment): string | null {
    const { type } = this;
    if (type === null) return this.#intoEntry(segment);
    if (segment.kind === 'branch') return this.#intoBranch(type, segment.name);
    if (isOpenUnion(type)) return `goes on below ${describeType(type)}${remedy(type)}`;
    if (type instanceof avsc.types.RecordType) return this.#intoRecord(type, segment);
    if (type instanceof avsc.types.MapType) {
      this.steps.push({ kind: 'key', key: segment.kind === 'name' ? segment.name : segment.key });
      this.type = withoutNull(type.valuesType);
      return null;
    }
    return `goes on below ${describeType(type)}${remedy(type)}`;
  }

  #intoEntry(segment: PathSegment): string | null {
    if (segment.kind !== 'name' || (segment.name !== 'key' && segment.name !== 'value')) {
      return 'goes on below an entry of a map, which has `key` and `value` only';
    }
    this.steps.push({ kind: 'field', name: segment.name });
    this.type = segment.name === 'key' ? entryKeyType : withoutNull(this.#entryValue);
    return null;
  }

  #intoRecord(type: avsc.types.RecordType, segment: Exclude<PathSegment, { kind: 'branch' }>): string | null {
    if (segment.kind === 'key') return `takes a key of ${describeType(type)}: only maps have keys`;
    const field = type.fields.find(({ name }) => name === segment.name);
    if (field === undefined) {
      const names = type.fields.map(({ name }) => name);
      const path = this.#elsewhere(segment.name);
      const near =
        path === null ? didYouMean(segment.name.slice(0, 64), names) : ` (did you mean \`${path}\`?)`;
      return `names no field \`${segment.name}\`${near}`;
    }
    this.steps.push({ kind: 'field', name: field.name });
    this.type = withoutNull(field.type);
    return null;
  }

  #intoBranch(type: Type, name: string): string | null {
    const branches = branchesOf(type);
    const branch = branches.find((candidate) => isNamed(candidate, name));
    if (branch === undefined) {
      const names = branches.map(branchName);
      return `chooses the branch \`${name}\` of ${describeType(type)}${didYouMean(name.slice(0, 64), names)}`;
    }
    if (type instanceof avsc.types.WrappedUnionType) {
      this.steps.push({ kind: 'unwrap', branch: must(branch.branchName, 'a branch has a name') });
    } else if (type instanceof avsc.types.UnwrappedUnionType) {
      this.steps.push({ kind: 'only', test: testOf(branch) });
    }
    this.type = branch;
    return null;
  }
}

/** How far a field of the same name is looked for, in a schema that may be huge. */
const elsewhereDepthMax = 4;
const elsewhereRecordsMax = 500;

/** The path of a field of exactly this name on another level, the nearest to the top. */
function elsewhere(name: string, scope: Scope): string | null {
  const pending = scope.map((root) => ({
    type: withoutNull(root.type),
    path: root.isEntry ? `${root.name}.value` : (root.name ?? ''),
    depth: 0,
  }));
  for (let index = 0; index < Math.min(pending.length, elsewhereRecordsMax); index += 1) {
    const { type, path, depth } = must(pending[index], 'the index is below the length');
    if (!(type instanceof avsc.types.RecordType)) continue;
    for (const field of type.fields) {
      const inner = path === '' ? field.name : `${path}.${field.name}`;
      if (field.name === name) return inner;
      const below = withoutNull(field.type);
      if (depth < elsewhereDepthMax && below instanceof avsc.types.RecordType)
        pending.push({ type: below, path: inner, depth: depth + 1 });
    }
  }
  return null;
}

const entryKeyType = avsc.Type.forSchema('string');

/** The one branch beside null; any other union stays as it is. */
export function withoutNull(type: Type): Type {
  if (!(type instanceof avsc.types.UnwrappedUnionType)) return type;
  const branches = type.types.filter(({ typeName }) => typeName !== 'null');
  return branches.length === 1 ? must(branches[0], 'a union has branches') : type;
}

/** The branches beside null; a type that is no union is its own branch. */
export function branchesOf(type: Type): readonly Type[] {
  const isUnion =
    type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
  return isUnion ? type.types.filter(({ typeName }) => typeName !== 'null') : [type];
}

function isOpenUnion(type: Type): boolean {
  return type.typeName.startsWith('union');
}

/** As mappings name a branch: the type's own name without its namespace, or the primitive's. */
export function branchName(type: Type): string {
  const name = type.branchName ?? type.typeName;
  return name.slice(name.lastIndexOf('.') + 1).replace('abstract:', '');
}

function isNamed(type: Type, name: string): boolean {
  return type.branchName === name || branchName(type) === name;
}

export function testOf(type: Type): BranchTest {
  switch (type.typeName) {
    case 'boolean':
      return 'boolean';
    case 'int':
    case 'float':
    case 'double':
      return 'number';
    case 'abstract:long':
      return 'bigint';
    case 'string':
    case 'enum':
      return 'string';
    case 'bytes':
    case 'fixed':
      return 'bytes';
    case 'array':
      return 'array';
    default:
      return 'object';
  }
}

/** In words, such as `an array`. */
export function describeType(type: Type): string {
  if (isOpenUnion(type)) return `a union of ${branchesOf(type).map(branchName).join(', ')}`;
  const name = type.typeName.replace('abstract:', '');
  if (name === 'bytes') return name;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

function remedy(type: Type): string {
  if (isOpenUnion(type))
    return `: choose a branch, as in \`[${branchName(must(branchesOf(type)[0], 'a branch'))}]\``;
  switch (type.typeName) {
    case 'array':
      return ': go through its items with `forEach`';
    case 'map':
      return ': name a key, or go through its entries with `forEach`';
    case 'record':
      return ': name one of its fields';
    default:
      return '';
  }
}

function refuse(path: string, sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence: `\`${path}\` ${sentence}` };
}
