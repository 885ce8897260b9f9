import type { NodeRef } from '../../graph-store/index.ts';
import type { QueryLimits } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import type { EdgeOrder } from '../edge-order.ts';
import type { WhereInput } from '../where/where-input.ts';
import { resolveHopLimits } from './hop-limits.ts';
import type { HopPlan } from './hop-read.ts';
import {
  type NodeRefArgument,
  readCondition,
  readEdgeType,
  readLimit,
  readRef,
  readSpan,
  type SpanArguments,
} from './walk-arguments.ts';
import { type EdgeDirection, nodeKey } from './walked-edge.ts';

export interface HopInput extends SpanArguments {
  readonly edge: string;
  readonly direction: EdgeDirection;
  readonly limit?: number | null;
  readonly where?: WhereInput | null;
  readonly nodeWhere?: WhereInput | null;
  readonly order: EdgeOrder;
}

/** Whether a node that was reached is passed over by later hops, or by its own hop alone (where it is one node with several parents). */
export type TraversalUnique = 'traversal' | 'hop';

export interface TraverseArguments {
  readonly from: readonly NodeRefArgument[];
  readonly hops: readonly HopInput[];
  readonly unique: TraversalUnique;
}

export interface TraversalPlan {
  /** Each once. */
  readonly from: readonly NodeRef[];
  readonly hops: readonly HopPlan[];
  readonly unique: TraversalUnique;
}

export const fromMax = 100;
export const hopsMax = 6;

/**
 * Every limit is settled here, before the store is asked.
 *
 * @throws GraphQLError `BAD_USER_INPUT` that names the argument.
 */
export function planTraversal(
  input: TraverseArguments,
  limits: QueryLimits,
  nowMs: number,
  withContents = true,
): TraversalPlan {
  const { from, hops, unique } = input;
  if (from.length < 1 || from.length > fromMax) throw badInput('from', `1 to ${fromMax} nodes`);
  if (hops.length < 1 || hops.length > hopsMax) throw badInput('hops', `1 to ${hopsMax} hops`);
  const refs = from.map((ref, index) => readRef(`from.${index}`, ref));
  return {
    from: [...new Map(refs.map((ref) => [nodeKey(ref), ref])).values()],
    hops: hops.map((hop, index) => planHop(hop, index + 1, limits, nowMs, withContents)),
    unique,
  };
}

function planHop(
  input: HopInput,
  depth: number,
  limits: QueryLimits,
  nowMs: number,
  withContents: boolean,
): HopPlan {
  const argument = `hops.${depth - 1}`;
  const edge = readEdgeType(`${argument}.edge`, input.edge);
  const { sinceMs, untilMs } = readSpan(`${argument}.`, input);
  const limit = readLimit(`${argument}.limit`, input.limit);
  return {
    depth,
    edge,
    direction: input.direction,
    where: readCondition(`${argument}.where`, input.where),
    nodeWhere: readCondition(`${argument}.nodeWhere`, input.nodeWhere),
    order: input.order,
    withContents,
    limits: resolveHopLimits({ depth, edge, limit, sinceMs, untilMs }, limits, nowMs),
  };
}
