import type { Fold, SetChange } from '../graph-store/index.ts';

/** What an event means for the graph, as its schema's `graph` attribute declares it; paths are not resolved yet. */
export interface Mapping {
  readonly domain: string;
  readonly time: string;
  readonly eventId: string | null;
  /** 0 to 2^53 - 1, or where each event has it. */
  readonly rank: number | ValueDeclaration;
  readonly lookups: readonly LookupDeclaration[];
  readonly body: BlockDeclaration;
  readonly journey: JourneyDeclaration | null;
}

/** A row of a table that a compacted topic keeps. */
export interface LookupDeclaration {
  /** How paths and expressions name the row. */
  readonly as: string;
  readonly topic: string;
  readonly key: ValueDeclaration;
  readonly missing: MissingRow;
  readonly at: string;
}

/** What becomes of an event whose row is not there: it waits for so long, 0 to 60,000 ms, then it is applied without, or is a dead letter. */
export interface MissingRow {
  readonly waitMs: number;
  readonly afterwards: 'apply' | 'deadLetter';
}

/** What is declared for the event, or for each item of a loop. */
export interface BlockDeclaration {
  readonly where: ConditionDeclaration | null;
  readonly nodes: readonly NodeDeclaration[];
  readonly edges: readonly EdgeDeclaration[];
  readonly loops: readonly LoopDeclaration[];
}

/** For each item of an array or entry of a map. */
export interface LoopDeclaration {
  readonly in: string;
  /** How paths and expressions name the item. */
  readonly as: string;
  readonly body: BlockDeclaration;
  readonly at: string;
}

export type Operation = 'upsert' | 'delete';

/** An expression that gives true or false. */
export interface ConditionDeclaration {
  readonly cel: string;
  readonly at: string;
}

export type ValueDeclaration = { readonly at: string } & (
  | { readonly from: 'path'; readonly path: string; readonly apply: readonly string[] }
  | { readonly from: 'expression'; readonly cel: string; readonly apply: readonly string[] }
  | { readonly from: 'constant'; readonly value: string | number | boolean }
);

export interface PropertyDeclaration {
  readonly name: string;
  readonly value: ValueDeclaration;
  /** Of a node's: what is done to a property of several values; null for a single value. */
  readonly set: SetChange['set'] | null;
  /** Of an edge's: how the values of its occurrences become one; null when this mapping does not say. */
  readonly fold: Fold | null;
  /** Where it is not true the property is left as it is. */
  readonly where: ConditionDeclaration | null;
}

export interface NodeDeclaration {
  /** How edges and the journey name it; its type when not given. */
  readonly as: string;
  readonly type: string;
  readonly id: ValueDeclaration;
  readonly optional: boolean;
  readonly op: Operation;
  /** How long what is known of the type is kept, milliseconds; null when this mapping does not say. */
  readonly ttlMs: number | null;
  readonly where: ConditionDeclaration | null;
  readonly properties: readonly PropertyDeclaration[];
  readonly at: string;
}

export interface EdgeDeclaration {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  /** Null where there is one edge a pair. */
  readonly key: ValueDeclaration | null;
  readonly op: Operation;
  readonly ttlMs: number | null;
  readonly where: ConditionDeclaration | null;
  readonly properties: readonly PropertyDeclaration[];
  readonly at: string;
}

export interface JourneyDeclaration {
  readonly owner: string;
  readonly action: string;
  readonly where: ConditionDeclaration | null;
  readonly properties: readonly PropertyDeclaration[];
}

/** One thing that is wrong with a mapping. */
export interface MappingProblem {
  /** Where in the schema, such as `graph.edges[0].to`. */
  readonly path: string;
  /** A clause that goes on after the path. */
  readonly sentence: string;
}
