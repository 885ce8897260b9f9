import type { Clock, Log } from '../../foundation/index.ts';
import type { LiveEvents } from '../live-event.ts';
import type { LevelStageMaps } from './level-stage-maps.ts';
import type { MaterializerParts } from './materializer.ts';
import type { TouchedMembers } from './touched-members.ts';

export interface StageMapsLimits {
  /** Events that have stage maps. */
  readonly eventsMax: number;
  /** Between two looks at members whose journeys changed, and how many of each event one look takes: together the rate. */
  readonly passMs: number;
  readonly passMembersMax: number;
  /** The least between two times that all members of an event are looked at without anybody having asked. */
  readonly wholePassMs: number;
  /** After something outside did not answer. */
  readonly retryMs: number;
}

export const stageMapsLimitsDefault: StageMapsLimits = {
  eventsMax: 64,
  passMs: 5000,
  passMembersMax: 5000,
  wholePassMs: 300_000,
  retryMs: 30_000,
};

export interface StageMapsParts extends Omit<MaterializerParts, 'signal' | 'store'> {
  readonly events: Pick<LiveEvents, 'get' | 'list' | 'watch' | 'watchRemovals'>;
  readonly store: LevelStageMaps;
  readonly touched: TouchedMembers;
  /** False where other processes write the same graph: what they apply nobody tells us, so all members are looked at each `wholePassMs`. */
  readonly seesAllWrites: boolean;
  readonly clock: Clock;
  readonly log: Log;
}
