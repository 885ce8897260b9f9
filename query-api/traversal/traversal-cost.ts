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
/** What one call holds at least before another is made; see `traversal-session.ts`. */
const rowsOfCall = 3072;
const firstRowsMost = 64;
/** A list is read on in steps that grow by so much, up to `rowsOfStep`; one with hidden rows takes a few steps more. */
const growth = 4;
const rowsOfStep = 1024;
const hiddenSteps = 4;

interface Level {
  readonly cost: Cost;
  /** Nodes that it reaches at most. */
  readonly reached: number;
}

/**
 * What leaving from so many nodes costs: the rows of each by what was seen of its edge type, and never more than may be looked at. Of an edge type nobody has
 * walked yet a hop's limit is guessed: if all that may be looked at counted, a small budget would keep its degrees from ever being learned.
 */
function levelCost(
  from: number,
  walks: readonly Pick<WalkPlan, 'edge' | 'direction'>[],
  { degrees, limits }: CostContext,
): Level {
  const rowsOfNode = (edge: string, direction: EdgeDirection): number =>
    waysOf(direction).reduce((sum, way) => {
      return sum + Math.min(limits.scanRowsMax, degrees.rowsOfHop(edge, way) ?? limits.hopEdgesMax);
    }, 0);
  const each = walks.reduce((sum, { edge, direction }) => sum + rowsOfNode(edge, direction), 0);
  const sides = from * walks.reduce((sum, { direction }) => sum + waysOf(direction).length, 0);
  const rows = Math.min(from * each, limits.traversalRowsMax);
  const steps = Math.ceil(Math.log2(Math.min(each, rowsOfStep) + 1) / 2) + Math.ceil(each / rowsOfStep);
  // A step asks for at most so many times the rows that the steps before found.
  const asked = sides * firstRowsMost + growth * rows;
  const calls = steps + hiddenSteps + Math.ceil(sides / readsAtOnceMax) + Math.ceil(asked / rowsOfCall);
  return { cost: { calls, rows }, reached: rows };
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
  const calls = looked.calls + read.calls + Math.ceil(objects / nodesAtOnceMax);
  const own = { calls, rows: looked.rows + read.rows };
  // A lower limit leaves the next hop fewer nodes to leave from; the deeper it is, the less of the answer goes.
  return { own, objects, cheaper: cheaper.reverse() };
};

/** Of a node in an answer: its calls are counted where the answer comes from, since one reads many. */
export const nodeCost: FieldCost<unknown> = () => ({ own: { calls: 0, rows: 1 }, objects: 1, cheaper: [] });

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
  const edgesOfNode = walks.reduce(
    (all, { direction, limits }) => all + waysOf(direction).length * limits.edgesMax,
    0,
  );
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
  const costs = [neighbours.cost, levelCost(most, [turned], context).cost, { calls: 1, rows: 0 }];
  return {
    own: sum(costs, context.limits.traversalRowsMax),
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
