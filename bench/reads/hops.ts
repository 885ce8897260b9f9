import type { AdjacencyPage, AdjacencyQuery, NodeRef } from '../../graph-store/index.ts';

export interface HopOptions {
  readonly type: string;
  readonly direction: 'out' | 'in';
  readonly sinceMs: number;
  /** Edges of the hop in all: it stops as soon as it has them. */
  readonly edgesMax: number;
  /** Edges of one node. */
  readonly edgesOfNodeMax: number;
  /** Nodes asked at once. */
  readonly atOnce: number;
  /** Edges without their properties. */
  readonly endsOnly: boolean;
}

export interface HopResult {
  /** The nodes at the other ends, each once. */
  readonly reached: readonly NodeRef[];
  readonly edges: number;
}

type ReadAdjacencies = (queries: readonly AdjacencyQuery[]) => Promise<readonly AdjacencyPage[]>;

/**
 * One round of a breadth-first walk. Nodes that are asked at once are each promised a share of what the hop may still have, so that they never
 * fetch edges that the hop then throws away; what a node does not use goes to later ones.
 */
export async function readHop(
  read: ReadAdjacencies,
  frontier: readonly NodeRef[],
  options: HopOptions,
): Promise<HopResult> {
  const { type, direction, sinceMs, edgesMax, endsOnly } = options;
  const untilMs = Number.POSITIVE_INFINITY;
  const share = Math.ceil(edgesMax / Math.min(frontier.length, options.atOnce));
  const reached = new Map<string, NodeRef>();
  let edges = 0;
  for (let next = 0; next < frontier.length && edges < edgesMax; ) {
    const queries: AdjacencyQuery[] = [];
    for (let left = edgesMax - edges; left > 0 && queries.length < options.atOnce; next += 1) {
      const of = frontier[next];
      const limit = Math.min(options.edgesOfNodeMax, share, left);
      // Less than its share may be less than it has: it waits for what the others leave.
      if (of === undefined || (limit < share && limit === left && queries.length > 0)) break;
      left -= limit;
      queries.push({ of, type, direction, sinceMs, untilMs, limit, scanMax: limit * 10, endsOnly });
    }
    for (const { occurrences } of await read(queries)) {
      edges += occurrences.length;
      for (const { from, to } of occurrences) {
        const other = direction === 'out' ? to : from;
        reached.set(other.id, other);
      }
    }
  }
  return { reached: [...reached.values()], edges };
}
