import { RefusedError } from '../foundation/index.ts';
import { audiencesIn, type ConditionContext } from '../query-api/index.ts';
import { isOver } from './event-times.ts';
import type { LiveEvent, LiveEvents } from './live-event.ts';
import { type LivePlan, readLivePlan } from './stage-maps/live-plan.ts';
import type { StageMaps } from './stage-maps/stage-maps.ts';

/**
 * What an audience is needed for: an event that is not over and names it, itself or in a condition of its plan, or whose stage maps of it, or by a plan that names it,
 * serve until the next are made. Null when there is none.
 */
export function useOfAudience(
  audience: string,
  events: Pick<LiveEvents, 'list'>,
  maps: Pick<StageMaps, 'served' | 'followed'>,
): string | null {
  const needs = events.list().find((event) => {
    if (isOver(event)) return false;
    if (event.audience === audience || maps.served(event.id)?.version.audience === audience) return true;
    return isNamed(audience, maps.followed(event.id)) || isNamed(audience, planNaming(audience, event));
  });
  return needs === undefined ? null : `live event ${needs.id}`;
}

function isNamed(audience: string, plan: LivePlan | null): boolean {
  return plan?.segments.some(({ where }) => where !== null && audiencesIn(where).includes(audience)) ?? false;
}

/** A plan that does not fit the schema of now may fit the next one, so it still needs whom it names; that does not depend on the time either. */
const anySchema: ConditionContext = {
  nowMs: 0,
  lookbackMs: 0,
  schema: { nodeTypes: [], edgeTypes: [], domains: [] },
};

/** The event's plan if it may name the audience. Null also where it cannot be read, since nothing is made of that. */
function planNaming(audience: string, event: LiveEvent): LivePlan | null {
  const { plan } = event;
  // All plans together may be more than can be parsed while others wait. A text without escapes names what it contains.
  if (plan === null || !(plan.includes(audience) || plan.includes('\\'))) return null;
  try {
    return readLivePlan(plan, event, anySchema);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return null;
  }
}
