import { hasBegun, isOver, startOf } from '../event-times.ts';
import type { LiveEvent } from '../live-event.ts';
import type { LivePlan } from './live-plan.ts';

/** When members stop to move between segments; null: when the event is live, which is entered by hand. */
export function freezesAtMs(event: LiveEvent, plan: LivePlan | null): number | null {
  return plan?.freezeAtMs ?? startOf(event);
}

/** An event that has begun is frozen whatever its plan says: nobody is shown anything else in the middle of it. */
export function isFrozen(event: LiveEvent, plan: LivePlan | null, nowMs: number): boolean {
  if (isOver(event) || hasBegun(event)) return true;
  const atMs = freezesAtMs(event, plan);
  return atMs !== null && nowMs >= atMs;
}
