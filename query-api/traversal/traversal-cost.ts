import { readsAtOnceMax } from '../../graph-store/index.ts';
import type { CheaperArgument, Cost, CostContext, FieldCost, FieldCosts } from '../cost/field-cost.ts';
import type { WalkPlan } from './expand.ts';
import { planTraversal, type TraverseArguments } from './traversal-plan.ts';
import { nodesAtOnceMax } from './traversal-session.ts';
import {
  type CyclesArguments,
  type EdgeTypes,
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
const rowsOfFirstCall = 4096;
const firstRowsMost = 64;
const firstRowsLeast = 8;
/** A list is read on in steps that grow by so much, up to `rowsOfStep`; one with hidden rows takes a few steps more. */
const growth = 4;
const rowsOfStep = 1024;
const hiddenSteps = 4;
/** Of the reads of a hop's nodes so many are smaller than they could be. */
const partialReads = 16;

interface Level {
  readonly cost: Cost;
  /** Nodes that it reaches at most. */
  readonly reached: number;
}

/** Rows asked for first of each list: as many as one call holds for all of them, within reason. */
function firstRowsOf(sides: number): number {
  return Math.min(firstRowsMost, Math.max(firstRowsLeast, Math.floor(rowsOfFirstCall / Math.max(1, sides))));
}

/** What the levels of a walk share: so many lists are read, and rows looked at, in all of them together. */
interface Left {
  lists: number;
  rows: number;
}

function allOf({ limits }: CostContext): Left {
  // A list without rows counts as one.
  return { lists: limits.traversalRowsMax, rows: limits.traversalRowsMax };
}

type Walk = Pick<WalkPlan, 'edge' | 'direction'>;

/** By what was seen of the edge type. Of one that nobody has walked yet a hop's limit is guessed: if all that may be looked at counted, a small budget would keep its degrees from ever being learned. */
function rowsOfNode({ edge, direction }: Walk, { degrees, limits }: CostContext): number {
  return waysOf(direction).reduce((all, way) => {
    return all + Math.min(limits.scanRowsMax, degrees.rowsOfHop(edge, way) ?? limits.hopEdgesMax);
  }, 0);
}

/** What leaving from so many nodes costs, and never more than may be looked at. */
function levelCost(from: number, walks: readonly Walk[], context: CostContext, left: Left): Level {
  const each = walks.reduce((all, walk) => all + rowsOfNode(walk, context), 0);
  const ways = walks.reduce((all, { direction }) => all + waysOf(direction).length, 0);
  const lists = Math.min(from * ways, left.lists);
  const rows = Math.min(from * each, context.limits.traversalRowsMax);
  // A step asks for at most so many times the rows that the steps before found.
  const asked = lists * firstRowsOf(lists) + growth * Math.min(rows, left.rows);
  left.lists -= lists;
  left.rows -= Math.min(rows, left.rows);
  const steps = Math.ceil(Math.log2(Math.min(each, rowsOfStep) + 1) / 2) + Math.ceil(each / rowsOfStep);
  const calls = steps + hiddenSteps + Math.ceil(lists / readsAtOnceMax) + Math.ceil(asked / rowsOfCall);
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
  const left = allOf(context);
  let frontier = plan.from.length;
  let objects = 0;
  const edges: Cost[] = [];
  const nodes: Cost[] = [];
  const cheaper: CheaperArgument[] = [];
  for (const hop of plan.hops) {
    const { cost, reached } = levelCost(frontier, [hop], context, left);
    edges.push(cost);
    if (hop.nodeWhere !== null) nodes.push({ calls: Math.ceil(reached / nodesAtOnceMax), rows: reached });
    frontier = Math.min(hop.limits.edgesMax, reached);
    objects += frontier;
    cheaper.push({ argument: `hops.${hop.depth - 1}.limit`, value: hop.limits.edgesMax, least: 1 });
  }
  const { traversalRowsMax } = context.limits;
  const looked = sum(edges, traversalRowsMax);
  const read = sum(nodes, traversalRowsMax);
  const readCalls = Math.min(
    read.calls,
    Math.ceil(traversalRowsMax / nodesAtOnceMax) + nodes.length * partialReads,
  );
  const calls = looked.calls + readCalls + Math.ceil(objects / nodesAtOnceMax);
  const own = { calls, rows: looked.rows + read.rows };
  // A lower limit leaves the next hop fewer nodes to leave from; the deeper it is, the less of the answer goes.
  return { own, objects, cheaper: cheaper.reverse() };
};

/** Of a node in an answer: its calls are counted where the answer comes from, since one reads many. */
export const nodeCost: FieldCost<unknown> = () => ({ own: { calls: 0, rows: 1 }, objects: 1, cheaper: [] });

export const pathsCost: FieldCost<PathsArguments> = (input, context) =>
  walkCost(
    planned(() => planPaths(input, context.limits, context.nowMs, edgeTypesOf(context))),
    context,
  );

export const cyclesCost: FieldCost<CyclesArguments> = (input, context) =>
  walkCost(
    planned(() => planCycles(input, context.limits, context.nowMs, edgeTypesOf(context))),
    context,
  );

function edgeTypesOf({ edgeTypes }: CostContext): EdgeTypes {
  return edgeTypes ?? (() => []);
}

/** Half of the levels from each end. */
function walkCost(
  plan: { readonly walks: readonly WalkPlan[]; readonly depthMax: number; readonly first: number } | null,
  context: CostContext,
): FieldCosts {
  if (plan === null) return nothing;
  const { walks, depthMax, first } = plan;
  const edgesOfNode = walks.reduce((all, walk) => {
    return all + Math.min(waysOf(walk.direction).length * walk.limits.edgesMax, rowsOfNode(walk, context));
  }, 0);
  const left = allOf(context);
  const costs: Cost[] = [];
  for (let level = 0; level < depthMax; level += 1) {
    const from = Math.min(edgesOfNode ** Math.floor(level / 2), context.limits.traversalRowsMax);
    costs.push(levelCost(from, walks, context, left).cost);
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
  const left = allOf(context);
  const neighbours = levelCost(1, [walk], context, left);
  const most = Math.min(walk.limits.edgesMax, neighbours.reached);
  const turned = { edge: back.edge, direction: opposite(back.direction) };
  const costs = [neighbours.cost, levelCost(most, [turned], context, left).cost, { calls: 1, rows: 0 }];
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
