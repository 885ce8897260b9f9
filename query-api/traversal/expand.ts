import type { NodeRef } from '../../graph-store/index.ts';
import type { Predicate } from '../where/predicate.ts';
import { EdgeCursor } from './edge-cursor.ts';
import type { HopLimits } from './hop-limits.ts';
import type { TraversalSession } from './traversal-session.ts';
import {
  type EdgeDirection,
  type EdgeWay,
  occurrenceBytes,
  turned,
  type WalkedEdge,
  waysOf,
} from './walked-edge.ts';

/** Edges that a walk may take; `limits.edgesMax` of one node at one side. */
export interface WalkPlan {
  readonly edge: string;
  readonly direction: EdgeDirection;
  readonly where: Predicate | null;
  readonly limits: HopLimits;
}

export interface Expansion {
  /** A level's number in what the answer says of limits. */
  readonly hop: number;
  readonly walks: readonly WalkPlan[];
  /** Against the walks: from where they lead to. The edges come turned round, as a walk takes them. */
  readonly backwards: boolean;
  readonly scanMax: number;
}

export interface ExpandedNode {
  readonly of: NodeRef;
  readonly edges: readonly WalkedEdge[];
  /** The edge types and the limits of which it has more; none when these are all. */
  readonly beyond: readonly { readonly edge: string; readonly limit: number }[];
}

/** Rows of each node in the first call: as many as one call holds for all, within reason. */
const rowsOfCall = 4096;
const firstRowsMin = 8;
const firstRowsMax = 64;
const growth = 4;
const rowsMax = 1024;
const nobody: ReadonlySet<string> = new Set();

interface Side {
  readonly cursor: EdgeCursor;
  readonly edgesMax: number;
  readonly edges: WalkedEdge[];
}

/** All edges of each node of a frontier, up to the limit of each; in as few calls as that takes. */
export async function expand(
  session: TraversalSession,
  expansion: Expansion,
  frontier: readonly NodeRef[],
): Promise<readonly ExpandedNode[]> {
  const sides = frontier.flatMap((of) => sidesOf(expansion, of));
  const byCursor = new Map(sides.map((side) => [side.cursor, side]));
  let rows = Math.min(
    firstRowsMax,
    Math.max(firstRowsMin, Math.floor(rowsOfCall / Math.max(1, sides.length))),
  );
  for (let open = sides; open.length > 0 && !session.isOver; ) {
    const cursors = open.map(({ cursor }) => cursor);
    for await (const found of session.readOn(expansion.hop, cursors, rows, () => 0)) {
      for (const [cursor, page] of found) {
        const edges = cursor.edges(page);
        for (const edge of edges)
          byCursor.get(cursor)?.edges.push(expansion.backwards ? turnedRound(edge) : bare(edge));
        session.budget.hold(
          edges.length,
          edges.reduce((sum, { occurrence }) => sum + occurrenceBytes(occurrence), 0),
        );
      }
    }
    // One more than the limit tells that there are more.
    open = open.filter(({ cursor, edges, edgesMax }) => cursor.isOpen && edges.length <= edgesMax);
    rows = Math.min(rows * growth, rowsMax);
  }
  return grouped(frontier, sides);
}

function sidesOf({ walks, backwards, scanMax }: Expansion, of: NodeRef): readonly Side[] {
  return walks.flatMap(({ edge, direction, where, limits }) =>
    waysOf(direction).map((walked) => {
      const way: EdgeWay = backwards ? turned(walked) : walked;
      const { sinceMs, untilMs, edgesMax } = limits;
      const range = { edge, way, sinceMs, untilMs, scanMax, endsOnly: where === null };
      return { cursor: new EdgeCursor(of, range, { where, passedOver: nobody }), edgesMax, edges: [] };
    }),
  );
}

/** Without its properties: a walk of many nodes holds many edges. */
function bare(edge: WalkedEdge): WalkedEdge {
  const { occurrence } = edge;
  return occurrence.properties.length === 0
    ? edge
    : { ...edge, occurrence: { ...occurrence, properties: [] } };
}

function turnedRound(edge: WalkedEdge): WalkedEdge {
  const { parent, node, way, occurrence } = bare(edge);
  return { parent: node, node: parent, way: turned(way), occurrence };
}

function grouped(frontier: readonly NodeRef[], sides: readonly Side[]): readonly ExpandedNode[] {
  const byNode = new Map<NodeRef, Side[]>(frontier.map((of) => [of, []]));
  for (const side of sides) byNode.get(side.cursor.of)?.push(side);
  return [...byNode].map(([of, own]) => {
    const full = own.filter(({ edges, edgesMax }) => edges.length > edgesMax);
    // Once an edge type, though both its sides may be full.
    const limits = new Map(full.map(({ cursor, edgesMax }) => [cursor.range.edge, edgesMax]));
    return {
      of,
      edges: own.flatMap(({ edges, edgesMax }) => edges.slice(0, edgesMax)),
      beyond: [...limits].map(([edge, limit]) => ({ edge, limit })),
    };
  });
}

/** The edges of a level; where a node had more than its limit, that is said. */
export async function expandLevel(
  session: TraversalSession,
  expansion: Expansion,
  frontier: readonly NodeRef[],
): Promise<readonly WalkedEdge[]> {
  if (session.isSpent(expansion.hop)) return [];
  const expanded = await expand(session, expansion, frontier);
  for (const { of, beyond } of expanded) {
    for (const full of beyond)
      session.truncations.add({ hop: expansion.hop, kind: 'NODE_EDGES', ...full, node: of });
  }
  return expanded.flatMap(({ edges }) => edges);
}
