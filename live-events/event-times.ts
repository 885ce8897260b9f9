import type { LiveEvent, Stage } from './live-event.ts';

/** Of the first stage that is live: when it begins or began; null when nobody has said when. */
export function startOf(event: LiveEvent): number | null {
  const first = firstLive(event.stages);
  if (first === undefined) return null;
  if (event.stage === first.key) return event.at;
  if (first.startsAtMs !== null || !hasBegun(event)) return first.startsAtMs;
  // Entered by hand, and left again since: no later than the stage that holds.
  return event.at;
}

/** Whether its first live stage holds, or one behind that. */
export function hasBegun(event: LiveEvent): boolean {
  if (event.stageKind === 'cancelled') return false;
  const first = event.stages.findIndex(({ kind }) => kind === 'live');
  const now = event.stages.findIndex(({ key }) => key === event.stage);
  return first >= 0 && now >= first;
}

export function isOver({ stageKind }: LiveEvent): boolean {
  return stageKind === 'ended' || stageKind === 'replay' || stageKind === 'cancelled';
}

function firstLive(stages: readonly Stage[]): Stage | undefined {
  return stages.find(({ kind }) => kind === 'live');
}
