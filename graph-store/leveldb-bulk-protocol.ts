import type { FarEndsQuery, PackedFarEndsPage } from './bulk-reads.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import type { TimeToLive } from './time-to-live.ts';

export interface BulkThreadOrder {
  readonly settings: LevelSettings;
}

/** What hides at the moment of asking. */
interface Hiding {
  readonly timeToLive: TimeToLive;
  readonly nowMs: number;
}

export type BulkThreadRequest =
  | {
      readonly kind: 'ends';
      readonly id: number;
      readonly hiding: Hiding;
      readonly query: Omit<FarEndsQuery, 'keep'>;
    }
  | {
      readonly kind: 'check';
      readonly id: number;
      readonly hiding: Hiding;
      readonly type: string;
      /** With a NUL between them: one text is far cheaper to hand over than one each. */
      readonly ids: string;
      readonly names: readonly string[];
      readonly condition: unknown;
    }
  | { readonly kind: 'stop' };

export type BulkThreadReply =
  | { readonly kind: 'ends'; readonly id: number; readonly page: PackedFarEndsPage }
  | { readonly kind: 'checked'; readonly id: number; readonly verdicts: Uint8Array }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
