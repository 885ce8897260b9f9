import type { TimeToLive } from '../../graph-store/index.ts';

/** A type of the graph that time to live hides what is old of. */
export interface HiddenType {
  readonly kind: 'node' | 'edge';
  readonly type: string;
  /** Up to which event time. */
  readonly beforeMs: number;
  /** Something of it was ever deleted. */
  readonly hasTombstones: boolean;
}

export interface HiddenTypes {
  readonly types: readonly HiddenType[];
  /** No mapped type is kept for ever, so a file that is older than all horizons leaves nothing to be seen. */
  readonly hidesAll: boolean;
}

export interface MappedTypes {
  readonly nodes: readonly string[];
  readonly edges: readonly string[];
}

/** Of the types that a replay's mappings write. */
export function hiddenTypes(
  rules: TimeToLive,
  mapped: MappedTypes,
  deleted: { readonly nodes: ReadonlySet<string>; readonly edges: ReadonlySet<string> },
  nowMs: number,
): HiddenTypes {
  const of = (
    kind: HiddenType['kind'],
    types: readonly string[],
    ttls: Readonly<Record<string, number>>,
    tombstones: ReadonlySet<string>,
  ): HiddenType[] =>
    types.flatMap((type) => {
      const ttlMs = Object.hasOwn(ttls, type) ? ttls[type] : undefined;
      if (ttlMs === undefined) return [];
      return [{ kind, type, beforeMs: nowMs - ttlMs, hasTombstones: tombstones.has(type) }];
    });
  const types = [
    ...of('node', mapped.nodes, rules.nodes, deleted.nodes),
    ...of('edge', mapped.edges, rules.edges, deleted.edges),
  ];
  const mappedCount = mapped.nodes.length + mapped.edges.length;
  return { types, hidesAll: mappedCount > 0 && types.length === mappedCount };
}
