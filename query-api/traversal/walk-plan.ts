import type { NodeRef } from '../../graph-store/index.ts';
import type { QueryLimits } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import type { Grant } from '../policy/grant.ts';
import type { StatusReader } from '../status-reader.ts';
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
  /** Absent: every edge type in force, both ways. */
  readonly over?: readonly WalkInput[] | null;
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
const takes = `1 to ${walksMax} edge types, each once`;
/** Half of it is walked from each end. */
const depthBounds = { least: 1, most: 6, otherwise: 4 } as const;
const firstBounds = { least: 1, most: 100, otherwise: 10 } as const;
const sharedBounds = { least: 1, most: 1000, otherwise: 1 } as const;

/** Names of the edge types in force that the caller may see; asked for only where a walk names none. */
export type EdgeTypes = () => readonly string[];

export function edgeTypesFor({
  status,
  grant,
}: {
  readonly status: Pick<StatusReader, 'graphSchema'>;
  readonly grant: Grant | null;
}): EdgeTypes {
  return () => {
    const names = status.graphSchema().edgeTypes.map(({ name }) => name);
    return grant === null ? names : names.filter((name) => grant.edgesOf(name) !== null);
  };
}

/** @throws GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planPaths(
  input: PathsArguments,
  limits: QueryLimits,
  nowMs: number,
  edgeTypes: EdgeTypes,
): PathsPlan {
  const from = readRef('from', input.from);
  const to = readRef('to', input.to);
  if (nodeKey(from) === nodeKey(to))
    throw badInput('to', 'another node than `from`; `cycles` finds ways back');
  return { from, to, ...planWalks(input, limits, nowMs, edgeTypes) };
}

/** @throws GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planCycles(
  input: CyclesArguments,
  limits: QueryLimits,
  nowMs: number,
  edgeTypes: EdgeTypes,
): CyclesPlan {
  return { through: readRef('through', input.through), ...planWalks(input, limits, nowMs, edgeTypes) };
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
  { over: named, maxDepth, first }: BoundedWalk,
  limits: QueryLimits,
  nowMs: number,
  edgeTypes: EdgeTypes,
): Pick<PathsPlan, 'walks' | 'depthMax' | 'first'> {
  const over = named ?? everyEdge(edgeTypes());
  const types = new Set(over.map(({ edge }) => edge));
  if (over.length < 1 || over.length > walksMax || types.size < over.length) throw badInput('over', takes);
  return {
    walks: over.map((walk, index) => planWalk(`over.${index}.`, walk, null, limits, nowMs)),
    depthMax: readCount('maxDepth', maxDepth, depthBounds),
    first: readCount('first', first, firstBounds),
  };
}

/** Never some of them without a word: a graph with more types, or with none that is known, has them named. */
function everyEdge(edgeTypes: readonly string[]): readonly WalkInput[] {
  const count = edgeTypes.length;
  if (count < 1 || count > walksMax)
    throw badInput('over', `${takes}: name them, since ${count} edge types are in force`);
  return edgeTypes.map((edge) => ({ edge, direction: 'both' }));
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
