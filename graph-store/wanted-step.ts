import type { JourneyQuery, StepView } from './graph-store.ts';

/** The filters of a journey that look into a step, the same for every adapter; links that lead to deleted nodes still count. */
export function isWantedStep(
  { domain, links }: Pick<StepView, 'domain' | 'links'>,
  { domains, edgeTypes = null }: Pick<JourneyQuery, 'domains' | 'edgeTypes'>,
): boolean {
  if (domains !== null && !domains.includes(domain)) return false;
  return edgeTypes === null || links.some(({ edge }) => edgeTypes.includes(edge));
}
