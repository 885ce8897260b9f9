import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../foundation/index.ts';
import { LiveRateBudget } from './rate-budget.ts';
import {
  type HealthSample,
  initialRate,
  rateLimitsDefault as limits,
  nextRate,
  type RateLimits,
  type RateState,
} from './rate-control.ts';

const well: HealthSample = { freshnessP99Ms: 100, inFlightBytes: 0, isPaused: false };
const slow: HealthSample = { ...well, freshnessP99Ms: 5_000 };
const paused: HealthSample = { ...well, isPaused: true };
const backlogged: HealthSample = { ...well, inFlightBytes: limits.inFlightBytesMax };

function rateAfter(samples: readonly HealthSample[], from: RateState = initialRate(limits)): RateState {
  return samples.reduce((state, sample) => nextRate(state, sample, limits), from);
}

const sampleArbitrary: fc.Arbitrary<HealthSample> = fc.record({
  freshnessP99Ms: fc.option(fc.integer({ min: 0, max: 20_000 })),
  inFlightBytes: fc.integer({ min: 0, max: 2 * limits.inFlightBytesMax }),
  isPaused: fc.boolean(),
});

describe('The rate of a replay', () => {
  it.each([
    ['stays while live events are fresh', [well, well], 100_000, null],
    ['is halved at once when they are not', [slow], 50_000, 'live-slow'],
    ['is halved again with each look', [slow, slow, slow], 12_500, 'live-slow'],
    [
      'is held between half of the bound and the bound',
      [slow, { ...well, freshnessP99Ms: 700 }],
      50_000,
      'live-slow',
    ],
    ['grows by a twentieth when they are fresh again', [slow, well], 52_500, 'live-slow'],
    ['is none while a live pipeline waits', [paused], 0, 'live-paused'],
    ['is not touched by one look at many bytes in flight', [backlogged, well], 100_000, null],
    ['is none while live bytes stay in flight', [backlogged, backlogged], 0, 'live-backlog'],
    ['comes back at half after waiting', [paused, paused, well], 52_500, 'live-slow'],
    ['is what it is set to where nothing is live', [slow, { ...well, freshnessP99Ms: null }], 100_000, null],
  ] as const)('%s', (_, samples, rowsPerSecond, yieldsTo) => {
    expect(rateAfter(samples)).toMatchObject({ rowsPerSecond, yieldsTo });
  });

  it('never goes above the setting, and never below the least but to none', () => {
    fc.assert(
      fc.property(fc.array(sampleArbitrary, { maxLength: 200 }), (samples) => {
        let state = initialRate(limits);
        for (const sample of samples) {
          state = nextRate(state, sample, limits);
          expect(state.rowsPerSecond).toBeLessThanOrEqual(limits.rowsPerSecondMax);
          if (state.rowsPerSecond > 0)
            expect(state.rowsPerSecond).toBeGreaterThanOrEqual(limits.rowsPerSecondMin);
        }
      }),
    );
  });

  it('never starves: whatever is live, the least rate comes once in so many intervals', () => {
    fc.assert(
      fc.property(fc.array(sampleArbitrary, { minLength: 60, maxLength: 200 }), (samples) => {
        let state = initialRate(limits);
        let waited = 0;
        for (const sample of samples) {
          state = nextRate(state, sample, limits);
          waited = state.rowsPerSecond > 0 ? 0 : waited + 1;
          expect(waited).toBeLessThanOrEqual(limits.heldIntervalsMax);
        }
      }),
    );
    const held = Array.from({ length: 3 * (limits.heldIntervalsMax + 1) }, () => paused);
    expect(rateAfter(held)).toMatchObject({ rowsPerSecond: limits.rowsPerSecondMin });
  });

  it('recovers to the setting from anywhere, within about a minute', () => {
    fc.assert(
      fc.property(fc.array(sampleArbitrary, { maxLength: 100 }), (samples) => {
        const recovering = Array.from({ length: 112 }, () => well);
        expect(rateAfter(recovering, rateAfter(samples))).toMatchObject({
          rowsPerSecond: limits.rowsPerSecondMax,
          yieldsTo: null,
        });
      }),
    );
  });
});

