import { isOver } from '../event-times.ts';
import type { LiveEvent, Removal } from '../live-event.ts';
import { askingFault, staleFault, unknownEvent } from './apply.ts';
import { type Asking, type LiveRefusal, type LiveTextLimits, refuse } from './live-command.ts';

/** What is left of an event that somebody asks to remove, or why it stays. Nothing here reads a clock or writes. */
export function removed(
  event: LiveEvent | null,
  id: string,
  asking: Asking,
  nowMs: number,
  limits: LiveTextLimits,
): { readonly kind: 'removed'; readonly removal: Removal } | LiveRefusal {
  const { actor, reason, expectedVersion } = asking;
  if (event === null) return unknownEvent(id);
  const fault = askingFault(asking, limits) ?? staleFault(event, id, expectedVersion);
  if (fault !== null) return fault;
  const { title, stage } = event;
  if (!isOver(event)) {
    const what = `Event ${id} is in its stage "${stage}"; only what has ended or is cancelled can be removed.`;
    return refuse('LIVE_TRANSITION_REFUSED', what);
  }
  return { kind: 'removed', removal: { event: id, title, stage, timeMs: nowMs, actor, reason } };
}
