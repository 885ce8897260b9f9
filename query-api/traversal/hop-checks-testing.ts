import { expect } from 'vitest';
import type { NodeRef } from '../../graph-store/index.ts';
import type { NaiveEdge, NaiveHop, NaiveWalks } from './naive-walks-testing.ts';
import type { TraversalUnique } from './traversal-plan.ts';
import type { HopResult } from './traversal-run.ts';
import type { Truncation } from './truncations.ts';
import { nodeKey, type WalkedEdge } from './walked-edge.ts';

/** A traversal as the oracle understands it. */
export interface CheckedPlan {
  readonly from: readonly NodeRef[];
  readonly hops: readonly CheckedHop[];
  readonly unique: TraversalUnique;
}

export interface CheckedHop extends NaiveHop {
  readonly order: 'latest' | 'any';
  readonly limits: { readonly edgesMax: number; readonly sinceMs: number; readonly untilMs: number };
}

export function walked({ parent, node, way, occurrence }: WalkedEdge): string {
  return `${nodeKey(parent)} ${way} ${nodeKey(node)} ${occurrence.type} ${occurrence.timeMs}`;
}

export function naive({ parent, node, way, edge, timeMs }: NaiveEdge): string {
  return `${nodeKey(parent)} ${way} ${nodeKey(node)} ${edge} ${timeMs}`;
}

/** Of each hop. */
export function walkedHops(results: readonly HopResult[]): readonly (readonly string[])[] {
  return results.map(({ nodes }) => nodes.flatMap(({ via }) => via.map(walked)).sort());
}

export function naiveHops(graph: NaiveWalks, plan: CheckedPlan): readonly (readonly string[])[] {
  return graph.traverse(plan.from, plan.hops, plan.unique).map((edges) => edges.map(naive).sort());
}

export const newestFirst = (a: number, b: number): number => b - a;

/** Whatever was left out, each hop says the truth about the nodes that it left from. */
export function checkHops(
  graph: NaiveWalks,
  plan: CheckedPlan,
  results: readonly HopResult[],
  truncated: readonly Pick<Truncation, 'hop' | 'kind'>[],
): void {
  expect(results).toHaveLength(plan.hops.length);
  const visited = new Set(plan.from.map(nodeKey));
  let frontier = plan.from;
  for (const [index, hop] of plan.hops.entries()) {
    const nodes = results[index]?.nodes ?? [];
    const depth = index + 1;
    const whole = graph.hop(frontier, hop, plan.unique === 'traversal' ? visited : new Set());
    const edges = nodes.flatMap(({ via }) => via);
    const real = new Set(whole.map(naive));
    expect(edges.map(walked).filter((edge) => !real.has(edge))).toEqual([]);
    expect(edges.length).toBeLessThanOrEqual(hop.limits.edgesMax);
    const kinds = truncated.filter((one) => one.hop === depth).map(({ kind }) => kind);
    const over = truncated.some((one) => one.hop < depth && one.kind !== 'HOP_EDGES' && one.kind !== 'SCAN');
    if (kinds.length === 0 && !over) expect(edges).toHaveLength(whole.length);
    if (kinds.includes('HOP_EDGES')) expect(whole.length).toBeGreaterThan(hop.limits.edgesMax);
    if (kinds.join() === 'HOP_EDGES' && hop.order === 'latest') {
      const times = edges.map(({ occurrence }) => occurrence.timeMs).sort(newestFirst);
      const newest = whole.map(({ timeMs }) => timeMs).sort(newestFirst);
      expect(times).toEqual(newest.slice(0, hop.limits.edgesMax));
    }
    frontier = nodes.map(({ node }) => node);
    for (const node of frontier) visited.add(nodeKey(node));
  }
}
