import { readsAtOnceMax } from '../../graph-store/index.ts';
import type { CheaperArgument, CostContext, FieldCost, FieldCosts } from '../cost/field-cost.ts';
import type { HopPlan } from './hop-read.ts';
import { planTraversal, type TraverseArguments } from './traversal-plan.ts';
import { nodesAtOnceMax } from './traversal-session.ts';
import { waysOf } from './walked-edge.ts';

export const nothing: FieldCosts = { own: { calls: 0, rows: 0 }, objects: 0, cheaper: [] };

/** Rows that one node's edges of this type come to, by what was seen of them and by what may be looked at. */
export function rowsOfNode(
  edge: string,
  direction: HopPlan['direction'],
  { degrees, limits }: CostContext,
): number {
  return waysOf(direction).reduce(
    (sum, way) => sum + Math.min(limits.scanRowsMax, degrees.rowsOfHop(edge, way) ?? limits.scanRowsMax),
    0,
  );
}

/**
 * A hop looks at all rows of the nodes it leaves from when a condition lets none through; without one, at a few more of each than their share, until
 * it has its limit. Its frontier is what the hop before may reach.
 */
export const traverseCost: FieldCost<TraverseArguments> = (input, context) => {
  const plan = planned(() => planTraversal(input, context.limits, context.nowMs));
  if (plan === null) return nothing;
  let frontier = plan.from.length;
  let rows = 0;
  let calls = 0;
  let objects = 0;
  const cheaper: CheaperArgument[] = [];
  for (const { depth, edge, direction, nodeWhere, limits } of plan.hops) {
    const sides = frontier * waysOf(direction).length;
    const looked = Math.min(frontier * rowsOfNode(edge, direction, context), context.limits.traversalRowsMax);
    const asked = nodeWhere === null ? 0 : looked;
    rows += looked + asked;
    calls += Math.ceil(sides / readsAtOnceMax) + refillsMost + Math.ceil(asked / nodesAtOnceMax);
    frontier = Math.min(limits.edgesMax, looked);
    objects += frontier;
    cheaper.push({ argument: `hops.${depth - 1}.limit`, value: limits.edgesMax, least: 1 });
  }
  const bounded = Math.min(rows, 2 * context.limits.traversalRowsMax);
  return { own: { calls, rows: bounded }, objects, cheaper: cheaper.reverse() };
};

/** A merge of lists asks again for those that lead it: seldom more often than this. */
const refillsMost = 3;

/** What the resolver will refuse costs nothing. */
export function planned<Plan>(plan: () => Plan): Plan | null {
  try {
    return plan();
  } catch {
    return null;
  }
}
