import type { AvroSchema } from './avro-type.ts';
import { type Incompatibility, type IncompatibilityKind, incompatibilities } from './compatibility.ts';
import { meaningFaults } from './meaning-faults.ts';

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
  const backward = [...incompatibilities(older.type, newer.type), ...meaningFaults(older, newer)];
  const forward = [...incompatibilities(newer.type, older.type), ...meaningFaults(newer, older)];
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
    meaning: 'keep the unit and the scale, or add a field with another name and a default',
  },
  forward: {
    'no-default': 'keep the field, or give it a default in a version before the one that removes it',
    name: 'keep the old name: readers of the older version know no other',
    type: 'keep the type, or add a field with another name beside it',
    null: 'keep it without null, or add a field with another name that may be null',
    branch: 'keep the union as it is, or add a field with another name for the new branch',
    symbol: 'leave the symbol out, or give the enum a `default` in a version before the one that adds it',
    size: 'keep the size, or add a field with another name beside it',
    meaning: 'keep the unit and the scale, or add a field with another name beside it',
  },
};
