import type { SourceJson } from './source-json.ts';

/** All of these go over the network as JSON. */
export interface GraphDifference {
  readonly kind: 'node' | 'edge' | 'step' | 'node-delete' | 'edge-delete';
  /** Such as `Account:ann -WATCHED-> Title:dark`. */
  readonly what: string;
  /** Of an occurrence or a step; null of what has one row whatever happens. */
  readonly timeMs: number | null;
  /** 16 hex digits. */
  readonly occurrence: string | null;
  /** Null where the row is not there. */
  readonly live: DifferingRow | null;
  readonly other: DifferingRow | null;
}

export interface DifferingRow {
  readonly content: Readonly<Record<string, unknown>>;
  /** Which record wrote it last; null when unknown, and of deletes. */
  readonly lineage: LineageJson | null;
}

export interface LineageJson {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly mapping: { readonly subject: string; readonly version: number };
}

export interface ComparedGraph {
  /** Rows that are neither hidden nor said twice. */
  readonly rows: number;
  readonly digest: string;
  /** The position that its side of the comparison holds at. */
  readonly sources: readonly SourceJson[];
}

export interface CompareVerdict {
  readonly isEqual: boolean;
  readonly live: ComparedGraph;
  readonly other: ComparedGraph;
  readonly ranges: number;
  readonly rangesDiffering: number;
  /** Rows of both that were looked at one by one. */
  readonly rowsCompared: number;
  readonly differences: number;
  /** There are more differences: only so many were wanted. */
  readonly hasMore: boolean;
}

export type CompareEvent =
  | { readonly kind: 'progress'; readonly rows: number }
  | { readonly kind: 'difference'; readonly difference: GraphDifference }
  | { readonly kind: 'verdict'; readonly verdict: CompareVerdict };
