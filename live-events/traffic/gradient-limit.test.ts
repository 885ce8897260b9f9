import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GradientLimit, gradientLimitsDefault } from './gradient-limit.ts';

const limits = gradientLimitsDefault;

/** Full windows of one latency, with the limit used up. */
function feed(
  limit: GradientLimit,
  fromMs: number,
  windows: number,
  latencyMs: number,
  usedShare = 1,
): number {
  let nowMs = fromMs;
  for (let window = 0; window < windows; window += 1) {
    for (let sample = 0; sample <= limits.samplesMin; sample += 1) {
      limit.sample(nowMs, latencyMs, Math.ceil(limit.limit * usedShare));
      nowMs += limits.windowMs / limits.samplesMin;
    }
  }
  return nowMs;
}

describe('GradientLimit', () => {
  it('grows to its maximum while latency is flat and the limit is used', () => {
    const limit = new GradientLimit(limits);
    expect(limit.limit).toBe(20);
    feed(limit, 0, 400, 10);
    expect(limit.limit).toBe(200);
  });

  it('does not grow while less than half of it is used', () => {
    const limit = new GradientLimit(limits);
    feed(limit, 0, 400, 10, 0.3);
    expect(limit.limit).toBe(20);
  });

  it('shrinks to its minimum when latency rises beyond the tolerance, and comes back', () => {
    const limit = new GradientLimit(limits);
    const slowFromMs = feed(limit, 0, 400, 10);
    const flatFromMs = feed(limit, slowFromMs, 40, 100);
    expect(limit.limit).toBeLessThan(60);
    feed(limit, flatFromMs, 300, 10);
    expect(limit.limit).toBe(200);
  });

  it('has room for all that is answered within a short pause, and for no more', () => {
    const answer = (limit: GradientLimit, perSecond: number, latencyMs: number): number => {
      for (let nowMs = 0; nowMs <= 5_000; nowMs += 1_000 / perSecond) limit.sample(nowMs, latencyMs, 2);
      return limit.limit;
    };
    expect(answer(new GradientLimit(limits), 100, 2)).toBe(limits.min);
    expect(answer(new GradientLimit(limits), 1_000, 2)).toBeCloseTo(limits.burstMs, -1);
    expect(answer(new GradientLimit(limits), 100_000, 2)).toBe(limits.max);
    const slow = new GradientLimit(limits);
    feed(slow, 0, 400, 10);
    expect(slow.limit).toBe(limits.max);
  });

  it('takes latency within the tolerance for flat', () => {
    const limit = new GradientLimit(limits);
    const slowerFromMs = feed(limit, 0, 400, 10);
    feed(limit, slowerFromMs, 40, 14);
    expect(limit.limit).toBe(200);
  });

  it('forgets a long overload at once when it is over', () => {
    const limit = new GradientLimit(limits);
    const overMs = feed(limit, 0, 2_000, 1_000);
    expect(limit.longMs).toBeCloseTo(1_000, -1);
    feed(limit, overMs, 60, 10);
    expect(limit.longMs).toBeLessThan(25);
  });

  it('stays within its bounds and finite whatever it is told', () => {
    const told = fc.record({
      afterMs: fc.integer({ min: 0, max: 1_000 }),
      latencyMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true })),
      inFlight: fc.integer({ min: 0, max: 1_000 }),
    });
    fc.assert(
      fc.property(fc.array(told, { maxLength: 500 }), (samples) => {
        const limit = new GradientLimit({ ...limits, samplesMin: 2 });
        let nowMs = 0;
        for (const { afterMs, latencyMs, inFlight } of samples) {
          nowMs += afterMs;
          limit.sample(nowMs, latencyMs, inFlight);
          expect(limit.limit).toBeGreaterThanOrEqual(limits.min);
          expect(limit.limit).toBeLessThanOrEqual(limits.max);
          expect(Number.isFinite(limit.longMs)).toBe(true);
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('is never larger after a slower window than after a faster one', () => {
    const latency = fc.double({ min: 0.1, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(latency, latency, fc.integer({ min: 1, max: 300 }), (a, b, windows) => {
        const limitAfter = (latencyMs: number): number => {
          const limit = new GradientLimit(limits);
          feed(limit, feed(limit, 0, windows, 10), 1, latencyMs);
          return limit.limit;
        };
        expect(limitAfter(Math.max(a, b))).toBeLessThanOrEqual(limitAfter(Math.min(a, b)));
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
