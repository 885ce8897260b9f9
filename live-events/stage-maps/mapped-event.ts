import { RefusedError } from '../../foundation/index.ts';
import type { LivePlan } from './live-plan.ts';
import type { FollowingCounts } from './maps-report.ts';
import type { MapsProgress } from './segment-members.ts';
import type { ServedMaps } from './served-maps.ts';
import type { Follower } from './touched-members.ts';

/** Where the stage maps of one event are, in this process. */
export interface MappedEvent {
  readonly event: string;
  state: 'IDLE' | 'WAITING' | 'BUILDING' | 'FAILED';
  progress: MapsProgress;
  failure: { readonly code: string; readonly message: string } | null;
  /** Null: only when somebody asks. */
  againAtMs: number | null;
  /** Somebody asked for what is being made, or made again after something outside did not answer: then it is made in the middle of the event too. */
  isAsked: boolean;
  /** What the newest attempt was made of, by `planHashOf`. */
  attempted: string | null;
  /** What the next is to be made of. */
  wanted: string | null;
  served: ServedMaps | null;
  /** Of what is served, while its members follow their journeys; both or none. */
  following: Following | null;
  wholeAtMs: number;
  done: PromiseWithResolvers<void>;
  readonly counts: FollowingCounts;
}

interface Following {
  readonly plan: LivePlan;
  readonly follower: Follower;
  /** Members changed of whom nobody knows who they are, so all are to be looked at again; until they were, or the event froze before that and it was said. */
  hasMissed: boolean;
}

export function newMappedEvent(event: string): MappedEvent {
  return {
    event,
    state: 'IDLE',
    progress: newProgress(),
    failure: null,
    againAtMs: null,
    isAsked: false,
    attempted: null,
    wanted: null,
    served: null,
    following: null,
    wholeAtMs: 0,
    done: Promise.withResolvers(),
    counts: { evaluated: 0, moved: 0, wholePasses: 0 },
  };
}

export function newProgress(): MapsProgress {
  return { segments: 0, segmentsInAll: 0, members: 0 };
}

export function stopFollowing(mapped: MappedEvent): void {
  mapped.following?.follower.close();
  mapped.following = null;
}

export function mapsFull(eventsMax: number): RefusedError {
  return new RefusedError(
    'LIVE_MAPS_FULL',
    `There are stage maps of ${eventsMax} events that are not over; end or cancel one first.`,
  );
}
