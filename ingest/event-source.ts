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

/**
 * What a source calls; the pipeline implements it.
 *
 * Order, for one partition: `assigned`, then `batch` any number of times, each beginning where the one before ended, with a `gap`
 * between two of them when records are missing; then `revoked`, or `assigned` again (after a fence, an outage, a `reclaim`, or a
 * rebalance that left the partition here), which starts over from its answer and need not have been preceded by
 * `revoked`. `assigned`, `batch` and `gap` of one partition never overlap; those of several partitions interleave, and
 * `revoked` and `outage` come at any time, also while an answer is awaited.
 *
 * Acknowledgement: there is none from handler to source. A resolved `batch` means that the next may come, not that anything is
 * durable; only the position in the store is, and it is asked for anew by each `assigned`. So a batch that was taken and not
 * applied is handed over again by the next assignment, and one that was applied is not.
 *
 * What the handler's promises may reject with, and what the source does:
 *
 * | rejection | `assigned` | `batch` |
 * | --- | --- | --- |
 * | `FencedError` | a fault of the handler: it has just claimed | the partition is `assigned` again, at once |
 * | `OutageError` | `outage`, a pause with backoff, `assigned` again | the same; what was fetched is void |
 * | `StopError`, or anything else | the source ends, and `run` rejects with it | the same |
 *
 * The pipeline retries outages itself, so its own calls reject only with the first and the last.
 */
export interface SourceHandler {
  /**
   * The partition is ours from here on: once an assignment, before its first batch. The handler claims it in the store and
   * returns the offset to read from: null means from the earliest record that the log still has. When the log no longer has
   * the returned offset, `gap` comes before any batch.
   */
  assigned(source: SourcePartition): Promise<bigint | null>;
  /**
   * The partition is no longer ours, or the source is ending. What was handed over may still be applied, or be fenced. Also called
   * for a partition whose `assigned` never came or is still unanswered, and not called between two assignments here.
   */
  revoked(source: SourcePartition): void;
  /**
   * Takes the batch over: its records, or none when it only covers holes. Resolves when the source may hand over the next one of this
   * partition, which is the only backpressure there is: it may take hours, and Kafka's heartbeats go on meanwhile.
   * Must settle soon after the `signal` of `run` aborts.
   */
  batch(batch: SourceBatch): Promise<void>;
  /**
   * Records between `expected` and `found` are gone (retention overrun), or the log ends at `found`, before `expected` (it was
   * truncated). Once a gap and assignment. The handler raises the alarm by name and decides: 'skip' goes on at `found`; after
   * 'stop' the source ends: Kafka's `run` rejects with a `StopError` of its own, the embedded log's resolves. The answer to a truncated
   * log must be 'stop', since a position never moves back; Kafka's source takes it for that whatever it is.
   */
  gap(source: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip';
  /**
   * The log cannot be read, or the handler had an outage, and the source is pausing with backoff: told anew with each failed
   * attempt, but not of the first seconds in which a Kafka cluster settles who serves the group. `null`, once, when it is read
   * again. For status and the log. Kafka pauses all partitions of the topic, the embedded log only the one that failed.
   */
  outage(error: Error | null): void;
}

/** How far the log reaches, for lag, and for who wants to have read it all. */
export interface SourceEnd {
  readonly source: SourcePartition;
  /** The first offset that the log still has. */
  readonly low: bigint;
  readonly end: bigint;
}

/**
 * Where events come from: Kafka, the embedded log, an archive. One source serves one topic and one pipeline, which is the only caller
 * of everything but `ends`.
 */
export interface EventSource {
  readonly topic: string;
  /** True while it knows which partitions are its own, which may be none, and reads them. */
  readonly reading: boolean;
  /**
   * Called once, first. Resolves after `signal` aborts, or after `gap` was answered 'stop'; rejects when only a person can help:
   * with a `StopError`, or with a bug as it is. Outages are the source's own business: it pauses with jittered backoff, resumes by
   * itself and says so through `outage`. Nothing of the handler is called once it has settled, and no batch is fetched for it
   * once the signal has aborted.
   */
  run(handler: SourceHandler, signal: AbortSignal): Promise<void>;
  /**
   * Latest known end of each partition; asks the log. For whoever shows lag or waits to have caught up: at any time while `run` is under way, as often as
   * people look.
   *
   * @throws {OutageError} while the log does not answer, or has no such topic.
   * @throws {StopError} when it refuses us.
   */
  ends(): Promise<readonly SourceEnd[]>;
  /**
   * Tells lag tools how far the store is (Kafka: a committed offset). Called when a partition is claimed and
   * after each durable batch of it while it is ours. Best effort by design, since nothing is ever read from it: a source bounds how
   * often it tells others, skips what a newer report replaces, and forgets what it had not told when it ends or loses its connection:
   * the next claim tells it.
   */
  report(source: SourcePartition, next: bigint): void;
  /**
   * Called when an apply failed after its `batch` had resolved, while no `batch` of the partition is under way that could reject:
   * the source calls `assigned` again, after whatever it is doing with this partition, and reads from the answer. Ignored
   * when the partition is not the source's any more.
   */
  reclaim(source: SourcePartition): void;
}
