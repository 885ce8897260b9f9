import type { ValueKind } from './value-plan.ts';

/** What the compiler has to know of a function that mappings name in `apply`; what it does is for who runs the mapping. */
export interface NormalizerSignature {
  readonly name: string;
  readonly takes: readonly ValueKind[];
  readonly gives: ValueKind;
}

export type NormalizerSignatures = ReadonlyMap<string, NormalizerSignature>;
