import type { NodeRef } from '../../graph-store/index.ts';
import { expandLevel } from './expand.ts';
import type { TraversalSession } from './traversal-session.ts';
import type { PathsPlan } from './walk-plan.ts';
import { nodeKey, type WalkedEdge } from './walked-edge.ts';

/** What has been seen from one of the ends, level by level. */
class PathEnd {
  /** By node: how far it is from the end, and the edges that lead one level nearer to it. */
  readonly seen = new Map<string, { readonly depth: number; readonly edges: WalkedEdge[] }>();
  readonly backwards: boolean;
  frontier: readonly NodeRef[];
  depth = 0;

  constructor(node: NodeRef, backwards: boolean) {
    this.backwards = backwards;
    this.frontier = [node];
    this.seen.set(nodeKey(node), { depth: 0, edges: [] });
  }

  take(edges: readonly WalkedEdge[]): void {
    this.depth += 1;
    const next: NodeRef[] = [];
    for (const edge of edges) {
      const node = this.backwards ? edge.parent : edge.node;
      const key = nodeKey(node);
      const known = this.seen.get(key);
      if (known === undefined) {
        this.seen.set(key, { depth: this.depth, edges: [edge] });
        next.push(node);
      } else if (known.depth === this.depth) known.edges.push(edge);
    }
    this.frontier = next;
  }
}

/**
 * The shortest paths, found from both ends at once: a level at a time, always at the end that has the smaller one, until the two have
 * a node in common. So a path of four edges takes two levels of each end instead of four of one.
 *
 * A level is read whole before it is looked at: hence when nothing was cut short, the first path found has the least length there is, and all of
 * that length are found with it.
 */
export async function runPaths(
  { from, to, walks, depthMax, first }: PathsPlan,
  session: TraversalSession,
  scanMax: number,
): Promise<readonly (readonly WalkedEdge[])[]> {
  const start = new PathEnd(from, false);
  const goal = new PathEnd(to, true);
  let common: readonly NodeRef[] = [];
  while (common.length === 0 && start.depth + goal.depth < depthMax && !session.isOver) {
    if (start.frontier.length === 0 || goal.frontier.length === 0) break;
    const end = start.frontier.length <= goal.frontier.length ? start : goal;
    const other = end === start ? goal : start;
    const level = { hop: start.depth + goal.depth + 1, walks, backwards: end.backwards, scanMax };
    end.take(await expandLevel(session, level, end.frontier));
    common = end.frontier.filter((node) => other.seen.has(nodeKey(node)));
  }
  const paths = [...joined(start, goal, common, first + 1)];
  if (paths.length > first) {
    session.truncations.add({
      hop: start.depth + goal.depth,
      kind: 'ANSWER',
      limit: first,
      edge: null,
      node: null,
    });
  }
  return paths.slice(0, first);
}

function* joined(
  start: PathEnd,
  goal: PathEnd,
  common: readonly NodeRef[],
  most: number,
): Generator<readonly WalkedEdge[]> {
  const lengthOf = (node: NodeRef): number =>
    (start.seen.get(nodeKey(node))?.depth ?? 0) + (goal.seen.get(nodeKey(node))?.depth ?? 0);
  const least = Math.min(...common.map(lengthOf));
  let left = most;
  for (const node of common) {
    if (lengthOf(node) > least) continue;
    for (const before of waysTo(start, node)) {
      for (const after of waysTo(goal, node)) {
        if (left === 0) return;
        left -= 1;
        yield [...before, ...after];
      }
    }
  }
}

/** Every edge kept leads nearer, so no way is tried in vain. From the start they come in order, to the goal too. */
function* waysTo(end: PathEnd, node: NodeRef): Generator<readonly WalkedEdge[]> {
  const known = end.seen.get(nodeKey(node));
  if (known === undefined || known.depth === 0) {
    yield [];
    return;
  }
  for (const edge of known.edges) {
    for (const rest of waysTo(end, end.backwards ? edge.node : edge.parent)) {
      yield end.backwards ? [edge, ...rest] : [...rest, edge];
    }
  }
}
