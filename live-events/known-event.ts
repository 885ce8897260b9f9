import { RefusedError } from '../foundation/index.ts';
import type { LiveEvent, LiveEvents } from './live-event.ts';

/** Throws RefusedError LIVE_EVENT_UNKNOWN. */
export function knownEvent(events: Pick<LiveEvents, 'get'>, id: string): LiveEvent {
  const event = events.get(id);
  if (event !== null) return event;
  throw new RefusedError(
    'LIVE_EVENT_UNKNOWN',
    `There is no live event ${JSON.stringify(id.slice(0, 64))}; \`jg live status\` lists those there are.`,
  );
}
