import { clientJitterShare, type QuietWindow } from '../../device/index.ts';
import type { Random } from '../../foundation/index.ts';

export interface TtlLimits {
  /** Of a prefetch that nothing stands in the way of. */
  readonly ttlMs: number;
  /** How much of it the server takes off at most, from 0 to 1. */
  readonly jitterShare: number;
  /** What would expire within the quiet window does so spread over this time behind it. */
  readonly spreadMs: number;
  /** The longest that an answer is on its way: the client counts from when it has it. */
  readonly transitMs: number;
}

export const ttlLimitsDefault: TtlLimits = {
  ttlMs: 3_600_000,
  jitterShare: 0.2,
  spreadMs: 900_000,
  transitMs: 10_000,
};

/** When the copies that were given out can come back, once their clients have taken something off: `[earliest, latest]` after now. */
export function comesBack(ttlMs: number): { readonly earliestMs: number; readonly latestMs: number } {
  return { earliestMs: Math.floor(ttlMs * (1 - clientJitterShare)), latestMs: ttlMs };
}

/**
 * How long what is given out now may be used, in whole milliseconds, such that whatever a client takes off, and however long the answer is on its way, it does not come
 * back within the window. What would, is given the time until it is over, and a share of the spread beyond: before the window there is no time to move it to that others
 * have not taken, and the copy would be older when it is needed.
 */
export function timeToLive(
  nowMs: number,
  quiet: QuietWindow | null,
  { ttlMs, jitterShare, spreadMs, transitMs }: TtlLimits,
  random: Random,
): number {
  const usual = Math.max(1, Math.floor(ttlMs * (1 - jitterShare * random())));
  if (quiet === null || quiet.untilMs <= quiet.fromMs) return usual;
  const { earliestMs, latestMs } = comesBack(usual);
  const isBefore = nowMs + latestMs + transitMs < quiet.fromMs;
  const isBehind = nowMs + earliestMs >= quiet.untilMs;
  if (isBefore || isBehind) return usual;
  // One more, since the client cuts off what is less than a millisecond.
  const untilOver = Math.ceil((quiet.untilMs - nowMs) / (1 - clientJitterShare)) + 1;
  return untilOver + Math.floor(spreadMs * random());
}
