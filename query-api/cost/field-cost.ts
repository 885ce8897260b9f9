import type { QueryLimits } from '../api-context.ts';

/** What is asked of the store at most: calls of the port, and rows looked at. */
export interface Cost {
  readonly calls: number;
  readonly rows: number;
}

/** What has been seen of the graph's degrees lately. Bounds on averages, never on one node: limits are what bounds a query. */
export interface DegreeStatistics {
  /** Rows that a hop over this edge type looks at, at the 99th percentile of those seen; null when none was seen. */
  rowsOfHop(type: string, direction: 'out' | 'in'): number | null;
}

export interface CostContext {
  readonly limits: QueryLimits;
  readonly degrees: DegreeStatistics;
  readonly nowMs: number;
}

export interface FieldCosts {
  /** Of resolving the field once. */
  readonly own: Cost;
  /** How many objects it gives at most: what is selected below costs so many times its own. */
  readonly objects: number;
  /** What to change so that it costs less, cheapest change first: an argument by name and the greatest value of it that costs `share` of this. */
  readonly cheaper: readonly CheaperArgument[];
}

export interface CheaperArgument {
  readonly argument: string;
  /** The value as it is now, after defaults. */
  readonly value: number;
  /** In proportion to which `rows` falls when the value does; 1 is the least it may be. */
  readonly least: number;
}

/**
 * A field says what it costs before anything is read: `extensions: { cost }` of its configuration. Arguments come coerced, as its
 * resolver gets them; a field without one costs nothing and gives as many objects as its parent. Never throws: an argument that the resolver will
 * refuse costs nothing.
 */
export type FieldCost<Arguments> = (input: Arguments, context: CostContext) => FieldCosts;
