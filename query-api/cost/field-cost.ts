import type { QueryLimits } from '../api-context.ts';

/** What is asked of the store at most: calls of the port, and rows looked at. */
export interface Cost {
  readonly calls: number;
  readonly rows: number;
}

/**
 * What has been seen of the graph's degrees lately. Bounds on averages, never on one node: what bounds that is the limits, and the budget, beyond which a query
 * reads no more. Where nothing was seen yet a field takes a guess: one that says the limits would be refused by a small budget for ever, and nothing ever learned.
 */
export interface DegreeStatistics {
  /** Rows that a hop over this edge type looks at, at the 99th percentile of those seen; null when none was seen. */
  rowsOfHop(type: string, direction: 'out' | 'in'): number | null;
  /** Rows that a journey, of some domains or of all, looks at for each step of its page, at the 99th percentile of those seen; null or left out when none was seen. */
  rowsPerStep?(domains: 'some' | 'all'): number | null;
}

export interface CostContext {
  readonly limits: QueryLimits;
  readonly degrees: DegreeStatistics;
  readonly nowMs: number;
  /** Those in force that the caller may see: what a walk costs that names none. */
  readonly edgeTypes?: () => readonly string[];
}

export interface FieldCosts {
  /** Of resolving the field once. */
  readonly own: Cost;
  /** How many objects it gives at most: what is selected below costs so many times its own. */
  readonly objects: number;
  /** Calls for so many parents, where reads of many are put together; `own.rows` are of each parent all the same. `own.calls` for each where it is left out. */
  readonly callsOf?: (parents: number) => number;
  /** The part of `own.rows` that all such fields of a query share one bound on. */
  readonly pooled?: PooledRows;
  /** Whole numbers among the arguments that make it cost less when they are lower: planning finds out how much. */
  readonly cheaper: readonly CheaperArgument[];
}

export interface PooledRows {
  /** Of resolving the field once, if it were alone. */
  readonly rows: number;
  /** Of all of them together. */
  readonly most: number;
  /** What each may look at beyond that, whatever the others have. */
  readonly least: number;
}

export interface CheaperArgument {
  /** By name; of one inside another the whole way, such as `hops.1.limit`. */
  readonly argument: string;
  /** The value as it is now, after defaults. */
  readonly value: number;
  /** The least that it may be lowered to. */
  readonly least: number;
}

/**
 * A field says what it costs before anything is read: `extensions: { cost }` of its configuration. Arguments come coerced, as its
 * resolver gets them; a field without one costs nothing and gives as many objects as its parent. Never throws: an argument that the resolver will
 * refuse costs nothing.
 */
export type FieldCost<Arguments> = (input: Arguments, context: CostContext) => FieldCosts;

const free: FieldCosts = { own: { calls: 0, rows: 0 }, objects: 1, cheaper: [] };
const oneNode: FieldCosts = { own: { calls: 1, rows: 1 }, objects: 1, cheaper: [] };

/** Of a field that reads one node. */
export const costOfNode: FieldCost<unknown> = () => oneNode;

/** Of a field whose resolver refuses these arguments before it reads. */
export function costOfRefused(): FieldCosts {
  return free;
}
