import avsc, { type Type } from 'avsc';
import type { AvroSchema } from './avro-type.ts';
import { type Incompatibility, type IncompatibilityKind, incompatibilities } from './compatibility.ts';

export interface CompatibilityBreak {
  /** `backward`: the new schema cannot read what was written; `forward`: the old one cannot read what will be. */
  readonly direction: 'backward' | 'forward';
  /** Field path; empty for the whole event. */
  readonly path: string;
  readonly sentence: string;
  readonly instead: string;
}

/** Where two versions break each other, in both directions, and what to do instead. */
export function explainCompatibility(older: AvroSchema, newer: AvroSchema): readonly CompatibilityBreak[] {
  const backward = incompatibilities(older.type, newer.type);
  const forward = incompatibilities(newer.type, older.type);
  return [
    ...backward.map((fault) => explained('backward', fault)),
    ...forward.map((fault) => explained('forward', fault)),
  ];
}

function explained(direction: 'backward' | 'forward', fault: Incompatibility): CompatibilityBreak {
  const { kind, path, sentence } = fault;
  const said =
    direction === 'forward' && kind === 'no-default'
      ? sentence.replace(/^was not written/, 'is no longer written')
      : sentence;
  return { direction, path, sentence: said, instead: instead[direction][kind] };
}

const instead: Readonly<Record<'backward' | 'forward', Readonly<Record<IncompatibilityKind, string>>>> = {
  backward: {
    'no-default':
      'give the new field a default, or, if it is an old one by a new name, put the old name into its `aliases`',
    name: 'keep the old name, or put it into `aliases`',
    type: 'keep the type, make it a union that still has the old one, or add a field with another name and a default',
    null: 'keep null in the union',
    branch: 'keep the branch in the union',
    symbol: 'keep the symbol, or give the enum a `default`',
    size: 'keep the size, or add a field with another name and a default',
  },
  forward: {
    'no-default': 'keep the field, or give it a default in a version before the one that removes it',
    name: 'keep the old name: readers of the older version know no other',
    type: 'keep the type, or add a field with another name beside it',
    null: 'keep it without null, or add a field with another name that may be null',
    branch: 'keep the union as it is, or add a field with another name for the new branch',
    symbol: 'leave the symbol out, or give the enum a `default` in a version before the one that adds it',
    size: 'keep the size, or add a field with another name beside it',
  },
};

/** A change of meaning that no registry refuses: what was written would be read as something else, without an error. */
export interface Misreading {
  readonly path: string;
  readonly sentence: string;
}

const depthMax = 12;

/** Fields of both whose logical types differ, such as a decimal of another scale, or milliseconds that become microseconds. */
export function misreadings(older: AvroSchema, newer: AvroSchema): readonly Misreading[] {
  const found: Misreading[] = [];
  const visit = (was: Type, is: Type, path: string, depth: number): void => {
    if (depth > depthMax) return;
    const { types } = avsc;
    if (was instanceof types.RecordType && is instanceof types.RecordType) {
      for (const field of is.fields) {
        const names = [field.name, ...field.aliases];
        const former = was.fields.find(({ name }) => names.includes(name));
        const below = path === '' ? field.name : `${path}.${field.name}`;
        if (former !== undefined) visit(withoutNull(former.type), withoutNull(field.type), below, depth + 1);
      }
    } else if (was instanceof types.ArrayType && is instanceof types.ArrayType)
      visit(withoutNull(was.itemsType), withoutNull(is.itemsType), `${path}[]`, depth + 1);
    else if (was instanceof types.MapType && is instanceof types.MapType)
      visit(withoutNull(was.valuesType), withoutNull(is.valuesType), `${path}{}`, depth + 1);
    else {
      const [before, after] = [meaning(older, was), meaning(newer, is)];
      if (before !== after && before !== null && after !== null)
        found.push({
          path,
          sentence: `was ${before} and is ${after}: what was written before would be misread without an error; add a field with another name instead`,
        });
    }
  };
  visit(older.type, newer.type, '', 0);
  return found;
}

/** Null for what has no unit that could be mistaken. */
function meaning(schema: AvroSchema, type: Type): string | null {
  const logical = schema.logicalType(type);
  if (logical === null) return null;
  return logical.kind === 'decimal'
    ? `a decimal with ${logical.scale} digits behind the point`
    : logical.kind;
}

function withoutNull(type: Type): Type {
  if (!(type instanceof avsc.types.UnwrappedUnionType)) return type;
  const filled = type.types.filter((branch) => !(branch instanceof avsc.types.NullType));
  return (filled.length === 1 ? filled[0] : undefined) ?? type;
}
