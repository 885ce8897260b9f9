import type { BulkReads } from './bulk-reads.ts';
import type { NodeRef, Property, PropertyValue, StepLink } from './model.ts';
import type { SourceStatus } from './source-status.ts';

/** Which record wrote something last, and what it was read with. */
export interface Lineage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** The writer's schema; -1 where it goes by GUID. */
  readonly schemaId: number;
  readonly mapping: { readonly subject: string; readonly version: number };
}

export interface NodeView {
  readonly node: NodeRef;
  /** Sorted by name; `timeMs` is the event time of the write that won, of a set the newest of its elements'. */
  readonly properties: readonly {
    readonly name: string;
    /** A sorted list of a set's elements. */
    readonly value: PropertyValue | readonly PropertyValue[];
    readonly timeMs: number;
  }[];
  /** Of what changed its properties last or, of a node without any, of its newest edge or step. Null when unknown. */
  readonly lineage: Lineage | null;
}

export interface StepView {
  readonly owner: NodeRef;
  readonly timeMs: number;
  readonly occurrence: bigint;
  readonly domain: string;
  readonly action: string;
  /** Links to nodes that have been deleted since are left out. */
  readonly links: readonly StepLink[];
  readonly properties: readonly Property[];
  /** Null when unknown. */
  readonly lineage: Lineage | null;
}

/** A place in a time-ordered list: stable under concurrent writes because it names a key, not a count. */
export interface TimePosition {
  readonly timeMs: number;
  readonly occurrence: bigint;
}

export type TimeOrder = 'oldest-first' | 'newest-first';

/** Times are milliseconds since the Unix epoch; `sinceMs` inclusive, `untilMs` exclusive. */
export interface JourneyQuery {
  readonly of: NodeRef;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Only steps of these domains; null for all. */
  readonly domains: readonly string[] | null;
  /** Only steps with a link of one of these edge types, whatever became of the node at its end; absent or null for all. */
  readonly edgeTypes?: readonly string[] | null;
  readonly order: TimeOrder;
  /** Exclusive; null for the beginning. */
  readonly after: TimePosition | null;
  /** At most so many steps in the page; 1 or more. */
  readonly limit: number;
  /** At most so many rows are looked at, hidden and filtered ones included; 1 or more. */
  readonly scanMax: number;
  /** The page ends with the step that brings its rows' values to so many bytes: the bound plus one step at most. */
  readonly bytesMax: number;
}

export interface JourneyPage {
  readonly steps: readonly StepView[];
  readonly scanned: number;
  /** True when more steps may follow the last one of the page (or the last row looked at). */
  readonly more: boolean;
  /** True when `scanMax` (then `scanned` has come to it) or `bytesMax` ended the page before `limit` or the end of the journey did. */
  readonly truncated: boolean;
  /** Where the next page starts after; null when nothing was looked at. */
  readonly last: TimePosition | null;
}

/** A step as it is stored, but for links that lead to hidden nodes. What lies in `value` from `at` on, {@link StepParts} tells. */
export interface PackedStep {
  readonly value: Buffer;
  readonly at: number;
  readonly timeMs: number;
  position(): TimePosition;
}

/** A page of a journey in as few objects as its engine can give it. */
export interface JourneyRows extends Omit<JourneyPage, 'steps'> {
  /** The steps as they are stored; null where an engine has them as objects, or a row holds more than is to be seen. */
  readonly rows: readonly PackedStep[] | null;
  /** The same as objects, made when they are first asked for. */
  steps(): readonly StepView[];
}

/** A place among a node's occurrences of one type: an event may have left several, which are told apart by their far ends. */
export interface OccurrencePosition extends TimePosition {
  readonly far: NodeRef;
  /** Null of an edge of which there is one a pair. */
  readonly key: string | null;
}

export interface AdjacencyQuery {
  readonly of: NodeRef;
  readonly type: string;
  readonly direction: 'out' | 'in';
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Exclusive; absent for the newest. */
  readonly after?: OccurrencePosition | null;
  /** Newest first. At most so many visible occurrences; 1 or more. */
  readonly limit: number;
  readonly scanMax: number;
  /** True: who, when and which event alone. Properties come empty and lineage null; a row costs half as much. */
  readonly endsOnly?: boolean;
}

export interface OccurrenceView {
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  /** Null of an edge of which there is one a pair. */
  readonly key: string | null;
  readonly timeMs: number;
  readonly occurrence: bigint;
  readonly properties: readonly Property[];
  /** Null when unknown. */
  readonly lineage: Lineage | null;
}

export interface AdjacencyPage {
  readonly occurrences: readonly OccurrenceView[];
  readonly scanned: number;
  readonly truncated: boolean;
  /** The last row looked at, hidden ones included: where the next page starts after. Null when nothing was looked at. */
  readonly last: OccurrencePosition | null;
}

/**
 * What an adjacency page tells when `endsOnly` is asked for, decoded row by row where somebody looks: a hop reads several times the rows that it keeps.
 * Rows are counted from 0, newest first.
 */
