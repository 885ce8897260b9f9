import avsc, { type Type } from 'avsc';
import { isNamedAlike, resolves, withoutNamespace } from './avro-resolution.ts';

/** What kind of fault it is: what to do about it depends on that. */
export type IncompatibilityKind =
  | 'no-default'
  | 'name'
  | 'type'
  | 'null'
  | 'branch'
  | 'symbol'
  | 'size'
  | 'meaning';

export interface Incompatibility {
  readonly kind: IncompatibilityKind;
  /** Fields from the record inwards, such as `items[].price`, `labels{}` or `payment[Card].last4`; empty for the whole event. */
  readonly path: string;
  readonly sentence: string;
}

const faultsMax = 20;
const namesMax = 5;

interface Pair {
  readonly writer: Type;
  readonly reader: Type;
  readonly path: string;
}

/**
 * Where a reader cannot read a writer, for people. Whether it can is avsc's decision, whose own message names only the
 * two types ("cannot read S as S"); this walks both and finds the paths. It may find none where only avsc objects.
 */
export function incompatibilities(writer: Type, reader: Type): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const seen = new Set<Type>();
  const pending: Pair[] = [{ writer, reader, path: '' }];
  for (let next = pending.pop(); next !== undefined && faults.length < faultsMax; next = pending.pop()) {
    if (next.reader instanceof avsc.types.RecordType) {
      if (seen.has(next.reader)) continue;
      seen.add(next.reader);
    } else if (resolves(next.writer, next.reader)) continue;
    faults.push(...compare(next, pending));
  }
  return faults.slice(0, faultsMax);
}

/** The faults at this place; what lies deeper is put into `pending`. */
function compare(pair: Pair, pending: Pair[]): readonly Incompatibility[] {
  const { writer, reader, path } = pair;
  const { types } = avsc;
  if (isUnion(writer)) return compareBranches(pair, writer.types, pending);
  if (isUnion(reader)) return compareBranches(pair, [writer], pending);
  if (writer instanceof types.RecordType && reader instanceof types.RecordType)
    return compareRecords(writer, reader, path, pending);
  if (writer instanceof types.ArrayType && reader instanceof types.ArrayType) {
    pending.push({ writer: writer.itemsType, reader: reader.itemsType, path: `${path}[]` });
    return [];
  }
  if (writer instanceof types.MapType && reader instanceof types.MapType) {
    pending.push({ writer: writer.valuesType, reader: reader.valuesType, path: `${path}{}` });
    return [];
  }
  const isNamed =
    (writer instanceof types.EnumType && reader instanceof types.EnumType) ||
    (writer instanceof types.FixedType && reader instanceof types.FixedType);
  if (isNamed && !isKnownAs(writer, reader)) return [nameFault(writer, reader, path)];
  if (writer instanceof types.EnumType && reader instanceof types.EnumType) {
    const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
    const sentence = `is written as ${few(unknown)}, which ${unknown.length === 1 ? 'is no symbol' : 'are no symbols'} of ${typeWords(reader)} as read, and that has no default`;
    return [{ kind: 'symbol', path, sentence }];
  }
  if (writer instanceof types.FixedType && reader instanceof types.FixedType)
    return [
      { kind: 'size', path, sentence: `has ${writer.size} bytes as written and ${reader.size} as read` },
    ];
  return [typeFault(writer, reader, path)];
}

function typeFault(writer: Type, reader: Type, path: string): Incompatibility {
  return {
    kind: 'type',
    path,
    sentence: `is ${typeWords(writer)} as written and ${typeWords(reader)} as read`,
  };
}

function compareBranches(
  { writer, reader, path }: Pair,
  branches: readonly Type[],
  pending: Pair[],
): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const unknown: Type[] = [];
  for (const branch of branches.filter((one) => !resolves(one, reader))) {
    const same = branchesOf(reader).find(
      (one) => one.typeName === branch.typeName && (branch.name === undefined || isKnownAs(branch, one)),
    );
    const at = branch.name !== undefined && isUnion(writer) ? `${path}[${shortName(branch)}]` : path;
    if (same !== undefined) pending.push({ writer: branch, reader: same, path: at });
    else if (branch instanceof avsc.types.NullType)
      faults.push({ kind: 'null', path, sentence: 'may be null as written, and not as read' });
    else unknown.push(branch);
  }
  const [only] = unknown;
  if (only === undefined) return faults;
  if (!isUnion(writer)) return [...faults, typeFault(writer, reader, path)];
  const sentence = `may be ${few(unknown.map(typeWords))} as written, and is ${typeWords(reader)} as read`;
  return [...faults, { kind: 'branch', path, sentence }];
}

function compareRecords(
  writer: avsc.types.RecordType,
  reader: avsc.types.RecordType,
  path: string,
  pending: Pair[],
): readonly Incompatibility[] {
  const faults: Incompatibility[] = isKnownAs(writer, reader) ? [] : [nameFault(writer, reader, path)];
  const taken = new Set<string>();
  const missing: { readonly path: string; readonly type: Type }[] = [];
  for (const field of reader.fields) {
    const below = path === '' ? field.name : `${path}.${field.name}`;
    const names = [field.name, ...field.aliases];
    const written = writer.fields.find((candidate) => names.includes(candidate.name));
    if (written !== undefined) {
      taken.add(written.name);
      pending.push({ writer: written.type, reader: field.type, path: below });
    } else if (field.defaultValue() === undefined) missing.push({ path: below, type: field.type });
  }
  for (const { path: below, type } of missing) {
    const former = writer.fields.find((field) => !taken.has(field.name) && resolves(field.type, type));
    const maybe = former === undefined ? '' : ` (is it \`${former.name}\` by another name?)`;
    faults.push({ kind: 'no-default', path: below, sentence: `was not written and has no default${maybe}` });
  }
  return faults;
}

function nameFault(writer: Type, reader: Type, path: string): Incompatibility {
  const sentence = `is named ${writer.name ?? ''} as written and ${reader.name ?? ''} as read, without an alias`;
  return { kind: 'name', path, sentence };
}

/** Avro matches names without their namespaces. */
function isKnownAs(writer: Type, reader: Type): boolean {
  return isNamedAlike(writer, reader, 'short');
}

function isUnion(type: Type): type is avsc.types.UnwrappedUnionType | avsc.types.WrappedUnionType {
  return type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
}

function branchesOf(type: Type): readonly Type[] {
  return isUnion(type) ? type.types : [type];
}

/** Such as `int`, `enum Color` or `null or string`. */
function typeWords(type: Type): string {
  if (isUnion(type)) return few(type.types.map(typeWords));
  const kind = type.typeName.replace('abstract:', '');
  return type.name === undefined ? kind : `${kind} ${shortName(type)}`;
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, namesMax).join(' or ');
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown;
}

function shortName(type: Type): string {
  return withoutNamespace(type.name);
}
