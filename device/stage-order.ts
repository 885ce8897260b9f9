/** As `live-events` has them. */
export type StageKind = 'announced' | 'lobby' | 'live' | 'custom' | 'ended' | 'replay' | 'cancelled';

/** A stage of the schedule, as it is prefetched. */
export interface ScheduledStage {
  readonly key: string;
  readonly kind: StageKind;
  /** By the server's clock, epoch milliseconds; null: entered by hand only. */
  readonly startsAtMs: number | null;
}

/** In their order; what `LiveEvent.stage` says of an event that was called off is in no schedule. */
export type Schedule = readonly ScheduledStage[];

const cancelledKey = 'cancelled';

/**
 * Whether a stage may be shown after the one that is. Of a key that the schedule at hand lacks the order is not known: then the sequence of the
 * broadcast, which is newer, decides, because a producer never goes back.
 */
export function mayFollow(schedule: Schedule, shown: string | null, next: string): boolean {
  if (shown === null || shown === next) return true;
  if (shown === cancelledKey) return false;
  const from = rankOf(schedule, shown);
  if (next === cancelledKey) return !isOver(schedule[from]);
  const to = rankOf(schedule, next);
  return from === -1 || to === -1 || to > from;
}

/**
 * What the schedule lets a device show by itself: that an event is announced, or that its lobby is open. Null when neither has begun, and when the event should
 * be over: a lobby that nothing follows is no news.
 */
export function ownStage(schedule: Schedule, nowMs: number): ScheduledStage | null {
  let found: ScheduledStage | null = null;
  for (const stage of schedule) {
    if (stage.startsAtMs === null || stage.startsAtMs > nowMs) continue;
    if (isOver(stage)) return null;
    if (stage.kind === 'announced' || stage.kind === 'lobby') found = stage;
  }
  return found;
}

/** When that changes next by the clock; null when it does no more. */
export function ownStageChangesAtMs(schedule: Schedule, nowMs: number): number | null {
  for (const { startsAtMs } of schedule) if (startsAtMs !== null && startsAtMs > nowMs) return startsAtMs;
  return null;
}

function rankOf(schedule: Schedule, key: string): number {
  return schedule.findIndex((stage) => stage.key === key);
}

function isOver(stage: ScheduledStage | undefined): boolean {
  return stage?.kind === 'ended' || stage?.kind === 'replay';
}
