import type { Applied, Claim, Fates, SourcePartition } from './graph-store.ts';
import type { EventOrigin } from './model.ts';
import type { HidingType } from './swept-horizon.ts';
import type { TimeToLive } from './time-to-live.ts';

/** Settings of the embedded store. All are bounds; composition passes them from the settings table. */
export interface LevelSettings {
  /** The folder that holds the database; made when missing. */
  readonly folder: string;
  /** Uncompressed table blocks that LevelDB keeps in memory. */
  readonly blockCacheBytes: number;
  /** Node rows that the writer keeps in memory, so that a merge need not read. */
  readonly nodeCacheBytes: number;
  /** LevelDB's memory table; up to two are held, and a restart replays as much. */
  readonly writeBufferBytes: number;
  /** LevelDB's table files; larger than its default, so that a merge opens fewer of them. */
  readonly tableBytesMax: number;
  /** Of blocks in new tables. */
  readonly compression: 'snappy' | 'none';
  /**
   * The coalescing window: batches that wait are merged and written together up to so many bytes and events (a batch is never split), and a
   * window that is not full waits so long for more, from its first batch on, while LevelDB has nothing else to write.
   */
  readonly windowBytesMax: number;
  readonly windowEventsMax: number;
  readonly windowMs: number;
  /** Rows of one group that are put in order together; a larger group is put in parts. */
  readonly queuedRowsMax: number;
  readonly maxOpenFiles: number;
  /** Bytes of steps and occurrences from which on a new stretch of event time begins: see `stretches.ts`. */
  readonly stretchBytes: number;
  /** The newest edges of nodes that were asked for lately. */
  readonly headCacheBytes: number;
}

export const defaultLevelSettings = {
  blockCacheBytes: 16 * 2 ** 20,
  nodeCacheBytes: 48 * 2 ** 20,
  writeBufferBytes: 48 * 2 ** 20,
  tableBytesMax: 8 * 2 ** 20,
  compression: 'snappy',
  windowBytesMax: 8 * 2 ** 20,
  windowEventsMax: 20_000,
  windowMs: 0,
  queuedRowsMax: 2 ** 21,
  maxOpenFiles: 512,
  stretchBytes: 2 ** 31,
  headCacheBytes: 64 * 2 ** 20,
} as const satisfies Omit<LevelSettings, 'folder'>;

/** What the writer's thread is started with. */
export interface WriterOrder {
  readonly settings: LevelSettings;
  /** How many stretches there are: see `Level`. */
  readonly stretches: SharedArrayBuffer;
}

export interface ApplyRequest {
  readonly kind: 'apply';
  readonly id: number;
  readonly source: SourcePartition;
  readonly epoch: number;
  readonly from: bigint;
  readonly next: bigint;
  readonly fates: Fates;
  readonly newestEventMs: number;
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  readonly eventCount: number;
  readonly origins: readonly EventOrigin[];
}

export interface ClaimRequest {
  readonly kind: 'claim';
  readonly id: number;
  readonly source: SourcePartition;
}

/** Rows that time to live hides, each up to which event time. */
export interface RemoveRequest {
  readonly kind: 'remove';
  readonly id: number;
  readonly rows: readonly {
    readonly key: Uint8Array;
    readonly hiddenMs: number;
    /** Of a tombstone. */
    readonly hiding: HidingType | null;
  }[];
}

export interface TimeToLiveRequest {
  readonly kind: 'time-to-live';
  readonly id: number;
  readonly rules: TimeToLive;
}

export interface CloseRequest {
  readonly kind: 'close';
}

export type WriterRequest = ApplyRequest | ClaimRequest | RemoveRequest | TimeToLiveRequest | CloseRequest;

/** An error that crosses threads: classes do not survive the crossing, so the receiver builds it again. */
export interface Rejection {
  readonly reaction: 'fenced' | 'outage';
  readonly code: string;
  readonly message: string;
}

export type WriterReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied'; readonly id: number; readonly applied: Applied }
  | { readonly kind: 'claimed'; readonly id: number; readonly claim: Claim }
  /** `rules` are those in force from then on, with what sweeps took away of tombstones; null when they stay as they are. */
  | {
      readonly kind: 'removed';
      readonly id: number;
      readonly removed: number;
      readonly rules: TimeToLive | null;
    }
  | { readonly kind: 'kept'; readonly id: number; readonly rules: TimeToLive }
  | { readonly kind: 'rejected'; readonly id: number; readonly error: Rejection }
  /** A write failed: this writer takes no more; the store must be opened again. */
  | { readonly kind: 'broken'; readonly error: Rejection };
