import {
  type GraphQLFieldConfigArgumentMap,
  type GraphQLInputObjectType,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import {
  type AdjacencyQuery,
  type NodeRef,
  type OccurrencePosition,
  readsAtOnceMax,
} from '../../graph-store/index.ts';
import type { QueryLimits } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import type { FieldCost, FieldCosts } from '../cost/field-cost.ts';
import { type EdgeOrder, edgeOrderType } from '../edge-order.ts';
import { openEndMs } from '../open-end.ts';
import { dateTimeScalar } from '../scalars.ts';
import { type HopLimits, resolveHopLimits } from '../traversal/hop-limits.ts';
import {
  type EdgeCondition,
  readTypedWhere,
  type TypedWhereInput,
  type WhereField,
} from '../where/typed-where.ts';
import { readEdgeCursor } from './edge-cursor.ts';
import { edgesAtOnceMax, filteredRowsMin } from './store-loader.ts';

export interface ConnectionArguments {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly since?: number | null;
  readonly until?: number | null;
  readonly order: EdgeOrder;
  readonly where?: TypedWhereInput | null;
}

/** What of an edge type a connection follows, and which names its conditions may use. */
export interface ConnectionSide {
  readonly edgeType: string;
  readonly direction: 'out' | 'in';
  readonly own: readonly WhereField[];
  readonly far: readonly WhereField[];
}

/** One connection of one node, every limit settled. */
export interface ConnectionPlan {
  readonly query: Omit<AdjacencyQuery, 'after' | 'limit'>;
  readonly after: OccurrencePosition | null;
  readonly first: number;
  readonly condition: EdgeCondition | null;
}

export function connectionArguments(where: GraphQLInputObjectType): GraphQLFieldConfigArgumentMap {
  return {
    first: { type: GraphQLInt, description: 'Edges in the page.' },
    after: { type: GraphQLString, description: 'A cursor of an earlier page.' },
    since: {
      type: dateTimeScalar,
      description: 'From this time on; the default lookback before `until` or now otherwise.',
    },
    until: { type: dateTimeScalar, description: 'Before this time.' },
    order: { type: new GraphQLNonNull(edgeOrderType), defaultValue: 'latest' },
    where: { type: where, description: 'Only edges of which this holds.' },
  };
}

/** What holds where the query says nothing: as of a walk's first hop. A page goes on and a walk does not, so what the query says of a page wins. */
function hopLimits(
  { edgeType }: Pick<ConnectionSide, 'edgeType'>,
  untilMs: number,
  limits: QueryLimits,
  nowMs: number,
): HopLimits {
  const asked = { depth: 1, edge: edgeType, limit: null, sinceMs: null, untilMs };
  return resolveHopLimits(asked, limits, nowMs);
}

function firstDefault({ edgesMax }: HopLimits, { pageDefault }: QueryLimits): number {
  return Math.min(pageDefault, edgesMax);
}

/** Every limit is settled here, before the store is asked. Throws a GraphQLError `BAD_USER_INPUT` that names the argument. */
export function planConnection(
  of: NodeRef,
  side: ConnectionSide,
  input: ConnectionArguments,
  limits: QueryLimits,
  nowMs: number,
): ConnectionPlan {
  const untilMs = input.until ?? openEndMs;
  if (untilMs < 0) throw badInput('until', 'a time from 1970 on');
  const hop = hopLimits(side, untilMs, limits, nowMs);
  const sinceMs = input.since ?? hop.sinceMs;
  if (sinceMs < 0) throw badInput('since', 'a time from 1970 on');
  if (sinceMs > untilMs) throw badInput('since', 'a time that is not after `until`');
  const first = input.first ?? firstDefault(hop, limits);
  if (first < 1 || first > limits.pageMax) throw badInput('first', `1 to ${limits.pageMax}`);
  const { edgeType: type, direction } = side;
  return {
    query: { of, type, direction, sinceMs, untilMs, scanMax: limits.scanRowsMax },
    after: input.after == null ? null : readEdgeCursor('after', input.after),
    first,
    condition: input.where == null ? null : readTypedWhere('where', input.where, side.own, side.far),
  };
}

/** Of a condition that most edges fail the first look is small and the next ones larger: an early hit is cheap, a late one takes few calls. */
export const firstLookRows = 64;

export function nextLookRows(rows: number): number {
  return Math.min(1024, rows * 4);
}

/** How many looks it takes to have looked at so many rows. */
function looksAt(rows: number): number {
  let looks = 0;
  let next = firstLookRows;
  for (let left = rows; left > 0; left -= next, next = nextLookRows(next)) looks += 1;
  return Math.max(1, looks);
}

const nothing: FieldCosts = { own: { calls: 0, rows: 0 }, objects: 0, cheaper: [] };

/** Lists of so many edges each that one call of the store reads. */
function listsAtOnce(limit: number): number {
  return Math.max(1, Math.min(readsAtOnceMax, Math.floor(edgesAtOnceMax / limit)));
}

/** A hop and a look at the far ends. Without a condition the hop ends with the page; with one it may go on to the bound on rows, which all such connections share. */
export function connectionCost({ edgeType, direction }: ConnectionSide): FieldCost<ConnectionArguments> {
  return (input, { limits, degrees, nowMs }) => {
    const hopInForce = hopLimits({ edgeType }, openEndMs, limits, nowMs);
    const first = input.first ?? firstDefault(hopInForce, limits);
    if (first < 1 || first > limits.pageMax) return nothing;
    const { scanRowsMax } = limits;
    const hop = Math.min(scanRowsMax, degrees.rowsOfHop(edgeType, direction) ?? scanRowsMax);
    const cheaper = [{ argument: 'first', value: first, least: 1 }];
    const costs =
      input.where == null ? pageCost(hop, first) : filteredCost(hop, first, input.where, scanRowsMax);
    return { ...costs, objects: first, cheaper };
  };
}

type ReadCosts = Pick<FieldCosts, 'own' | 'callsOf' | 'pooled'>;

function pageCost(hop: number, first: number): ReadCosts {
  const callsOf = (parents: number): number =>
    Math.ceil(parents / listsAtOnce(first + 1)) + Math.ceil((parents * first) / readsAtOnceMax);
  return { own: { calls: callsOf(1), rows: Math.min(hop, first + 1) + first }, callsOf };
}

function filteredCost(hop: number, first: number, where: TypedWhereInput, scanRowsMax: number): ReadCosts {
  const looks = looksAt(hop);
  // Far ends that a condition is about are read of each row that is looked at; otherwise those of the page.
  const isOfNode = namesNode(where);
  const each = isOfNode ? 2 : 1;
  const pooled = { rows: each * hop, most: each * scanRowsMax, least: each * filteredRowsMin };
  const callsOf = (parents: number): number => {
    // Siblings look in step; what they look at after their first looks is bounded for all of them, and so hardly more than one call for each look.
    const lists = Math.ceil(parents / listsAtOnce(firstLookRows)) + looks - 1 + (parents > 1 ? 2 : 0);
    if (!isOfNode) return lists + Math.ceil((parents * first) / readsAtOnceMax);
    const rows = Math.min(hop * parents, scanRowsMax + filteredRowsMin * parents);
    return lists + looks + (parents > 1 ? Math.ceil(rows / readsAtOnceMax) : 0);
  };
  return { own: { calls: callsOf(1), rows: pooled.rows + (isOfNode ? 0 : first) }, callsOf, pooled };
}

/** Does a condition say something of the far end? */
function namesNode(where: unknown): boolean {
  if (Array.isArray(where)) return where.some(namesNode);
  if (typeof where !== 'object' || where === null) return false;
  return Object.entries(where).some(
    ([key, value]) =>
      (key === 'node' && value != null) || (['all', 'any', 'not'].includes(key) && namesNode(value)),
  );
}
