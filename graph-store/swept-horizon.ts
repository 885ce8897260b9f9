import type { GraphKey } from './graph-key.ts';
import type { Expiry, TimeToLive } from './time-to-live.ts';

/** Up to which event time all of a type is hidden for good; a type that is not named is not. */
export interface SweptTypes {
  readonly nodes: Readonly<Record<string, number>>;
  readonly edges: Readonly<Record<string, number>>;
}

/** A type whose time to live hides something. */
export interface HidingType {
  readonly kind: 'nodes' | 'edges';
  readonly type: string;
}

/**
 * What sweeps took away of tombstones. A tombstone that time to live hides is removed like any row, so that a deleted id does not outlive its type. Should
 * the type be kept longer later, and older events be replayed, nothing would hide what had been deleted: so all of the type whose time to live hid the
 * tombstone stays hidden up to it. Written together with the removal; it hides nothing that is not hidden already.
 */
export class SweptHorizon {
  readonly #types: Readonly<Record<HidingType['kind'], Map<string, number>>>;

  constructor({ nodes, edges }: SweptTypes = { nodes: {}, edges: {} }) {
    this.#types = { nodes: new Map(Object.entries(nodes)), edges: new Map(Object.entries(edges)) };
  }

  /** A tombstone of that time was removed. True when this changed anything. */
  removed({ kind, type }: HidingType, timeMs: number): boolean {
    const before = this.#types[kind].get(type) ?? -1;
    if (timeMs <= before) return false;
    this.#types[kind].set(type, timeMs);
    return true;
  }

  /** Rules as they are in force beside it. */
  with({ swept: _, ...rules }: TimeToLive): TimeToLive {
    const { nodes, edges } = this.#types;
    if (nodes.size === 0 && edges.size === 0) return rules;
    return { ...rules, swept: { nodes: Object.fromEntries(nodes), edges: Object.fromEntries(edges) } };
  }
}

/** Of a tombstone, the type that hides it up to the latest time; null of any other row. */
export function hidingTypeOf(key: GraphKey, expiry: Expiry): HidingType | null {
  const ofNode = { kind: 'nodes', type: key.node.type } as const;
  if (key.kind === 'tombstone') return ofNode;
  if (key.kind !== 'edge-tombstone') return null;
  const ofOther = { kind: 'nodes', type: key.other.type } as const;
  const untilMs = ({ kind, type }: HidingType): number =>
    kind === 'nodes' ? expiry.ofNode(type) : expiry.ofEdge(type);
  return [ofNode, ofOther].reduce<HidingType>(
    (latest, one) => (untilMs(one) > untilMs(latest) ? one : latest),
    { kind: 'edges', type: key.type },
  );
}
