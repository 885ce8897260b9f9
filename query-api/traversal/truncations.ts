import type { NodeRef } from '../../graph-store/index.ts';
import type { BudgetKind } from './traversal-budget.ts';

/** What ended a part of a traversal before it had looked at everything that was asked for. */
export type TruncationKind =
  | BudgetKind
  | 'HOP_EDGES'
  | 'NODE_EDGES'
  | 'LOOKBACK'
  | 'SCAN'
  | 'SUPERNODE'
  | 'ANSWER'
  | 'STEPS'
  | 'PAGE';

export interface Truncation {
  /** The first hop is 1. */
  readonly hop: number;
  readonly kind: TruncationKind;
  readonly limit: number;
  readonly edge: string | null;
  /** One of the nodes at which it happened; null when it was at none. */
  readonly node: NodeRef | null;
  /** At how many nodes. */
  readonly nodes: number;
}

/** One a hop, kind and edge type, in the order of hops: however many nodes there are, there are few of these. */
export class Truncations {
  readonly #found = new Map<string, Truncation>();

  add(truncation: Omit<Truncation, 'nodes'>): void {
    const { hop, kind, edge, node } = truncation;
    const key = `${hop} ${kind} ${edge ?? ''}`;
    const before = this.#found.get(key);
    const nodes = (before?.nodes ?? 0) + (node === null ? 0 : 1);
    this.#found.set(key, { ...(before ?? truncation), nodes });
  }

  get any(): boolean {
    return this.#found.size > 0;
  }

  list(): readonly Truncation[] {
    return [...this.#found.values()].sort((a, b) => a.hop - b.hop);
  }
}