/** Sleeping moves the time on, to the moment or somewhat beyond. */
function clockThatSleeps(): Clock & { ms: number } {
  const clock = {
    ms: 1_000_000,
    now: () => clock.ms,
    sleep: async (delayMs: number) => {
      clock.ms += delayMs;
    },
  };
  return clock;
}

function healthOf(sample: () => HealthSample) {
  return {
    freshnessP99Ms: () => sample().freshnessP99Ms,
    inFlightBytes: () => sample().inFlightBytes,
    isPaused: () => sample().isPaused,
  };
}

describe('A budget of rows', () => {
  const never = new AbortController().signal;

  it('never gives more than the setting in any stretch of time, but for one interval more', async () => {
    const asks = fc.array(fc.tuple(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 0, max: 1_200 })), {
      minLength: 1,
      maxLength: 80,
    });
    await fc.assert(
      fc.asyncProperty(asks, fc.integer({ min: 1, max: 20_000 }), async (takes, rowsPerSecondMax) => {
        const clock = clockThatSleeps();
        const own: RateLimits = { ...limits, rowsPerSecondMax };
        const budget = new LiveRateBudget(null, own, clock);
        const given: { readonly atMs: number; readonly rows: number }[] = [];
        for (const [rows, idleMs] of takes) {
          const taken = await budget.take(rows, never);
          expect(taken).toBeGreaterThan(0);
          expect(taken).toBeLessThanOrEqual(rows);
          given.push({ atMs: clock.ms, rows: taken });
          clock.ms += idleMs;
        }
        for (const [i, first] of given.entries()) {
          let rows = 0;
          for (const { atMs, rows: more } of given.slice(i)) {
            rows += more;
            const intervals = Math.floor((atMs - first.atMs) / own.intervalMs) + 2;
            expect(rows).toBeLessThanOrEqual(
              Math.max(1, (intervals * rowsPerSecondMax * own.intervalMs) / 1_000) + 1,
            );
          }
        }
      }),
    );
  });

  it('gives way within one interval, to whoever asks, in order', async () => {
    const clock = clockThatSleeps();
    let sample = well;
    const budget = new LiveRateBudget(
      healthOf(() => sample),
      limits,
      clock,
    );
    expect(await budget.take(1_000_000, never)).toBe(50_000);
    sample = slow;
    expect(await budget.take(1_000_000, never)).toBe(25_000);
    sample = paused;
    const order: number[] = [];
    const takes = [1, 2].map(async (who) => {
      const rows = await budget.take(100_000, never);
      order.push(who);
      return rows;
    });
    sample = well;
    expect(await Promise.all(takes)).toEqual([26_250, 27_562]);
    expect(order).toEqual([1, 2]);
  });

  it('gives nothing while it waits, not even what was left of the interval before', async () => {
    const clock = clockThatSleeps();
    let sample = well;
    const budget = new LiveRateBudget(
      healthOf(() => sample),
      limits,
      clock,
    );
    expect(await budget.take(10, never)).toBe(10);
    sample = paused;
    clock.ms += limits.intervalMs;
    const before = clock.ms;
    expect(await budget.take(100_000, never)).toBe(limits.rowsPerSecondMin / 2);
    expect(clock.ms - before).toBe(limits.heldIntervalsMax * limits.intervalMs);
    expect(budget).toMatchObject({ perSecond: 500, yieldsTo: 'live-paused' });
  });

  it('answers with nothing once its caller is told to end', async () => {
    const ending = new AbortController();
    const clock = clockThatSleeps();
    const budget = new LiveRateBudget(
      healthOf(() => paused),
      limits,
      { ...clock, sleep: async () => ending.abort() },
    );
    expect(await budget.take(5, ending.signal)).toBe(0);
    expect(await budget.take(5, ending.signal)).toBe(0);
  });
});
