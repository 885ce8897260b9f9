import type { Applied, Fates, MutationCounts, SourcePartition } from '../graph-store/index.ts';

export type PipelineState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly why: string; readonly sinceMs: number }
  | { readonly kind: 'finished' }
  | { readonly kind: 'stopped'; readonly code: string; readonly why: string };

export interface Gap {
  readonly source: SourcePartition;
  readonly expected: bigint;
  readonly found: bigint;
  readonly atMs: number;
}

export interface PartitionStatus {
  readonly source: SourcePartition;
  /** True while the partition is ours. */
  readonly assigned: boolean;
  /** The first offset that is not durable yet; null before anything was. */
  readonly position: bigint | null;
  /** The log's end as last heard; null before the first batch. */
  readonly end: bigint | null;
  /** Records behind the end, holes included; null while one of the two is unknown. */
  readonly lag: bigint | null;
  /** Of what this process made durable. */
  readonly fatesSinceStart: Fates;
  /** Greatest event time made durable by this process; 0 when there was none. */
  readonly newestEventMs: number;
}

export interface PipelineStatus {
  readonly topic: string;
  readonly state: PipelineState;
  /** True while it is known which partitions of the topic are this process's own, which may be none, and they are read. */
  readonly reading: boolean;
  readonly partitions: readonly PartitionStatus[];
  /** Sum over all partitions. */
  readonly fatesSinceStart: Fates;
  /** Now minus the newest event time made durable; null when there was none. */
  readonly freshnessMs: number | null;
  /** Of all pipelines that share the budget. */
  readonly inFlightBytes: number;
  /** What became of the node mutations that this process made durable: what was saved by leaving out and by merging. */
  readonly nodeWritesSinceStart: Applied;
  /** Mutations of superseded records, which never came to the store. */
  readonly supersededSinceStart: MutationCounts;
  /** The last gap found in the log; null when there was none. */
  readonly gap: Gap | null;
}

export const noFates: Fates = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };

export function addFates(a: Fates, b: Fates): Fates {
  return {
    consumed: a.consumed + b.consumed,
    applied: a.applied + b.applied,
    superseded: a.superseded + b.superseded,
    filtered: a.filtered + b.filtered,
    deadLettered: a.deadLettered + b.deadLettered,
  };
}

export const noNodeWrites: Applied = { nodeWrites: 0, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 };

export function addNodeWrites(a: Applied, b: Applied): Applied {
  return {
    nodeWrites: a.nodeWrites + b.nodeWrites,
    nodeWritesSuppressed: a.nodeWritesSuppressed + b.nodeWritesSuppressed,
    nodeWritesCoalesced: a.nodeWritesCoalesced + b.nodeWritesCoalesced,
  };
}
