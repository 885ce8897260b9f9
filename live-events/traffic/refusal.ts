import type { Random } from '../../foundation/index.ts';
import type { RequestClass } from './request-class.ts';

/** What a caller is told: how long to wait at least, and how often to try before it gives the network a long rest. */
export interface Refusal {
  readonly status: 503 | 429;
  /** `OVERLOADED`: this server has no room; `CLASS_PAUSED`: a rule holds requests of this class back for now. */
  readonly code: 'OVERLOADED' | 'CLASS_PAUSED';
  readonly retryAfterMs: number;
  /** Of the header `Retry-After`: whole seconds, rounded up. */
  readonly retryAfterSeconds: number;
  readonly retriesMax: number;
}

export interface RefusalBudget {
  readonly retryAfterMs: number;
  readonly retriesMax: number;
}

export type RefusalLimits = Readonly<Record<RequestClass, RefusalBudget>>;

export const refusalLimitsDefault: RefusalLimits = {
  'live-critical': { retryAfterMs: 1_000, retriesMax: 8 },
  user: { retryAfterMs: 2_000, retriesMax: 3 },
  prefetch: { retryAfterMs: 15_000, retriesMax: 3 },
  bulk: { retryAfterMs: 60_000, retriesMax: 1 },
};

/** At full overload callers wait so many times longer. */
const overloadFactor = 4;

/** Between half and one and a half of the wait: who was refused together does not come back together. */
export function refusalOf(
  code: Refusal['code'],
  budget: RefusalBudget,
  overload: number,
  random: Random,
): Refusal {
  const scaled = budget.retryAfterMs * (1 + (overloadFactor - 1) * Math.max(0, Math.min(1, overload)));
  const retryAfterMs = Math.round(scaled * (0.5 + random()));
  return {
    status: code === 'OVERLOADED' ? 503 : 429,
    code,
    retryAfterMs,
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
    retriesMax: budget.retriesMax,
  };
}
