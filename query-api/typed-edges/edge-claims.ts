import { type GraphSchema, graphqlFieldName } from '../../schemas/index.ts';
import { compare } from '../typed-names.ts';
import type { Turn, TypedPlan } from '../typed-plan.ts';

/** One side of an edge type at a node type. */
export interface EdgeClaim {
  readonly nodeType: string;
  readonly edgeType: string;
  readonly direction: 'out' | 'in';
  /** Node types at the far end, sorted. */
  readonly far: readonly string[];
  readonly turn: Turn;
}

/** `watched` at the node that an edge `WATCHED` leaves, `watchedFrom` at the node that it leads to. */
export function edgeFieldName(edgeType: string, direction: 'out' | 'in'): string {
  const name = graphqlFieldName(edgeType);
  return direction === 'out' ? name : `${name}From`;
}

/** How the graph schema is said in warnings: `Account-[WATCHED]->`. */
export function edgePath({ nodeType, edgeType, direction }: Omit<EdgeClaim, 'far' | 'turn'>): string {
  return direction === 'out' ? `${nodeType}-[${edgeType}]->` : `${nodeType}<-[${edgeType}]-`;
}

/** All sides that there are or were, forward ones first: a reverse field never takes the name of a forward one that is as old. */
export function edgeClaims(graph: GraphSchema, before: TypedPlan): readonly EdgeClaim[] {
  const had = new Map<string, EdgeClaim>();
  for (const { nodeType, edges } of before.nodes) {
    for (const { edgeType, direction, far } of edges) {
      const claim: EdgeClaim = { nodeType, edgeType, direction, far, turn: 2 };
      had.set(edgePath(claim), claim);
    }
  }
  const claims = new Map(had);
  const declare = (nodeType: string, edgeType: string, direction: 'out' | 'in', far: string): void => {
    const path = edgePath({ nodeType, edgeType, direction });
    const known = claims.get(path)?.far ?? [];
    const ends = known.includes(far) ? known : [...known, far].sort(compare);
    claims.set(path, { nodeType, edgeType, direction, far: ends, turn: had.has(path) ? 0 : 1 });
  };
  for (const { name, ends } of graph.edgeTypes) {
    for (const { from, to } of ends) {
      declare(from, name, 'out', to);
      declare(to, name, 'in', from);
    }
  }
  return [...claims.values()].sort(
    (a, b) =>
      compare(b.direction, a.direction) || compare(a.edgeType, b.edgeType) || compare(a.nodeType, b.nodeType),
  );
}
