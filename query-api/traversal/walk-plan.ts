import type { NodeRef } from '../../graph-store/index.ts';
import type { QueryLimits } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import type { WhereInput } from '../where/where-input.ts';
import type { LimitsInForce } from './completeness-type.ts';
import type { WalkPlan } from './expand.ts';
import { resolveHopLimits } from './hop-limits.ts';
import type { SharedNeighboursPlan } from './shared-neighbours-run.ts';
import type { TraversalSession } from './traversal-session.ts';
import {
  type NodeRefArgument,
  readCondition,
  readCount,
  readEdgeType,
  readLimit,
  readRef,
  readSpan,
  type SpanArguments,
} from './walk-arguments.ts';
import { type EdgeDirection, nodeKey } from './walked-edge.ts';

export interface WalkInput extends SpanArguments {
  readonly edge: string;
  readonly direction: EdgeDirection;
  readonly limit?: number | null;
  readonly where?: WhereInput | null;
}

interface BoundedWalk {
  readonly over: readonly WalkInput[];
  readonly maxDepth?: number | null;
  readonly first?: number | null;
}

export interface PathsArguments extends BoundedWalk {
  readonly from: NodeRefArgument;
  readonly to: NodeRefArgument;
}

export interface CyclesArguments extends BoundedWalk {
  readonly through: NodeRefArgument;
}

export interface PathsPlan {
  readonly from: NodeRef;
  readonly to: NodeRef;
  readonly walks: readonly WalkPlan[];
  readonly depthMax: number;
  readonly first: number;
}

export interface CyclesPlan {
  readonly through: NodeRef;
  readonly walks: readonly WalkPlan[];
  readonly depthMax: number;
  readonly first: number;
}

/** A walk may take so many edge types; each doubles what a level reads. */
const walksMax = 8;
/** Half of it is walked from each end. */
const depthBounds = { least: 1, most: 6, otherwise: 4 } as const;
const firstBounds = { least: 1, most: 100, otherwise: 10 } as const;
const sharedBounds = { least: 1, most: 1000, otherwise: 1 } as const;

/** @throws GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planPaths(input: PathsArguments, limits: QueryLimits, nowMs: number): PathsPlan {
  const from = readRef('from', input.from);
  const to = readRef('to', input.to);
  if (nodeKey(from) === nodeKey(to))
    throw badInput('to', 'another node than `from`; `cycles` finds ways back');
  return { from, to, ...planWalks(input, limits, nowMs) };
}

/** @throws GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planCycles(input: CyclesArguments, limits: QueryLimits, nowMs: number): CyclesPlan {
  return { through: readRef('through', input.through), ...planWalks(input, limits, nowMs) };
}

export interface SharedNeighboursArguments {
  readonly of: NodeRefArgument;
  readonly over: WalkInput;
  readonly minShared: number;
  readonly degreeMax?: number | null;
  readonly first?: number | null;
}

/** @throws GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planSharedNeighbours(
  input: SharedNeighboursArguments,
  limits: QueryLimits,
  nowMs: number,
): SharedNeighboursPlan {
  const { over, minShared, degreeMax, first } = input;
  const limit = readLimit('degreeMax', degreeMax);
  return {
    of: readRef('of', input.of),
    walk: planWalk('over.', over, 1, limits, nowMs),
    back: planWalk('over.', { ...over, limit }, 2, limits, nowMs),
    minShared: readCount('minShared', minShared, sharedBounds),
    first: readCount('first', first, firstBounds),
  };
}

function planWalks(
  { over, maxDepth, first }: BoundedWalk,
  limits: QueryLimits,
  nowMs: number,
): Pick<PathsPlan, 'walks' | 'depthMax' | 'first'> {
  const types = new Set(over.map(({ edge }) => edge));
  if (over.length < 1 || over.length > walksMax || types.size < over.length) {
    throw badInput('over', `1 to ${walksMax} edge types, each once`);
  }
  return {
    walks: over.map((walk, index) => planWalk(`over.${index}.`, walk, null, limits, nowMs)),
    depthMax: readCount('maxDepth', maxDepth, depthBounds),
    first: readCount('first', first, firstBounds),
  };
}

/** `prefix` leads the names of the arguments, such as `over.0.`. */
export function planWalk(
  prefix: string,
  input: WalkInput,
  depth: number | null,
  limits: QueryLimits,
  nowMs: number,
): WalkPlan {
  const edge = readEdgeType(`${prefix}edge`, input.edge);
  const { sinceMs, untilMs } = readSpan(prefix, input);
  const limit = readLimit(`${prefix}limit`, input.limit);
  return {
    edge,
    direction: input.direction,
    where: readCondition(`${prefix}where`, input.where),
    limits: resolveHopLimits({ depth, edge, limit, sinceMs, untilMs }, limits, nowMs),
  };
}

export function limitsOf(walks: readonly WalkPlan[]): readonly LimitsInForce[] {
  return walks.map(({ edge, limits }) => ({ hop: null, edge, limits }));
}

/** Where older edges were asked for than may be read. */
export function sayLookbacks(session: TraversalSession, walks: readonly WalkPlan[]): void {
  for (const { edge, limits } of walks) {
    if (!limits.cutsSince) continue;
    session.truncations.add({ hop: 1, kind: 'LOOKBACK', limit: limits.lookbackMs, edge, node: null });
  }
}
