import type { NodeRef } from '../../graph-store/index.ts';
import { expandLevel } from './expand.ts';
import type { TraversalSession } from './traversal-session.ts';
import type { CyclesPlan } from './walk-plan.ts';
import { edgeKey, nodeKey, type WalkedEdge } from './walked-edge.ts';

/** Edges tried while ways are put together in memory, in one go: some tens of milliseconds at most. */
const stepsMax = 50_000;

/** The neighbourhood of a node in one direction: whose edges have been read, by the node that they leave from. */
class Surroundings {
  readonly backwards: boolean;
  readonly edges = new Map<string, WalkedEdge[]>();
  /** How far a node is from the one in the middle. */
  readonly depths = new Map<string, number>();
  frontier: readonly NodeRef[];
  depth = 0;

  constructor(node: NodeRef, backwards: boolean) {
    this.backwards = backwards;
    this.frontier = [node];
    this.depths.set(nodeKey(node), 0);
  }

  take(edges: readonly WalkedEdge[]): void {
    this.depth += 1;
    const next: NodeRef[] = [];
    for (const edge of edges) {
      const key = nodeKey(edge.parent);
      const known = this.edges.get(key);
      if (known === undefined) this.edges.set(key, [edge]);
      else known.push(edge);
      const node = this.backwards ? edge.parent : edge.node;
      if (this.depths.has(nodeKey(node))) continue;
      this.depths.set(nodeKey(node), this.depth);
      next.push(node);
    }
    this.frontier = next;
  }
}

/**
 * The ways that lead from a node back to it, no edge and no other node twice; the shortest first. The same edges round the other way are the same
 * cycle. Of a cycle of four edges two are read forwards and two backwards: what is further away lies on none.
 */
export async function runCycles(
  { through, walks, depthMax, first }: CyclesPlan,
  session: TraversalSession,
  scanMax: number,
): Promise<readonly (readonly WalkedEdge[])[]> {
  const ahead = new Surroundings(through, false);
  const behind = new Surroundings(through, true);
  const found = new Map<string, readonly WalkedEdge[]>();
  const steps = { left: stepsMax };
  for (let length = 1; length <= depthMax && found.size <= first && !session.isOver; length += 1) {
    const side = length % 2 === 1 ? ahead : behind;
    const level = { hop: length, walks, backwards: side.backwards, scanMax };
    side.take(side.frontier.length === 0 ? [] : await expandLevel(session, level, side.frontier));
    for (const cycle of cyclesOf(nodeKey(through), length, ahead, behind, steps)) {
      const key = cycle.map(edgeKey).sort().join('\n');
      if (!found.has(key)) found.set(key, cycle);
      if (found.size > first) break;
    }
    if (steps.left <= 0) {
      session.truncations.add({ hop: length, kind: 'STEPS', limit: stepsMax, edge: null, node: null });
      break;
    }
  }
  if (found.size > first) {
    session.truncations.add({ hop: depthMax, kind: 'ANSWER', limit: first, edge: null, node: null });
  }
  return [...found.values()].slice(0, first);
}

/** Those of just that length. `ahead` has been read to half of it, `behind` to the rest. */
function* cyclesOf(
  home: string,
  length: number,
  ahead: Surroundings,
  behind: Surroundings,
  steps: { left: number },
): Generator<readonly WalkedEdge[]> {
  const way: WalkedEdge[] = [];
  const on = new Set<string>();
  function* go(at: string): Generator<readonly WalkedEdge[]> {
    const edges = (way.length < ahead.depth ? ahead : behind).edges.get(at) ?? [];
    const left = length - way.length - 1;
    for (const edge of edges) {
      steps.left -= 1;
      if (steps.left <= 0) return;
      const to = nodeKey(edge.node);
      const back = behind.depths.get(to) ?? behind.depth + 1;
      if (back > left || on.has(to) || (to === home) !== (left === 0)) continue;
      if (left === 0) {
        // There and back by one edge.
        const [only] = way;
        if (length === 2 && only !== undefined && edgeKey(only) === edgeKey(edge)) continue;
        yield [...way, edge];
        continue;
      }
      way.push(edge);
      on.add(to);
      yield* go(to);
      way.pop();
      on.delete(to);
    }
  }
  yield* go(home);
}
