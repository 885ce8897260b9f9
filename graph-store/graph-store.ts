import type { GraphReader } from './graph-reader.ts';
import type { MutationBatch } from './mutation-batch.ts';
import type { Fates, SourcePartition, SourceStatus } from './source-status.ts';
import type { NextTimeToLive, TimeToLive } from './time-to-live.ts';

// An adapter is all of the port: what is asked of it, what it is given, and where it stands.
export type * from './graph-reader.ts';
export type * from './source-status.ts';

export interface Claim {
  /** The new epoch; every `apply` of the claimant carries it. */
  readonly epoch: number;
  /** The first offset not yet applied; null when nothing of this partition was ever applied. */
  readonly next: bigint | null;
}

/** How far one partition moves with a batch. */
export interface Advance {
  readonly source: SourcePartition;
  readonly epoch: number;
  /** Offset of the first record that the batch covers: not below the stored position. */
  readonly from: bigint;
  /** The position after the batch: one past the last record covered. Offsets may have holes. */
  readonly next: bigint;
  /** Fates of the records in this batch alone. */
  readonly fates: Fates;
  /** Greatest event time in the batch; 0 when no event was decoded. */
  readonly newestEventMs: number;
}

/** What became of a batch's node mutations: each counts once. */
export interface Applied {
  /** Rows written. */
  readonly nodeWrites: number;
  /** Left out because the state already was the result. */
  readonly nodeWritesSuppressed: number;
  /** Merged in memory into a row that the same window writes anyway. */
  readonly nodeWritesCoalesced: number;
}

export interface Swept {
  readonly scanned: number;
  readonly removed: number;
  readonly next: Uint8Array | null;
  /** Times to live changed while it looked, so that it removed nothing: `next` is where it began, null where that was the beginning. */
  readonly again?: true;
}

/** The digest of the graph at the position that the partitions had then. */
export interface GraphDigest {
  /** 16 hex digits. */
  readonly hex: string;
  readonly sources: readonly SourceStatus[];
}

/**
 * A graph at one position, in rows that every adapter understands: those of `rows.ts`, without the reverse rows, which repeat the forward ones, and
 * with the origins that lineage names in front. Held open it costs disk, not memory.
 */
export interface GraphSnapshot extends AsyncDisposable {
  readonly sources: readonly SourceStatus[];
  readonly timeToLive: TimeToLive;
  /** Read once. Throws OutageError STORE_READ_FAILED, also when the store is closed meanwhile. */
  rows(): AsyncIterable<readonly [key: Buffer, value: Buffer]>;
}

/** A graph that a store takes over. */
export interface Restorable extends Pick<GraphSnapshot, 'sources' | 'timeToLive' | 'rows'> {
  /**
   * Which graph it is: under the same id the same rows come in the same order. A store that can go on with a restoring that was interrupted, and was
   * opened for that (`resume`), then leaves out those that it has already; without an id a restoring begins once.
   */
  readonly id?: string;
}

/**
 * The store port. One conformance suite (`conformance.ts`) runs on every adapter.
 *
 * Who calls what: composition opens and closes the store; each pipeline calls `claim` once for every partition that is
 * assigned to it and then `apply` for each batch, in the order of the partition's offsets, without waiting for the
 * one before (the adapter applies them in call order and may group several into one durable write).
 *
 * Failures: `OutageError` (disk full, write error): nothing of the batch counts as applied (what may be there nevertheless, `guarantee` says); every
 * batch called after it for any partition is rejected too until the partition is claimed again, so that no gap can open. `FencedError`:
 * another claim came later, or `from` lies below the stored position; claim again and start from its `next`.
 */
export interface GraphStore extends GraphReader {
  /**
   * - `atomic`: a batch's mutations, position and fates are one write. After a failed one nothing of it is there, and reads see whole batches only:
   *   all of those that this process applies. Where several processes share a graph, which of these Neo4j alone allows, a read may see a part of another one's.
   * - `idempotent`: each mutation is a write of its own that carries its version, and the position moves when all of them are durable. After a
   *   failure some of them may be there, and a fenced claimant may still write some; the replay from the position writes them again, which
   *   changes nothing. Reads may see a part of a batch. Positions, fates, and the graph once a replay has come through are the same as with `atomic`.
   */
  readonly guarantee: 'atomic' | 'idempotent';
  /** Bumps the partition's epoch durably and tells where to go on. Any older claimant is fenced from here on. */
  claim(source: SourcePartition): Promise<Claim>;
  /**
   * Applies all mutations, the position and the fates: with `atomic` in one durable write, or nothing. Resolving is the
   * acknowledgement: the batch survives a crash of the process and of the machine.
   */
  apply(advance: Advance, mutations: MutationBatch): Promise<Applied>;
  /** Kept durably, and in force for reads at once; replaces what was set before. */
  setTimeToLive(next: NextTimeToLive): Promise<void>;
  timeToLive(): TimeToLive;
  /**
   * Removes rows that time to live hides: changes no digest, and no answer but that a read which may look at so many rows sees further. Looks at `rowsMax` rows at most and answers
   * where to go on; null when all rows have been looked at, unless it says `again`. Safe beside `apply`.
   */
  sweep(after: Uint8Array | null, rowsMax: number): Promise<Swept>;
  /**
   * Order-free digest of the graph's logical content (nodes, occurrences, steps, tombstones; not positions). Equal graphs have equal digests on every adapter. What time to live hides now is left out, lineage is no part
   * of it. Reads everything.
   */
  digest(): Promise<GraphDigest>;
  /** While batches go on being applied. */
  snapshot(): Promise<GraphSnapshot>;
  /**
   * Takes over a graph with its positions and times to live. Where that graph, by its id, was restored to its end before, and no partition was claimed since,
   * it is there already: nothing is read or written. Throws RefusedError STORE_NOT_EMPTY where there is another graph or a position already;
   * after a failure or a crash the store counts as not restored and is refused by name (StopError STORE_RESTORE_INCOMPLETE) until it is removed, or
   * the same graph is restored to its end.
   */
  restore(snapshot: Restorable): Promise<void>;
  /** Waits for applied batches, then releases files and threads. Idempotent. */
  close(): Promise<void>;
}
