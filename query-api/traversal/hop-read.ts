import type { NodeRef } from '../../graph-store/index.ts';
import type { EdgeOrder } from '../edge-order.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import { EdgeCursor } from './edge-cursor.ts';
import type { HopLimits } from './hop-limits.ts';
import { NewestEdges } from './newest-edges.ts';
import type { CursorRows, TraversalSession } from './traversal-session.ts';
import { type EdgeDirection, nodeKey, type WalkedEdge, waysOf } from './walked-edge.ts';

export interface HopPlan {
  /** The first is 1. */
  readonly depth: number;
  readonly edge: string;
  readonly direction: EdgeDirection;
  /** On the edge's properties. */
  readonly where: Predicate | null;
  /** On the properties of the node that it leads to. */
  readonly nodeWhere: Predicate | null;
  readonly order: EdgeOrder;
  /** Whether what the edges say is asked for, beside where they lead. */
  readonly withContents: boolean;
  readonly limits: HopLimits;
}

/** Rows of a node in the first call: enough that one is often all, few enough that a frontier of thousands stays cheap. */
const firstRowsMin = 8;
const firstRowsShare = 4;
const growth = 4;
/** A call for fewer costs about as much. */
const callRowsMin = 256;
const rowsMax = 1024;

/**
 * The edges of one hop from all nodes of a frontier: of each pair of nodes one, by its newest event that fits.
 *
 * `latest` merges the nodes' lists, each newest first, as far as the merge needs them: once there are as many edges as the hop may have,
 * only what is newer than the oldest of them is asked for, and a node whose list has come to that time is done. `any` reads the nodes in
 * turn and stops as soon as there are enough. One edge more than the limit is looked for, so that an answer which just fits is
 * known to be whole.
 */
export async function readHop(
  session: TraversalSession,
  hop: HopPlan,
  frontier: readonly NodeRef[],
  passedOver: ReadonlySet<string>,
  scanMax: number,
): Promise<readonly WalkedEdge[]> {
  const { depth, limits, order } = hop;
  const kept = new NewestEdges(limits.edgesMax + 1);
  let open = cursorsOf(hop, frontier, passedOver, scanMax);
  let rows = firstRows(limits.edgesMax, open.length);
  // Half as many again as are wanted, since some lead where others do: then `any` mostly has them all. What `latest` has found by then tells what is too old to be
  // asked of the next nodes: all of them at once would bring several times the rows. Each call is larger, for a store that is far away.
  let nextCallRows = Math.max(callRowsMin, Math.ceil((limits.edgesMax * 3) / 2));
  const callRows = (): number => {
    const now = nextCallRows;
    nextCallRows *= growth;
    return now;
  };
  const floorMs = (): number => (order === 'latest' ? kept.floorMs : 0);
  reading: while (open.length > 0) {
    for await (const found of session.readOn(depth, open, rows, floorMs, callRows)) {
      if (hop.nodeWhere === null) keepNewest(kept, found);
      else for (const edge of await fitting(session, hop.depth, hop.nodeWhere, found)) kept.add(edge);
      if (kept.bytes > session.budget.bytesLeft) {
        kept.shrinkTo(session.budget.bytesLeft);
        session.stop(depth, { kind: 'BYTES', limit: session.budget.bytesMax });
        break reading;
      }
      if (order === 'any' && kept.isFull) break reading;
    }
    if (session.isOver) break;
    open = open.filter(({ isOpen, lastMs }) => isOpen && lastMs >= floorMs());
    rows = Math.min(rows * growth, rowsMax);
  }
  return settled(session, hop, kept);
}

function cursorsOf(
  { edge, direction, where, limits, withContents }: HopPlan,
  frontier: readonly NodeRef[],
  passedOver: ReadonlySet<string>,
  scanMax: number,
): readonly EdgeCursor[] {
  const { sinceMs, untilMs } = limits;
  const endsOnly = where === null && !withContents;
  const rule = { where, passedOver };
  const ranges = waysOf(direction).map((way) => ({ edge, way, sinceMs, untilMs, scanMax, endsOnly }));
  return frontier.flatMap((of) => ranges.map((range) => new EdgeCursor(of, range, rule)));
}

function firstRows(limit: number, cursors: number): number {
  const share = Math.ceil((firstRowsShare * limit) / Math.max(1, cursors));
  return Math.min(limit + 1, rowsMax, Math.max(firstRowsMin, share));
}

/** Rows come newest first: behind one that is too old to be kept, none of its node is looked at. */
function keepNewest(kept: NewestEdges, found: readonly CursorRows[]): void {
  for (const [cursor, page] of found) {
    const { count } = page;
    for (let at = 0; at < count && kept.takes(page.timeMs(at)); at += 1) {
      const edge = cursor.edge(page, at);
      if (edge !== null) kept.add(edge);
    }
  }
}

/** Nodes are read only where the condition is about them, and then only those to which a fitting edge leads. */
async function fitting(
  session: TraversalSession,
  depth: number,
  nodeWhere: Predicate,
  found: readonly CursorRows[],
): Promise<readonly WalkedEdge[]> {
  const edges = found.flatMap(([cursor, page]) => cursor.edges(page));
  if (edges.length === 0) return edges;
  const views = await session.nodes(
    depth,
    edges.map(({ node }) => node),
  );
  return edges.filter(({ node }) => {
    const view = views.get(nodeKey(node)) ?? null;
    return (
      view !== null && holds(nodeWhere, (name) => view.properties.find((one) => one.name === name)?.value)
    );
  });
}

function settled(session: TraversalSession, hop: HopPlan, kept: NewestEdges): readonly WalkedEdge[] {
  const { depth, edge, limits } = hop;
  const edges = kept.list();
  if (edges.length > limits.edgesMax) {
    session.truncations.add({ hop: depth, kind: 'HOP_EDGES', limit: limits.edgesMax, edge, node: null });
  }
  return edges.slice(0, limits.edgesMax);
}
