import type { CompareEvent, SourceJson } from '../graph-store/index.ts';

export interface ListedGraph {
  readonly name: string;
  readonly state: 'live' | 'previous' | 'shadow';
  readonly folder: string;
  /** Null of one that cannot be read now: open elsewhere, such as while a replay fills it, damaged, or not restored to its end. */
  readonly sources: readonly SourceJson[] | null;
}

export interface Switched {
  readonly live: string;
  readonly previous: string | null;
  /** Records that the graph reads again from the log to be where the one before it was. */
  readonly behind: string;
  /** Replays, and dead letters that were applied again, of the graph before that this one has not. */
  readonly missing: readonly string[];
}

/** What operators ask about the graphs of a data folder; composition implements it. */
export interface GraphOperations {
  list(): Promise<readonly ListedGraph[]>;
  /** The live graph with another one. Throws RefusedError (GRAPH_UNKNOWN, GRAPH_NAME_INVALID); StopError STORE_FORMAT and the like. */
  compare(other: string, differencesMax: number): Promise<AsyncGenerator<CompareEvent>>;
  /** Throws RefusedError (GRAPH_UNKNOWN, GRAPH_INCOMPLETE, GRAPH_BEHIND, GRAPH_GAP, GRAPH_BUSY, GRAPH_IN_FORCE); then it has changed nothing. */
  switchTo(name: string, behindMax: bigint): Promise<Switched>;
  /** To the graph before. Throws RefusedError GRAPH_NO_PREVIOUS as well. */
  back(behindMax: bigint): Promise<Switched>;
  /** Throws RefusedError (GRAPH_UNKNOWN, GRAPH_IN_FORCE, GRAPH_BUSY); StopError STORE_LOCKED. */
  drop(name: string): Promise<void>;
}

export const behindMaxDefault = 100_000n;