export interface EndsPage {
  readonly count: number;
  readonly scanned: number;
  readonly truncated: boolean;
  /** Of the last row looked at; null when nothing was. */
  readonly lastMs: number | null;
  /** As {@link AdjacencyPage.last}. */
  last(): OccurrencePosition | null;
  timeMs(at: number): number;
  /** Type, a NUL and id of the far end: equal where the node is. */
  farName(at: number): string;
  view(at: number): OccurrenceView;
}

export interface DegreeQuery {
  readonly of: NodeRef;
  readonly type: string;
  readonly direction: 'out' | 'in';
  readonly sinceMs: number;
  readonly untilMs: number;
  /** At most so many rows are looked at; 1 or more. */
  readonly scanMax: number;
}

/** The machines that a store is on, as its driver knows them now. */
export interface ClusterState {
  readonly nodes: number;
  readonly nodesUp: number;
  /** Of each row, as it was when the store was opened. */
  readonly copies: number;
}

/** How many occurrences there are at one side of a node. */
export interface DegreeView {
  readonly count: number;
  /**
   * True: so many are visible. False: there were more than `scanMax` rows, and `count`, never below what was looked at, is estimated from
   * what the engine knows without reading them; deletes of the other ends are not taken off.
   */
  readonly exact: boolean;
}

/**
 * How the values of an edge's property become one: that of the newest or oldest occurrence that has it, the least or greatest, their sum, or
 * all distinct ones. Nulls count for none but `last` and `first`.
 */
export type Fold = 'last' | 'first' | 'min' | 'max' | 'sum' | 'set';

export interface EdgeQuery {
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  /** The edge of this key; null takes all edges of the type between the two for one. */
  readonly key: string | null;
  /** By property; `last` where none is named. */
  readonly folds: ReadonlyMap<string, Fold>;
  /** At most so many of the newest occurrences of this type that leave `from` are looked at, whatever they lead to. */
  readonly scanMax: number;
}

/** The fold of an edge's visible occurrences. */
export interface EdgeView {
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  readonly key: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Distinct events that touched this edge. */
  readonly count: number;
  /** Sorted by name. A set is a sorted list. */
  readonly properties: readonly (readonly [name: string, value: PropertyValue | readonly PropertyValue[]])[];
  /** Of the newest occurrence; null when unknown. */
  readonly lineage: Lineage | null;
  /** True when `scanMax` ended the scan: all folds then cover only what was looked at. Also when a set came to `setElementsMax`: it may have more. */
  readonly truncated: boolean;
}

export interface GraphEstimate {
  /** Distinct nodes and edges ever mentioned, estimated (HyperLogLog): see {@link GraphReader.estimate}. */
  readonly nodes: number;
  readonly edges: number;
  /** One standard error of the estimate as a share, such as 0.016. */
  readonly relativeError: number;
}

/** What `query-api` may do with the store. Reads see whole batches only (of other processes: see `guarantee`) and may run while batches are applied. */
export interface GraphReader {
  /**
   * Null when the node does not exist (never mentioned, or nothing newer than its tombstone). A store may pass over only so many edges
   * that time to live hides until they are swept: a node that nothing but edges mention then counts as there, of unknown lineage.
   */
  node(ref: NodeRef): Promise<NodeView | null>;
  /** What `node` answers for each, at one moment of the store; `readsAtOnceMax` at most. Aborted it throws the signal's reason. */
  nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]>;
  journey(query: JourneyQuery): Promise<JourneyPage>;
  /** What `journey` answers, in rows. Undefined where an engine's steps come as objects anyway: then that is to be asked ({@link journeyRowsOf}). */
  readonly journeyRows?: ((query: JourneyQuery) => Promise<JourneyRows>) | undefined;
  adjacency(query: AdjacencyQuery): Promise<AdjacencyPage>;
  /** What `adjacency` answers for each, at one moment of the store: a hop from many nodes. `readsAtOnceMax` at most. Aborted it throws the signal's reason. */
  adjacencies(queries: readonly AdjacencyQuery[], signal?: AbortSignal): Promise<readonly AdjacencyPage[]>;
  /**
   * What `adjacencies` answers with `endsOnly`, in far fewer objects. Undefined where an engine's rows come as objects anyway: then that is to be asked
   * ({@link endsOf}).
   */
  readonly ends?:
    | ((queries: readonly AdjacencyQuery[], signal?: AbortSignal) => Promise<readonly EndsPage[]>)
    | undefined;
  /** Bounded by `scanMax`, whatever the degree is. */
  degree(query: DegreeQuery): Promise<DegreeView>;
  /** Null when no visible occurrence is found. Throws RefusedError FOLD_INVALID when a `sum` meets what is no number. */
  edge(query: EdgeQuery): Promise<EdgeView | null>;
  /** One row a partition ever claimed, sorted by topic and partition. */
  sources(): Promise<readonly SourceStatus[]>;
  /** Of a store on several machines, without asking them. Undefined where there is one. */
  readonly cluster?: (() => ClusterState) | undefined;
  /** Cheap and approximate, for people; equality is proved by {@link GraphStore.digest}. */
  estimate(): Promise<GraphEstimate>;
  /** Reads over very many nodes. */
  readonly bulk: BulkReads;
}
