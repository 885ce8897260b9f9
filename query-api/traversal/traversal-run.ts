import type { NodeRef } from '../../graph-store/index.ts';
import { type HopPlan, readHop } from './hop-read.ts';
import type { TraversalPlan } from './traversal-plan.ts';
import type { TraversalSession } from './traversal-session.ts';
import { nodeKey, occurrenceBytes, type WalkedEdge } from './walked-edge.ts';

/** A node that a hop reached. */
export interface ReachedNode {
  readonly node: NodeRef;
  /** The edges that led to it, newest first; at least one. */
  readonly via: readonly WalkedEdge[];
}

export interface HopResult {
  readonly plan: HopPlan;
  /** Those reached by the newest edges first. */
  readonly nodes: readonly ReachedNode[];
}

/** Hop by hop, breadth first: one or a few calls a hop, however many nodes it leaves from. */
export async function runTraversal(
  plan: TraversalPlan,
  session: TraversalSession,
  scanMax: number,
): Promise<readonly HopResult[]> {
  const visited = new Set(plan.from.map(nodeKey));
  const nobody: ReadonlySet<string> = new Set();
  const results: HopResult[] = [];
  let frontier = plan.from;
  for (const hop of plan.hops) {
    sayLookback(session, hop);
    const mayRead = frontier.length > 0 && !session.isSpent(hop.depth);
    const passedOver = plan.unique === 'traversal' ? visited : nobody;
    const edges = mayRead ? await readHop(session, hop, frontier, passedOver, scanMax) : [];
    const nodes = reached(edges);
    for (const { node } of nodes) visited.add(nodeKey(node));
    session.budget.hold(nodes.length + edges.length, bytesOf(edges));
    results.push({ plan: hop, nodes });
    frontier = nodes.map(({ node }) => node);
  }
  return results;
}

function sayLookback(session: TraversalSession, { depth, edge, limits }: HopPlan): void {
  if (!limits.cutsSince) return;
  session.truncations.add({ hop: depth, kind: 'LOOKBACK', limit: limits.lookbackMs, edge, node: null });
}

/** A map keeps the order in which nodes came, which is that of their newest edges. */
function reached(edges: readonly WalkedEdge[]): readonly ReachedNode[] {
  const byNode = new Map<string, { readonly node: NodeRef; readonly via: WalkedEdge[] }>();
  for (const edge of edges) {
    const key = nodeKey(edge.node);
    const known = byNode.get(key);
    if (known === undefined) byNode.set(key, { node: edge.node, via: [edge] });
    else known.via.push(edge);
  }
  return [...byNode.values()];
}

function bytesOf(edges: readonly WalkedEdge[]): number {
  return edges.reduce((sum, { occurrence }) => sum + occurrenceBytes(occurrence), 0);
}
