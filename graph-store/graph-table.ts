import type { NodeView, OccurrenceView, SourceStatus, StepView } from './graph-store.ts';

/** What of the graph goes out as one table. */
export type GraphTable =
  /** Nodes of a type, those that only edges or steps mention included. */
  | { readonly kind: 'nodes'; readonly type: string }
  /** Occurrences of an edge type: an edge is the set of them. */
  | { readonly kind: 'edges'; readonly type: string }
  | { readonly kind: 'steps' };

export type GraphTableRow = NodeRow | EdgeRow | StepRow;

export interface NodeRow extends NodeView {
  readonly kind: 'node';
  /** The newest event that mentioned it. */
  readonly timeMs: number;
}

export interface EdgeRow extends OccurrenceView {
  readonly kind: 'edge';
}

export interface StepRow extends StepView {
  readonly kind: 'step';
}

/** A table at one moment. What is hidden is left out, as it is for every reader. */
export interface GraphTableSource {
  readonly table: GraphTable;
  /** The position that everything here holds at. */
  readonly sources: readonly SourceStatus[];
  /** Each of thousands of rows at most; read once. */
  readonly pages: AsyncIterable<readonly GraphTableRow[]>;
}

/** What makes a table's bytes, in the thread that reads its rows. */
export interface GraphTableEncoding {
  /** The address of a module that calls `serveTable` when a thread begins with it. */
  readonly module: string;
  /** For that module; it goes from thread to thread. */
  readonly options: unknown;
}

export type EncodeTable = (source: GraphTableSource, options: unknown) => AsyncIterable<Uint8Array>;
