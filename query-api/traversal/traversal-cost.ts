import { readsAtOnceMax } from '../../graph-store/index.ts';
import type { CheaperArgument, Cost, CostContext, FieldCost, FieldCosts } from '../cost/field-cost.ts';
import type { WalkPlan } from './expand.ts';
import { planTraversal, type TraverseArguments } from './traversal-plan.ts';
import { nodesAtOnceMax } from './traversal-session.ts';
import {
  type CyclesArguments,
  type PathsArguments,
  planCycles,
  planPaths,
  planSharedNeighbours,
  type SharedNeighboursArguments,
} from './walk-plan.ts';
import { type EdgeDirection, waysOf } from './walked-edge.ts';

const nothing: FieldCosts = { own: { calls: 0, rows: 0 }, objects: 0, cheaper: [] };
/** Calls of a level beside those that its nodes fill: lists that lead a merge are read on, seldom more often. */
const refillsMost = 3;

interface Level {
  readonly cost: Cost;
  /** Nodes that it reaches at most. */
  readonly reached: number;
}

/** What leaving from so many nodes costs at most: the rows of each by what was seen of its edge type, and never more than may be looked at. */
function levelCost(
  from: number,
  walks: readonly Pick<WalkPlan, 'edge' | 'direction'>[],
  { degrees, limits }: CostContext,
): Level {
  const rowsOfNode = (edge: string, direction: EdgeDirection): number =>
    waysOf(direction).reduce((sum, way) => {
      return sum + Math.min(limits.scanRowsMax, degrees.rowsOfHop(edge, way) ?? limits.scanRowsMax);
    }, 0);
  const each = walks.reduce((sum, { edge, direction }) => sum + rowsOfNode(edge, direction), 0);
  const sides = from * walks.reduce((sum, { direction }) => sum + waysOf(direction).length, 0);
  const rows = Math.min(from * each, limits.traversalRowsMax);
  return { cost: { calls: Math.ceil(sides / readsAtOnceMax) + refillsMost, rows }, reached: rows };
}

function sum(costs: readonly Cost[], rowsMax: number): Cost {
  const calls = costs.reduce((all, cost) => all + cost.calls, 0);
  const rows = costs.reduce((all, cost) => all + cost.rows, 0);
  return { calls, rows: Math.min(rows, rowsMax) };
}

/** A hop with a condition on nodes may have to read each that its edges lead to, which one budget of rows bounds as well. */
export const traverseCost: FieldCost<TraverseArguments> = (input, context) => {
  const plan = planned(() => planTraversal(input, context.limits, context.nowMs));
  if (plan === null) return nothing;
  let frontier = plan.from.length;
  let objects = 0;
  const edges: Cost[] = [];
  const nodes: Cost[] = [];
  const cheaper: CheaperArgument[] = [];
  for (const hop of plan.hops) {
    const { cost, reached } = levelCost(frontier, [hop], context);
    edges.push(cost);
    if (hop.nodeWhere !== null) nodes.push({ calls: Math.ceil(reached / nodesAtOnceMax), rows: reached });
    frontier = Math.min(hop.limits.edgesMax, reached);
    objects += frontier;
    cheaper.push({ argument: `hops.${hop.depth - 1}.limit`, value: hop.limits.edgesMax, least: 1 });
  }
  const { traversalRowsMax } = context.limits;
  const looked = sum(edges, traversalRowsMax);
  const read = sum(nodes, traversalRowsMax);
  const own = { calls: looked.calls + read.calls, rows: looked.rows + read.rows };
  // The hop before the last decides how many nodes are left from; the first is the cheapest change to what follows.
  return { own, objects, cheaper };
};

export const pathsCost: FieldCost<PathsArguments> = (input, context) =>
  walkCost(
    planned(() => planPaths(input, context.limits, context.nowMs)),
    context,
  );

export const cyclesCost: FieldCost<CyclesArguments> = (input, context) =>
  walkCost(
    planned(() => planCycles(input, context.limits, context.nowMs)),
    context,
  );

/** Half of the levels from each end. */
function walkCost(
  plan: { readonly walks: readonly WalkPlan[]; readonly depthMax: number; readonly first: number } | null,
  context: CostContext,
): FieldCosts {
  if (plan === null) return nothing;
  const { walks, depthMax, first } = plan;
  const edgesOfNode = walks.reduce((all, { limits }) => all + limits.edgesMax, 0);
  const costs: Cost[] = [];
  for (let level = 0; level < depthMax; level += 1) {
    const from = Math.min(edgesOfNode ** Math.floor(level / 2), context.limits.traversalRowsMax);
    costs.push(levelCost(from, walks, context).cost);
  }
  return {
    own: sum(costs, context.limits.traversalRowsMax),
    objects: first,
    cheaper: [{ argument: 'maxDepth', value: depthMax, least: 1 }],
  };
}

export const sharedNeighboursCost: FieldCost<SharedNeighboursArguments> = (input, context) => {
  const plan = planned(() => planSharedNeighbours(input, context.limits, context.nowMs));
  if (plan === null) return nothing;
  const { walk, back, first } = plan;
  const neighbours = levelCost(1, [walk], context);
  const most = Math.min(walk.limits.edgesMax, neighbours.reached);
  const turned = { edge: back.edge, direction: opposite(back.direction) };
  return {
    own: sum([neighbours.cost, levelCost(most, [turned], context).cost], context.limits.traversalRowsMax),
    objects: first,
    cheaper: [
      { argument: 'over.limit', value: walk.limits.edgesMax, least: 1 },
      { argument: 'degreeMax', value: back.limits.edgesMax, least: 1 },
    ],
  };
};

function opposite(direction: EdgeDirection): EdgeDirection {
  if (direction === 'both') return direction;
  return direction === 'out' ? 'in' : 'out';
}

/** What the resolver will refuse costs nothing. */
function planned<Plan>(plan: () => Plan): Plan | null {
  try {
    return plan();
  } catch {
    return null;
  }
}
