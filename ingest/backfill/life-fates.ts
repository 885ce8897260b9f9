import type { Fates, SourceStatus } from '../../graph-store/index.ts';
import { addFates, noFates } from '../pipeline-status.ts';
import type { BackfillPlan } from './backfill-plan.ts';

/** The positions of a plan, of all those of its graph. */
export function lifeIn(
  { life }: Pick<BackfillPlan, 'life'>,
  sources: readonly SourceStatus[],
): SourceStatus[] {
  const own = new Set(life.map(keyOf));
  return sources.filter(({ source }) => own.has(keyOf(source)));
}

export function sumOf(sources: readonly SourceStatus[]): Fates {
  return sources.reduce((sum, { fates }) => addFates(sum, fates), noFates);
}

/** What was added to `before`. */
export function fatesSince(before: Fates, now: Fates): Fates {
  return {
    consumed: now.consumed - before.consumed,
    applied: now.applied - before.applied,
    superseded: now.superseded - before.superseded,
    filtered: now.filtered - before.filtered,
    deadLettered: now.deadLettered - before.deadLettered,
  };
}

function keyOf({ cluster, topicId, partition }: SourceStatus['source']): string {
  return `${cluster}/${topicId}/${partition}`;
}
