import type { NodeRef } from '../../graph-store/index.ts';
import { expand, expandLevel, type WalkPlan } from './expand.ts';
import type { TraversalSession } from './traversal-session.ts';
import { nodeKey, type WalkedEdge } from './walked-edge.ts';

export interface SharedNeighboursPlan {
  readonly of: NodeRef;
  /** To the neighbours; its limits bound how many. */
  readonly walk: WalkPlan;
  /** From the neighbours, against its direction; its limit is how many edges a neighbour may have before it is passed over. */
  readonly back: WalkPlan;
  readonly minShared: number;
  readonly first: number;
}

export interface SharingNode {
  readonly node: NodeRef;
  /** The neighbours that both have. */
  readonly through: readonly NodeRef[];
  /** Of the newest edge between it and one of those. */
  readonly timeMs: number;
}

/**
 * Which other nodes have the neighbours that a node has: those with the most first. A neighbour that very many share, such as a household's
 * router that turns out to be a provider's, says little about any two of them and costs much: it is passed over, and that is said.
 */
export async function runSharedNeighbours(
  plan: SharedNeighboursPlan,
  session: TraversalSession,
  scanMax: number,
): Promise<readonly SharingNode[]> {
  const { of, walk, back, minShared, first } = plan;
  const to = await expandLevel(session, { hop: 1, walks: [walk], backwards: false, scanMax }, [of]);
  const neighbours = distinct(to.map(({ node }) => node)).filter((node) => nodeKey(node) !== nodeKey(of));
  const mayRead = neighbours.length > 0 && !session.isSpent(2);
  const expansion = { hop: 2, walks: [back], backwards: true, scanMax };
  const expanded = mayRead ? await expand(session, expansion, neighbours) : [];
  const from: WalkedEdge[] = [];
  for (const { of: neighbour, edges, beyond } of expanded) {
    if (beyond.length === 0) from.push(...edges);
    for (const full of beyond)
      session.truncations.add({ hop: 2, kind: 'SUPERNODE', ...full, node: neighbour });
  }
  const sharing = sharingNodes(of, from)
    .filter(({ through }) => through.length >= minShared)
    .sort(mostFirst);
  if (sharing.length > first) {
    session.truncations.add({ hop: 2, kind: 'ANSWER', limit: first, edge: null, node: null });
  }
  return sharing.slice(0, first);
}

function distinct(refs: readonly NodeRef[]): readonly NodeRef[] {
  return [...new Map(refs.map((ref) => [nodeKey(ref), ref])).values()];
}

/** The edges lead to the neighbours, as they are walked. */
function sharingNodes(of: NodeRef, edges: readonly WalkedEdge[]): readonly SharingNode[] {
  const found = new Map<string, { node: NodeRef; through: Map<string, NodeRef>; timeMs: number }>();
  for (const { parent, node, occurrence } of edges) {
    const key = nodeKey(parent);
    if (key === nodeKey(of)) continue;
    const known = found.get(key) ?? { node: parent, through: new Map(), timeMs: occurrence.timeMs };
    found.set(key, known);
    known.through.set(nodeKey(node), node);
    known.timeMs = Math.max(known.timeMs, occurrence.timeMs);
  }
  return [...found.values()].map(({ node, through, timeMs }) => ({
    node,
    through: [...through.values()],
    timeMs,
  }));
}

function mostFirst(a: SharingNode, b: SharingNode): number {
  if (a.through.length !== b.through.length) return b.through.length - a.through.length;
  if (a.timeMs !== b.timeMs) return b.timeMs - a.timeMs;
  return nodeKey(a.node) < nodeKey(b.node) ? -1 : 1;
}
