import type { Type } from 'avsc';
import type { PropertyValue } from '../graph-store/index.ts';
import type { Expression } from './expression.ts';

/** What a value is, by the schema that it was read with. */
export type ValueKind =
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'string'
  | 'enum'
  | 'uuid'
  | 'bytes'
  | 'decimal'
  | 'date'
  | 'time-millis'
  | 'time-micros'
  | 'timestamp-millis'
  | 'timestamp-micros';

/** How a value of an unwrapped union shows which branch it is. */
export type BranchTest = 'boolean' | 'number' | 'bigint' | 'string' | 'bytes' | 'array' | 'object';

/** One step from a value inwards. Each gives null where the value is null, of another branch, or without that key. */
export type PathStep =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'key'; readonly key: string }
  /** avsc reads ambiguous unions as `{branch: value}`. */
  | { readonly kind: 'unwrap'; readonly branch: string }
  | { readonly kind: 'only'; readonly test: BranchTest };

/** Where something stands in a decoded event. */
export interface PathPlan {
  readonly path: string;
  /** Where it begins: 0 is the event; then come the rows of the lookups, then the items of the loops around it. */
  readonly root: number;
  readonly steps: readonly PathStep[];
}

export interface FieldRead extends PathPlan {
  readonly kind: ValueKind;
  /** Digits behind the point of a decimal, null where each value says its own; else 0. */
  readonly scale: number | null;
}

/** Where a value comes from, before functions are applied to it. */
export type ValueSource =
  | { readonly from: 'field'; readonly field: FieldRead }
  | { readonly from: 'expression'; readonly expression: Expression }
  | { readonly from: 'constant'; readonly value: PropertyValue };

export interface ValuePlan {
  readonly source: ValueSource;
  /** Names of normalizers, in the order in which they are applied. */
  readonly apply: readonly string[];
  /** After the last of them. */
  readonly kind: ValueKind;
  /** How it is written, for messages. */
  readonly text: string;
  /** Which roots are rows that it reads; a null of one that is not there says nothing about a property. */
  readonly rows?: readonly number[];
}

/** What a path or an expression can begin with. */
export interface ScopeRoot {
  /** Null for the event, whose fields are named directly. */
  readonly name: string | null;
  readonly type: Type;
  /** True when the item is an entry of a map: `{key, value}` with a value of the type. */
  readonly isEntry: boolean;
  /** True for the row of a lookup. */
  readonly isRow?: true;
}

/** The event first, then the rows of the lookups, then the items of the loops around a declaration. */
export type Scope = readonly ScopeRoot[];
