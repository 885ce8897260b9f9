import type { SourcePartition } from '../graph-store/index.ts';

/** Key, bytes and headers at (topic, partition, offset), as the producer wrote them. */
export interface SourceRecord {
  readonly offset: bigint;
  /** The producer's or the broker's timestamp, milliseconds since the Unix epoch; -1 when there is none. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone of a compacted topic. */
  readonly value: Uint8Array | null;
  /** A header may repeat; null when the record has none. */
  readonly headers: readonly SourceHeader[] | null;
}

export interface SourceHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Records of one partition in offset order. Offsets may have holes (compaction, aborted transactions). */
export interface SourceBatch {
  readonly source: SourcePartition;
  readonly records: readonly SourceRecord[];
  /** The first offset that this fetch asked for: at or below the first record's. */
  readonly from: bigint;
  /** One past the last offset that this fetch covers, trailing holes included. */
  readonly next: bigint;
  /** The partition's end as last heard from the log: one past its last record. */
  readonly end: bigint;
}

/** What a source calls. All calls for one partition come one after another; partitions may interleave. */
export interface SourceHandler {
  /**
   * The partition is ours from here on. The handler claims it in the store and returns the offset to read from: null
   * means from the earliest record that the log still has. Called before the first batch of each assignment.
   * When the log no longer has the returned offset, the source raises the gap through `gap` before any batch.
   */
  assigned(source: SourcePartition): Promise<bigint | null>;
  /** The partition is no longer ours; batches already handed over may still be applied or be fenced. */
  revoked(source: SourcePartition): void;
  /**
   * Takes the batch over. Resolves when the source may hand over the next one of this partition (backpressure), which
   * does not mean durable: the position lives in the store and the source never commits one on its own account.
   * Rejects with `FencedError`: the source calls `assigned` again and reads from its answer.
   * Any other rejection ends the source: it stops and `run` rejects with it.
   */
  batch(batch: SourceBatch): Promise<void>;
  /**
   * Records between `expected` and `found` are gone (retention overrun, or a topic truncated). The handler raises the
   * alarm by name and decides: returns 'stop', or 'skip' when the operator's setting allows to go on at `found`.
   */
  gap(source: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip';
  /** The source cannot reach its log and is pausing with backoff; `null` when it is back. For status and the log. */
  outage(error: Error | null): void;
}

/** How far the log reaches, for lag. */
export interface SourceEnd {
  readonly source: SourcePartition;
  readonly end: bigint;
}

/**
 * Where events come from: Kafka, the embedded log, an archive. One source serves one topic.
 *
 * Composition calls `run` once; it resolves after `signal` aborts (no batch is handed over after that) and rejects only
 * with an error whose reaction is `stop`. Outages are the source's own business: it pauses with jittered backoff, resumes by
 * itself and says so through `outage`.
 */
export interface EventSource {
  readonly topic: string;
  run(handler: SourceHandler, signal: AbortSignal): Promise<void>;
  /** Latest known end of each partition; asks the log. Throws `OutageError`. */
  ends(): Promise<readonly SourceEnd[]>;
  /**
   * Tells lag tools how far the store is (Kafka: a committed offset). Best effort by design: nothing is read from it.
   * Called after each durable batch: a source that tells others bounds how often, and always tells the last one.
   */
  report(source: SourcePartition, next: bigint): void;
  /**
   * Called when an apply failed after its `batch` had resolved, while no `batch` of the partition is under way that could reject:
   * the source calls `assigned` again, after whatever it is doing with this partition, and reads from the answer. Ignored
   * when the partition is not the source's any more.
   */
  reclaim(source: SourcePartition): void;
}
