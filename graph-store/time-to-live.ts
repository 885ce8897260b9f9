import type { SweptTypes } from './swept-horizon.ts';

/** How long what is known of a type is kept, milliseconds; a type that is not named is kept for ever. */
export interface TimeToLive {
  readonly nodes: Readonly<Record<string, number>>;
  readonly edges: Readonly<Record<string, number>>;
  /** Whose rules these are, by type. Nobody knows of a type that is missing here. The store keeps it and goes by nothing of it. */
  readonly declaredBy?: DeclaredBy;
  /** The store's own, kept whatever rules are set: see `swept-horizon.ts`. */
  readonly swept?: SweptTypes;
}

/** Subjects whose mappings declare a type's rule. */
export interface DeclaredBy {
  readonly nodes: Readonly<Record<string, readonly string[]>>;
  readonly edges: Readonly<Record<string, readonly string[]>>;
}

/** Rules, or what makes them of those that the store has: of no older ones, whatever other processes set meanwhile. It may be asked several times. */
export type NextTimeToLive = TimeToLive | ((stored: TimeToLive) => TimeToLive);

export function timeToLiveAfter(stored: TimeToLive, next: NextTimeToLive): TimeToLive {
  return typeof next === 'function' ? next(stored) : next;
}

export const keptForEver: TimeToLive = { nodes: {}, edges: {} };

export function timeToLiveOf(stored: Buffer | undefined): TimeToLive {
  return stored === undefined ? keptForEver : JSON.parse(stored.toString());
}

/** The moving tombstones at one moment: up to which event time things of a type are hidden; -1 where nothing is. */
export class Expiry {
  readonly #nodes: ReadonlyMap<string, number>;
  readonly #edges: ReadonlyMap<string, number>;

  constructor({ nodes, edges, swept }: TimeToLive, nowMs: number) {
    this.#nodes = hiddenUntil(nodes, swept?.nodes, nowMs);
    this.#edges = hiddenUntil(edges, swept?.edges, nowMs);
  }

  /** No node's time to live hides anything. */
  get keepsNodes(): boolean {
    return this.#nodes.size === 0;
  }

  ofNode(type: string): number {
    return this.#nodes.get(type) ?? -1;
  }

  ofEdge(type: string): number {
    return this.#edges.get(type) ?? -1;
  }
}

export function isKeptForEver({ nodes, edges, swept }: TimeToLive): boolean {
  const hiding = [nodes, edges, swept?.nodes ?? {}, swept?.edges ?? {}];
  return hiding.every((types) => Object.keys(types).length === 0);
}

/** Whether both keep the same for as long, whatever was swept and whoever declares it. */
export function isSameTtl(one: TimeToLive, other: TimeToLive): boolean {
  const isSame = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean =>
    Object.keys(a).length === Object.keys(b).length &&
    Object.entries(a).every(([type, ttlMs]) => b[type] === ttlMs);
  return isSame(one.nodes, other.nodes) && isSame(one.edges, other.edges);
}

function hiddenUntil(
  ttls: Readonly<Record<string, number>>,
  swept: Readonly<Record<string, number>> = {},
  nowMs: number,
): ReadonlyMap<string, number> {
  const hidden = new Map(Object.entries(swept));
  for (const [type, ttlMs] of Object.entries(ttls))
    hidden.set(type, Math.max(hidden.get(type) ?? -1, nowMs - ttlMs));
  return hidden;
}
