import { isOver } from './event-times.ts';
import type { LiveEvents } from './live-event.ts';
import type { StageMaps } from './stage-maps/stage-maps.ts';

/** What an audience is needed for: an event that is not over and names it, or whose stage maps of it serve until those of the next are made. Null when there is none. */
export function useOfAudience(
  audience: string,
  events: Pick<LiveEvents, 'list'>,
  maps: Pick<StageMaps, 'served'>,
): string | null {
  const needs = events.list().find((event) => {
    if (isOver(event)) return false;
    return event.audience === audience || maps.served(event.id)?.version.audience === audience;
  });
  return needs === undefined ? null : `live event ${needs.id}`;
}
