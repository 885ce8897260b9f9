import type { GraphSchema } from '../schemas/index.ts';

/** `elsewhere`: other processes read it, and what keeps them is theirs to say. */
export type TopicStateKind = 'idle' | 'running' | 'paused' | 'finished' | 'stopped' | 'elsewhere';

/** What only the running process knows about a topic; positions and fates come from the store. */
export interface TopicState {
  readonly topic: string;
  readonly state: TopicStateKind;
  /** Why it is paused or stopped; null while nothing is wrong. */
  readonly reason: string | null;
  /** Now minus the newest event time made durable, milliseconds; null when there was none since the start. */
  readonly freshnessMs: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly topicId: string;
    readonly lag: bigint | null;
    /** For at most so long has the oldest record waited that is not applied, milliseconds; 0 while none waits, null while unknown. */
    readonly waitedMs: number | null;
  }[];
}

export interface MappingProblemState {
  readonly path: string;
  readonly sentence: string;
}

/** Which mapping a subject's events go by. */
export interface MappingState {
  readonly subject: string;
  /** Where it is registered; null while no version carries a mapping. */
  readonly inForce: { readonly subject: string; readonly version: number } | null;
  /** A newer version that is not in force because something is wrong with it. */
  readonly alarm: {
    readonly code: string;
    readonly subject: string;
    readonly version: number;
    readonly problems: readonly MappingProblemState[];
    readonly sinceMs: number;
  } | null;
}

/** A table in which mappings look rows up; counts are of this process. */
export interface TableState {
  readonly topic: string;
  readonly usable: boolean;
  readonly rows: number;
  readonly bytes: number;
  readonly missing: number;
  readonly waits: number;
  readonly unreadable: number;
}

export interface NodeWriteState {
  readonly written: number;
  readonly suppressed: number;
  readonly coalesced: number;
}

/** Mutations by kind. */
export interface MutationState {
  readonly node: number;
  readonly edge: number;
  readonly step: number;
}

/** The API's view of the pipelines beside it. Composition implements it; all calls are cheap and synchronous. */
export interface StatusReader {
  readonly version: string;
  readonly startedAtMs: number;
  topics(): readonly TopicState[];
  /** The union of all mappings in force. */
  graphSchema(): GraphSchema;
  /** One for each subject met so far. */
  mappings(): readonly MappingState[];
  /** What became of node mutations since the start of this process. */
  nodeWrites(): NodeWriteState;
  /** Mutations since the start of this process that superseded records did not cost the store. */
  supersededMutations(): MutationState;
  /** Those that a mapping has asked for. */
  tables(): readonly TableState[];
  /** False while requests should go elsewhere: starting, stopping, or nothing of ours runs any more. */
  ready(): boolean;
  /** Milliseconds from event time to durable over about the last minute, within 5 %; null when nothing came. */
  freshnessQuantileMs(share: number): number | null;
}
