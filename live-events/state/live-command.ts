import type { LiveEvent, Stage } from '../live-event.ts';

export interface StageMove {
  readonly key: string;
  /** Null: by hand from now on. In the past: now. */
  readonly startsAtMs: number | null;
}

/** What can be asked of an event. */
export type LiveCommand =
  | {
      readonly kind: 'create';
      readonly title: string;
      readonly stages: readonly Stage[];
      readonly audience: string | null;
      readonly plan: string | null;
    }
  | {
      readonly kind: 'reschedule';
      readonly moves: readonly StageMove[];
      /** What follows a moved stage and is not moved itself moves as far as that one. */
      readonly movesFollowing: boolean;
    }
  | {
      readonly kind: 'advance';
      /** A later stage; null for the next. */
      readonly to: string | null;
      /** Only while this stage holds, so that two who ask for the next one do not enter two; null: whatever holds. */
      readonly from: string | null;
    }
  | { readonly kind: 'end' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'plan'; readonly plan: string | null }
  | { readonly kind: 'audience'; readonly audience: string | null }
  /** A timer that is due: of which version of the schedule, and for which stage. */
  | { readonly kind: 'clock'; readonly version: number; readonly stage: string };

export type CommandKind = LiveCommand['kind'];

/** Who asks, and why. */
export interface Asking {
  /** `sub` of a token, `operator`, `local`, or `clock`. */
  readonly actor: string;
  readonly reason: string | null;
  /** Refused as stale when it is not the schedule's version; null: whatever it is. */
  readonly expectedVersion: number | null;
}

export interface LiveRequest extends Asking {
  readonly id: string;
  /** Of the journal. */
  readonly epoch: number;
  readonly command: LiveCommand;
}

export type LiveRefusalCode =
  | 'LIVE_EVENT_UNKNOWN'
  | 'LIVE_EVENT_EXISTS'
  | 'LIVE_EVENT_INVALID'
  | 'LIVE_SCHEDULE_INVALID'
  | 'LIVE_TRANSITION_REFUSED'
  | 'LIVE_VERSION_STALE';

export interface LiveRefusal {
  readonly kind: 'refused';
  readonly code: LiveRefusalCode;
  readonly message: string;
}

export function refuse(code: LiveRefusalCode, message: string): LiveRefusal {
  return { kind: 'refused', code, message };
}

/** What a command makes of an event. */
export interface LiveChange {
  readonly kind: 'changed';
  readonly event: LiveEvent;
}

export interface LiveTextLimits {
  readonly stagesMax: number;
  /** In characters. */
  readonly titleLengthMax: number;
  readonly reasonLengthMax: number;
  readonly audienceLengthMax: number;
  readonly actorLengthMax: number;
  readonly planBytesMax: number;
}

export const liveTextLimitsDefault: LiveTextLimits = {
  stagesMax: 32,
  titleLengthMax: 200,
  reasonLengthMax: 500,
  audienceLengthMax: 200,
  actorLengthMax: 200,
  planBytesMax: 262_144,
};
