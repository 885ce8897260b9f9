import type { Clock } from '../../foundation/index.ts';
import { planAudience } from './audience-plan.ts';
import { AudienceRun, type RunParts } from './candidates.ts';
import type { Condition } from './condition.ts';
import { BudgetUsedUp, Membership } from './membership.ts';

/**
 * How large an audience would be now. `counted`: exactly so. `sampled`: from those members whose place in the store, which is chance, lies in
 * its beginning. `bounded`: at least so many, where that part says nothing of the rest.
 */
export interface AudienceEstimate {
  readonly method: 'counted' | 'sampled' | 'bounded';
  readonly count: number;
  /** At 95 %; both are `count` when it was counted. */
  readonly low: number;
  readonly high: number | null;
  /** Members looked at for it. */
  readonly sampled: number;
  /** Members of whose edges only the newest were looked at. */
  readonly cutShort: number;
}

export interface EstimateLimits {
  /** An audience that takes no more than this is counted. */
  readonly countRowsMax: number;
  readonly countCandidatesMax: number;
  readonly sampleMax: number;
  readonly sampleMs: number;
  /** Rows of members' own edges, for counting and for the sample each: time is looked at between members' groups only. */
  readonly probeRowsMax: number;
}

export const estimateLimitsDefault: EstimateLimits = {
  countRowsMax: 4096,
  countCandidatesMax: 1024,
  sampleMax: 4096,
  sampleMs: 50,
  probeRowsMax: 200_000,
};

/** Groups of a sample grow to this from the first: time is looked at between them, and in a process that has just begun a whole one takes longer than all may. */
const sampleAtOnceMax = 128;
const sampleFirst = 16;

type EstimateParts = Omit<RunParts, 'budget' | 'probeBudget'>;

export async function estimateAudience(
  parts: EstimateParts,
  condition: Condition,
  limits: EstimateLimits,
  clock: Clock,
): Promise<AudienceEstimate> {
  const beganMs = clock.now();
  // Nothing is known of sizes yet, and to find out costs as much as to try.
  const sizes = {
    rowsOf: ({ to }: { readonly to: { readonly kind: string } }) =>
      to.kind === 'any' ? Number.POSITIVE_INFINITY : 1,
    membersOf: () => 1,
  };
  const plan = planAudience(condition, sizes);
  const budget = { rows: limits.countRowsMax, candidates: limits.countCandidatesMax };
  let found = 0;
  const run = new AudienceRun({ ...parts, budget, probeBudget: { rows: limits.probeRowsMax } });
  try {
    for await (const ids of run.members(plan)) found += ids.length;
    const exact = { count: found, low: found, high: found };
    return { method: 'counted', ...exact, sampled: found, cutShort: run.cutShort };
  } catch (error) {
    if (!(error instanceof BudgetUsedUp)) throw error;
  }
  const sampled = await sample(parts, condition, limits, () => clock.now() - beganMs >= limits.sampleMs);
  const cutShort = sampled.cutShort + run.cutShort;
  const { share, holding, looked } = sampled;
  if (share === 1 && plan.source.kind === 'scan')
    return { method: 'counted', count: holding, low: holding, high: holding, sampled: looked, cutShort };
  if (share === null || share === 1) {
    // A scan does not meet members that are known from edges alone: all that it found are there, and there may be more.
    const count = Math.max(found, holding);
    return { method: 'bounded', count, low: count, high: null, sampled: Math.max(found, looked), cutShort };
  }
  const [low, high] = poissonInterval(holding);
  return {
    method: 'sampled',
    count: Math.max(found, Math.round(holding / share)),
    low: Math.max(found, Math.floor(low / share)),
    high: Math.max(found, Math.ceil(high / share)),
    sampled: looked,
    cutShort,
  };
}

interface Sample {
  /** Of all nodes of the type; null where the order says nothing, or not even the first group could be looked at. */
  readonly share: number | null;
  readonly looked: number;
  readonly holding: number;
  readonly cutShort: number;
}

async function sample(
  parts: EstimateParts,
  condition: Condition,
  limits: EstimateLimits,
  isTime: () => boolean,
): Promise<Sample> {
  const membership = new Membership({
    ...parts,
    sets: new Map(),
    probeBudget: { rows: limits.probeRowsMax },
  });
  const { check } = planAudience(condition, {
    rowsOf: () => Number.POSITIVE_INFINITY,
    membersOf: () => Number.POSITIVE_INFINITY,
  });
  let share: number | null = null;
  let looked = 0;
  let holding = 0;
  try {
    for (let after: Uint8Array | null = null; ; ) {
      const limit = Math.min(sampleAtOnceMax, Math.max(sampleFirst, looked));
      const page = await parts.reader.bulk.scan({ type: parts.memberType, after, limit });
      if (page.share === null) break;
      const there = await membership.existing(page.ids);
      holding += (check === null ? there : await membership.holding(check, there)).length;
      looked += page.ids.length;
      share = page.share;
      after = page.next;
      if (after === null || looked >= limits.sampleMax || isTime()) break;
    }
  } catch (error) {
    // What was looked at before this group is a sample all the same.
    if (!(error instanceof BudgetUsedUp)) throw error;
  }
  return { share, looked, holding, cutShort: membership.cutShort };
}

/** Of a Poisson variable's mean, at 95 %, after Wilson and Hilferty: within a percent of the exact one from 1 on. */
export function poissonInterval(count: number): readonly [low: number, high: number] {
  const z = 1.96;
  const cube = (base: number): number => base * base * base;
  const above = count + 1;
  const high = above * cube(1 - 1 / (9 * above) + z / (3 * Math.sqrt(above)));
  if (count === 0) return [0, high];
  return [Math.max(0, count * cube(1 - 1 / (9 * count) - z / (3 * Math.sqrt(count)))), high];
}
