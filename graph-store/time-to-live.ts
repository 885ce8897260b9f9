/** How long what is known of a type is kept, milliseconds; a type that is not named is kept for ever. */
export interface TimeToLive {
  readonly nodes: Readonly<Record<string, number>>;
  readonly edges: Readonly<Record<string, number>>;
  /** Whose rules these are, by type. Nobody knows of a type that is missing here. The store keeps it and goes by nothing of it. */
  readonly declaredBy?: DeclaredBy;
}

/** Subjects whose mappings declare a type's rule. */
export interface DeclaredBy {
  readonly nodes: Readonly<Record<string, readonly string[]>>;
  readonly edges: Readonly<Record<string, readonly string[]>>;
}

export const keptForEver: TimeToLive = { nodes: {}, edges: {} };

/** The moving tombstones at one moment: up to which event time things of a type are hidden; -1 where nothing is. */
export class Expiry {
  readonly #nodes: ReadonlyMap<string, number>;
  readonly #edges: ReadonlyMap<string, number>;

  constructor({ nodes, edges }: TimeToLive, nowMs: number) {
    this.#nodes = new Map(Object.entries(nodes).map(([type, ttlMs]) => [type, nowMs - ttlMs]));
    this.#edges = new Map(Object.entries(edges).map(([type, ttlMs]) => [type, nowMs - ttlMs]));
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

export function isKeptForEver({ nodes, edges }: TimeToLive): boolean {
  return Object.keys(nodes).length === 0 && Object.keys(edges).length === 0;
}
