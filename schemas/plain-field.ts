import avsc, { type Type } from 'avsc';
import type { PathPlan } from './value-plan.ts';

/** How a single value stands in Avro's bytes. */
type PlainWire =
  | { readonly kind: 'text' | 'whole' | 'double' | 'boolean' }
  | { readonly kind: 'symbol'; readonly symbols: readonly string[] };

/** A single value in a record of the event, or in the event itself. */
export interface PlainField {
  readonly path: readonly string[];
  readonly wire: PlainWire;
  /** Which branch of its union says null; null where it is no union, and its value stands there at once. */
  readonly nullBranch: number | null;
}

const wires: ReadonlyMap<string, PlainWire> = new Map([
  ['string', { kind: 'text' }],
  ['int', { kind: 'whole' }],
  ['long', { kind: 'whole' }],
  ['abstract:long', { kind: 'whole' }],
  ['double', { kind: 'double' }],
  ['boolean', { kind: 'boolean' }],
]);

/** Null where the value cannot be read out of the bytes by its place alone: inside a map, an array or a union, or of a kind that is rare. */
export function plainField(event: Type, { root, steps }: PathPlan): PlainField | null {
  if (root !== 0 || steps.length === 0) return null;
  const path: string[] = [];
  let type = event;
  for (const step of steps) {
    if (step.kind !== 'field' || !(type instanceof avsc.types.RecordType)) return null;
    const field = type.fields.find(({ name }) => name === step.name);
    if (field === undefined) return null;
    path.push(step.name);
    type = field.type;
  }
  const nullBranch = nullBranchOf(type);
  const value = nullBranch === null ? type : branchBeside(type, nullBranch);
  const wire = wireOf(value);
  return wire === null ? null : { path, wire, nullBranch };
}

function nullBranchOf(type: Type): number | null {
  if (!(type instanceof avsc.types.UnwrappedUnionType) || type.types.length !== 2) return null;
  const at = type.types.findIndex(({ typeName }) => typeName === 'null');
  return at < 0 ? null : at;
}

function branchBeside(type: Type, nullBranch: number): Type {
  return (type instanceof avsc.types.UnwrappedUnionType ? type.types[1 - nullBranch] : undefined) ?? type;
}

function wireOf(type: Type): PlainWire | null {
  if (type instanceof avsc.types.EnumType) return { kind: 'symbol', symbols: type.symbols };
  return wires.get(type.typeName) ?? null;
}
