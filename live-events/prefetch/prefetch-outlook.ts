/** What is known when it is asked whether enough of an audience will have fetched by the start. */
export interface OutlookInput {
  /** Of the audience. */
  readonly total: number;
  /** Who have a fresh copy. */
  readonly members: number;
  /** Who got their first fresh one, lately. */
  readonly newPerSecond: number;
  /** Null when nobody has said when it starts. */
  readonly startsAtMs: number | null;
  readonly nowMs: number;
  /** From 0 to 1. */
  readonly shareWanted: number;
}

export interface PrefetchOutlook {
  readonly startsAtMs: number | null;
  readonly newPerSecond: number;
  /** With a fresh copy at the start, as it goes now. */
  readonly expectedMembers: number;
  readonly expectedShare: number;
  /** Without one at the start, as it goes now. */
  readonly atRisk: number;
  readonly shareWanted: number;
  readonly isEnough: boolean;
  /** When the wanted share will be reached; null: never, as it goes now. */
  readonly enoughAtMs: number | null;
}

/**
 * Whoever has not fetched yet fetches as readily as those who did lately: so the rate falls as fewer are left. A rate that stayed as it is would promise the last ones,
 * whose devices are off, as surely as the first.
 */
export function prefetchOutlook(input: OutlookInput): PrefetchOutlook {
  const { total, members, newPerSecond, startsAtMs, nowMs, shareWanted } = input;
  const left = Math.max(0, total - members);
  const readiness = left === 0 ? 0 : newPerSecond / left;
  const seconds = startsAtMs === null ? 0 : Math.max(0, startsAtMs - nowMs) / 1000;
  const leftAtStart = left * Math.exp(-readiness * seconds);
  const expectedShare = total === 0 ? 1 : (total - leftAtStart) / total;
  const leftAllowed = total - total * shareWanted;
  return {
    startsAtMs,
    newPerSecond,
    expectedMembers: Math.floor(total - leftAtStart),
    expectedShare,
    atRisk: Math.ceil(leftAtStart),
    shareWanted,
    isEnough: expectedShare >= shareWanted,
    enoughAtMs: enoughAt(nowMs, left, leftAllowed, readiness),
  };
}

function enoughAt(nowMs: number, left: number, allowed: number, readiness: number): number | null {
  if (left <= allowed) return nowMs;
  if (readiness === 0 || allowed <= 0) return null;
  return Math.ceil(nowMs + (1000 * Math.log(left / allowed)) / readiness);
}
