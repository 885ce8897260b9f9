import type { SourcePartition } from '../../graph-store/index.ts';
import type { SourceRecord } from '../event-source.ts';

/** A partition of `<topic>.dlq`, and how far it reached when it was asked. */
export interface LetterPartition {
  readonly source: SourcePartition;
  /** The first offset that is still there. */
  readonly low: bigint;
  readonly end: bigint;
}

/** Where dead letters lie, for whoever reads them again. Reading leaves no trace there: no group, nothing committed. */
export interface LetterLog {
  /** Of `<topic>.dlq`; empty when the topic never had a dead letter. Throws `OutageError` or `StopError` as sources do. */
  partitions(topic: string): Promise<readonly LetterPartition[]>;
  /** Records from `from` up to the partition's `end`, in offset order. Ends early when `signal` aborts. */
  read(partition: LetterPartition, from: bigint, signal: AbortSignal): AsyncIterable<readonly SourceRecord[]>;
  close(): Promise<void>;
}
