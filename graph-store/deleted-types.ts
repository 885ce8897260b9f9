/**
 * Of which types something was ever deleted: a read of any other type need not look for tombstones, which would be two look-ups a row. One row of the store,
 * written together with the first tombstone of a type; it only grows.
 */
export interface DeletedTypes {
  readonly nodes: ReadonlySet<string>;
  readonly edges: ReadonlySet<string>;
}

export const nothingDeleted: DeletedTypes = { nodes: new Set(), edges: new Set() };

export function encodeDeletedTypes({ nodes, edges }: DeletedTypes): Buffer {
  return Buffer.from(JSON.stringify({ nodes: [...nodes], edges: [...edges] }));
}

export function decodeDeletedTypes(bytes: Buffer | undefined): DeletedTypes {
  if (bytes === undefined) return nothingDeleted;
  const row: { nodes: string[]; edges: string[] } = JSON.parse(bytes.toString());
  return { nodes: new Set(row.nodes), edges: new Set(row.edges) };
}

/** The writer's side. */
export class DeletedTypesSoFar implements DeletedTypes {
  readonly nodes: Set<string>;
  readonly edges: Set<string>;

  constructor(stored: DeletedTypes) {
    this.nodes = new Set(stored.nodes);
    this.edges = new Set(stored.edges);
  }

  /** True when the row has to be written again. */
  add(kind: 'nodes' | 'edges', type: string): boolean {
    if (this[kind].has(type)) return false;
    this[kind].add(type);
    return true;
  }
}
