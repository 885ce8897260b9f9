import type { CostContext, FieldCosts } from '../cost/field-cost.ts';

/** What of a journey's arguments decides its cost. */
interface CostlyArguments {
  readonly first?: number | null;
  readonly domains?: readonly string[] | null;
  readonly edgeTypes?: readonly string[] | null;
}

/**
 * One call of the store. Without a filter a page looks at as many rows as it has steps, since steps are only ever hidden in one
 * piece at the old end, and one more to know whether there are others; with one, at as many as a query may.
 */
export function journeyCost(input: CostlyArguments, { limits }: CostContext): FieldCosts {
  const first = Math.min(Math.max(1, input.first ?? limits.pageDefault), limits.pageMax);
  const filtered = (input.domains ?? null) !== null || (input.edgeTypes ?? null) !== null;
  const rows = filtered ? limits.scanRowsMax : Math.min(first + 1, limits.scanRowsMax);
  const cheaper = filtered ? [] : [{ argument: 'first', value: first, least: 1 }];
  return { own: { calls: 1, rows }, objects: first, cheaper };
}
