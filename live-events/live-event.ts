import type { Broadcast } from '../device/index.ts';

/** `custom`: the event's own, such as a round or half-time. `cancelled` is never in a schedule; it follows from a command. */
export type StageKind = 'announced' | 'lobby' | 'live' | 'custom' | 'ended' | 'replay' | 'cancelled';

export interface Stage {
  /** As `isKey` of the protocol has it; unique within the event. */
  readonly key: string;
  readonly kind: StageKind;
  /** Event time, milliseconds; null: entered by hand only. Never before that of a stage that comes earlier. */
  readonly startsAtMs: number | null;
}

/** An event as its journal says it is: what the newest entry left behind. */
export interface LiveEvent {
  readonly id: string;
  readonly title: string;
  /** A frozen audience; null while none was named. */
  readonly audience: string | null;
  /** In their order. */
  readonly stages: readonly Stage[];
  /** Of the stage that holds; `cancelled` when it was called off. */
  readonly stage: string;
  readonly stageKind: StageKind;
  /** The stage holds from then. */
  readonly at: number;
  /** Of the schedule: counts what changed it. */
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly createdMs: number;
  /** What segments are shown: the text of a plan as `stage-maps/` reads it; null while there is none. */
  readonly plan: string | null;
}

/** Who asked for a change: `sub` of a token, `operator`, `local`, or `clock` where a timer did. */
export interface JournalEntry {
  readonly event: string;
  readonly sequence: number;
  readonly timeMs: number;
  readonly actor: string;
  /** What was asked, as people read it. `epoch`: the journal was restored from a copy, and every event begins a new life. */
  readonly command:
    | 'create'
    | 'reschedule'
    | 'advance'
    | 'end'
    | 'cancel'
    | 'clock'
    | 'plan'
    | 'audience'
    | 'epoch';
  readonly reason: string | null;
  /** What it left behind. */
  readonly after: LiveEvent;
}

/** What other parts see of the events; the owner of the journal implements it. */
export interface LiveEvents {
  readonly epoch: number;
  get(id: string): LiveEvent | null;
  list(): readonly LiveEvent[];
  /** Those that followed a cursor's sequence in this epoch, oldest first; null when the journal no longer has all of them. */
  broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null>;
  /** Told of each entry once it is durable, in order. Returns how to stop. */
  watch(listener: (entry: JournalEntry) => void): () => void;
  /** Told of each event that is there no more, once that is durable. Who was not told before a crash finds it missing at the next start. */
  watchRemovals(listener: (event: string) => void): () => void;
}

/** What is left of an event that was removed. */
export interface Removal {
  readonly event: string;
  readonly title: string;
  /** That it had come to. */
  readonly stage: string;
  readonly timeMs: number;
  readonly actor: string;
  readonly reason: string | null;
}

export function broadcastOf(event: Omit<LiveEvent, 'plan'>): Broadcast {
  const { id, epoch, sequence, version, stage, at } = event;
  return { type: 'broadcast', event: id, epoch, sequence, version, stage, at };
}
