import type { ValuePlan } from '../schemas/index.ts';
import type { Read } from './read.ts';
import { compileValue } from './value.ts';

const rankMax = Number.MAX_SAFE_INTEGER;

/**
 * The event's rank, 0 to 2^53 - 1: null is 0, and what lies outside is the nearest end. It only decides between changes at the same
 * time, so a number that is out of range must not cost the event.
 */
export function compileRank(rank: number | ValuePlan): Read<number> {
  if (typeof rank === 'number') return () => rank;
  const read = compileValue(rank);
  return (roots) => Math.min(rankMax, Math.max(0, Number(read(roots) ?? 0)));
}
