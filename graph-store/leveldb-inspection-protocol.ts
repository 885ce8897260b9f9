import type { CompareEvent } from './graph-difference.ts';
import type { GraphEstimate } from './graph-store.ts';
import type { GraphTable, GraphTableEncoding } from './graph-table.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import type { SnapshotAbout } from './snapshot-file.ts';
import type { StoreStats, VerifyEvent } from './store-inspection.ts';
import type { TimeToLive } from './time-to-live.ts';

/** Reading everything, on a thread of its own. */
export type InspectionJob =
  | { readonly kind: 'snapshot'; readonly about: SnapshotAbout }
  /** Counting every row. */
  | { readonly kind: 'count'; readonly estimate: GraphEstimate }
  | {
      readonly kind: 'verify';
      readonly faultsMax: number;
      readonly timeToLive: TimeToLive;
      readonly nowMs: number;
    }
  | {
      readonly kind: 'compare';
      /** Where the other graph is, and how it is opened. */
      readonly other: LevelSettings;
      readonly nowMs: number;
      readonly differencesMax: number;
    }
  | {
      readonly kind: 'table';
      readonly table: GraphTable;
      readonly encoding: GraphTableEncoding;
      readonly timeToLive: TimeToLive;
      readonly nowMs: number;
    };

export interface InspectionOrder {
  readonly settings: LevelSettings;
  readonly job: InspectionJob;
}

/** The reader asks for each piece, so the thread is never ahead by more than one. */
export type InspectionRequest = 'next' | 'stop';

export type InspectionReply =
  /** What is read from here on is the store at this moment. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'event'; readonly event: VerifyEvent }
  | { readonly kind: 'compared'; readonly event: CompareEvent }
  | { readonly kind: 'stats'; readonly stats: StoreStats }
  | { readonly kind: 'end' }
  /** The code of one of our errors; null of what is none. */
  | { readonly kind: 'failed'; readonly code: string | null; readonly message: string };
