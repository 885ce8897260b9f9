import { unreachable } from '../../foundation/index.ts';

/** What a replay must not spoil. */
export interface LiveHealth {
  /** Of the last seconds; null while no live event came. */
  freshnessP99Ms(): number | null;
  /** Handed to the store by live pipelines and not durable yet. */
  inFlightBytes(): number;
  /** A live pipeline waits for something outside. */
  isPaused(): boolean;
}

export interface RateLimits {
  readonly rowsPerSecondMax: number;
  /** What live events cannot take away. */
  readonly rowsPerSecondMin: number;
  /** Above it the rate is halved; above half of it, held. */
  readonly freshnessMsMax: number;
  /** Of live pipelines; more than half of it twice in a row is a backlog. */
  readonly inFlightBytesMax: number;
  readonly intervalMs: number;
  /** After so many intervals without any, one with the least rate: a live side that is ill for days must not starve history for days. */
  readonly heldIntervalsMax: number;
}

export const rateLimitsDefault = {
  rowsPerSecondMax: 100_000,
  rowsPerSecondMin: 500,
  freshnessMsMax: 1_000,
  inFlightBytesMax: 32 * 2 ** 20,
  intervalMs: 500,
  heldIntervalsMax: 20,
} as const satisfies RateLimits;

/** Why the rate is not what it is set to. */
export type Yielding = 'live-slow' | 'live-backlog' | 'live-paused';

export interface RateState {
  /** For the coming interval; 0 while history waits. */
  readonly rowsPerSecond: number;
  /** What it goes on with after waiting. */
  readonly allowedPerSecond: number;
  readonly yieldsTo: Yielding | null;
  readonly heldIntervals: number;
  readonly wasBacklogged: boolean;
}

export function initialRate({ rowsPerSecondMax }: RateLimits): RateState {
  const rate = rowsPerSecondMax;
  return {
    rowsPerSecond: rate,
    allowedPerSecond: rate,
    yieldsTo: null,
    heldIntervals: 0,
    wasBacklogged: false,
  };
}

/** Of one look at the live side. */
export interface HealthSample {
  readonly freshnessP99Ms: number | null;
  readonly inFlightBytes: number;
  readonly isPaused: boolean;
}

const increase = 1.05;
const decrease = 0.5;

/** Additive increase would take hours from the least rate to the greatest, so it is a share; the rest is as TCP does it. */
export function nextRate(before: RateState, sample: HealthSample, limits: RateLimits): RateState {
  const isBacklogged = sample.inFlightBytes > limits.inFlightBytesMax / 2;
  const verdict = judge(sample, isBacklogged && before.wasBacklogged, limits);
  const floor = Math.min(limits.rowsPerSecondMin, limits.rowsPerSecondMax);
  const allow = (rate: number, yieldsTo: Yielding | null): RateState => {
    const allowed = Math.min(limits.rowsPerSecondMax, Math.max(floor, rate));
    const slowedTo = allowed < limits.rowsPerSecondMax ? yieldsTo : null;
    return {
      rowsPerSecond: allowed,
      allowedPerSecond: allowed,
      yieldsTo: slowedTo,
      heldIntervals: 0,
      wasBacklogged: isBacklogged,
    };
  };
  switch (verdict) {
    case 'live-paused':
    case 'live-backlog': {
      // It comes back at half of what went before it.
      const allowed =
        before.rowsPerSecond > 0
          ? Math.max(floor, before.allowedPerSecond * decrease)
          : before.allowedPerSecond;
      const isHeld = before.heldIntervals < limits.heldIntervalsMax;
      return {
        rowsPerSecond: isHeld ? 0 : floor,
        allowedPerSecond: isHeld ? allowed : before.allowedPerSecond,
        yieldsTo: verdict,
        heldIntervals: isHeld ? before.heldIntervals + 1 : 0,
        wasBacklogged: isBacklogged,
      };
    }
    case 'slow':
      return allow(before.allowedPerSecond * decrease, 'live-slow');
    case 'hold':
      return allow(before.allowedPerSecond, 'live-slow');
    case 'well':
      return allow(before.allowedPerSecond * increase, 'live-slow');
    case 'nobody':
      return allow(limits.rowsPerSecondMax, null);
    default:
      return unreachable(verdict);
  }
}

function judge(
  { freshnessP99Ms, isPaused }: HealthSample,
  staysBacklogged: boolean,
  { freshnessMsMax }: RateLimits,
): 'live-paused' | 'live-backlog' | 'slow' | 'hold' | 'well' | 'nobody' {
  if (isPaused) return 'live-paused';
  if (staysBacklogged) return 'live-backlog';
  if (freshnessP99Ms === null) return 'nobody';
  if (freshnessP99Ms > freshnessMsMax) return 'slow';
  return freshnessP99Ms > freshnessMsMax / 2 ? 'hold' : 'well';
}
