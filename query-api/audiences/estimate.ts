import type { Clock } from '../../foundation/index.ts';
import { planAudience } from './audience-plan.ts';
import { AudienceRun, BudgetUsedUp, type RunParts } from './candidates.ts';
import type { Condition } from './condition.ts';
import { Membership } from './membership.ts';

/**
 * How large an audience would be now. `counted`: exactly so. `sampled`: from those members whose place in the store, which is chance, lies in
 * its beginning. `bounded`: at least so many, where the store has no order of chance.
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
}

export const estimateLimitsDefault: EstimateLimits = {
  countRowsMax: 4096,
  countCandidatesMax: 1024,
  sampleMax: 4096,
  sampleMs: 50,
};

const sampleAtOnce = 128;

export async function estimateAudience(
  parts: Omit<RunParts, 'budget'>,
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
  const run = new AudienceRun({ ...parts, budget });
  try {
    for await (const ids of run.members(plan)) found += ids.length;
    const exact = { count: found, low: found, high: found };
    return { method: 'counted', ...exact, sampled: found, cutShort: run.cutShort };
  } catch (error) {
    if (!(error instanceof BudgetUsedUp)) throw error;
  }
  const sampled = await sample(parts, condition, limits, () => clock.now() - beganMs >= limits.sampleMs);
  const cutShort = sampled.cutShort + run.cutShort;
  if (sampled.share === null) {
    return { method: 'bounded', count: found, low: found, high: null, sampled: found, cutShort };
  }
  const { share, holding, looked } = sampled;
  if (share === 1)
    return { method: 'counted', count: holding, low: holding, high: holding, sampled: looked, cutShort };
  const [low, high] = poissonInterval(holding);
  return {
    method: 'sampled',
    count: Math.round(holding / share),
    low: Math.max(found, Math.floor(low / share)),
    high: Math.ceil(high / share),
    sampled: looked,
    cutShort,
  };
}

interface Sample {
  /** Of all nodes of the type; null where the order says nothing. */
  readonly share: number | null;
  readonly looked: number;
  readonly holding: number;
  readonly cutShort: number;
}

async function sample(
  parts: Omit<RunParts, 'budget'>,
  condition: Condition,
  limits: EstimateLimits,
  isTime: () => boolean,
): Promise<Sample> {
  const membership = new Membership({ ...parts, sets: new Map() });
  const { check } = planAudience(condition, {
    rowsOf: () => Number.POSITIVE_INFINITY,
    membersOf: () => Number.POSITIVE_INFINITY,
  });
  let looked = 0;
  let holding = 0;
  for (let after: Uint8Array | null = null; ; ) {
    const page = await parts.reader.bulk.scan({ type: parts.memberType, after, limit: sampleAtOnce });
    if (page.share === null) return { share: null, looked, holding, cutShort: membership.cutShort };
    const there = await membership.existing(page.ids);
    holding += (check === null ? there : await membership.holding(check, there)).length;
    looked += page.ids.length;
    after = page.next;
    if (after === null || looked >= limits.sampleMax || isTime())
      return { share: page.share, looked, holding, cutShort: membership.cutShort };
  }
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
