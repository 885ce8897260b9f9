import type { AdjacencyPage, AdjacencyQuery, NodeRef } from '../../graph-store/index.ts';

export interface HopOptions {
  readonly type: string;
  readonly direction: 'out' | 'in';
  readonly sinceMs: number;
  /** Edges of the hop in all: it stops as soon as it has them. */
  readonly edgesMax: number;
  /** Edges of one node. */
  readonly edgesOfNodeMax: number;
  readonly concurrency: number;
}

export interface HopResult {
  /** The nodes at the other ends, each once. */
  readonly reached: readonly NodeRef[];
  readonly edges: number;
}

type ReadAdjacency = (query: AdjacencyQuery) => Promise<AdjacencyPage>;

/**
 * One round of a breadth-first walk. Each read is promised a share of what the hop may still have, so that reads under way at once never
 * fetch edges that the hop then throws away; what a node does not use goes to later ones.
 */
export async function readHop(
  read: ReadAdjacency,
  frontier: readonly NodeRef[],
  options: HopOptions,
): Promise<HopResult> {
  const { type, direction, sinceMs, edgesMax, concurrency } = options;
  const share = Math.ceil(edgesMax / Math.min(frontier.length, concurrency));
  const reached = new Map<string, NodeRef>();
  let edges = 0;
  let promised = 0;
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < frontier.length) {
      const limit = Math.min(options.edgesOfNodeMax, share, edgesMax - edges - promised);
      const of = frontier[next];
      if (of === undefined || limit <= 0) return;
      next += 1;
      promised += limit;
      const untilMs = Number.POSITIVE_INFINITY;
      const page = await read({ of, type, direction, sinceMs, untilMs, limit, scanMax: limit * 10 });
      promised -= limit;
      edges += page.occurrences.length;
      for (const { from, to } of page.occurrences) {
        const other = direction === 'out' ? to : from;
        reached.set(other.id, other);
      }
    }
  };
  // A reader that found everything promised has ended; a later round takes up what the others did not use.
  while (next < frontier.length && edges < edgesMax) {
    await Promise.all(Array.from({ length: Math.min(frontier.length, concurrency) }, reader));
  }
  return { reached: [...reached.values()], edges };
}
