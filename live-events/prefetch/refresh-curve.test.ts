import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefreshCurve } from './refresh-curve.ts';

const limits = { bucketMs: 10, buckets: 20 };

describe('a refresh curve', () => {
  it('predicts what a list of everything that was given out predicts, however time goes on', () => {
    const given = fc.record({
      waitMs: fc.integer({ min: 0, max: 60 }),
      afterMs: fc.integer({ min: 0, max: 250 }),
      lengthMs: fc.integer({ min: 0, max: 80 }),
    });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 40 }), fc.integer({ min: 0, max: 300 }), (list, laterMs) => {
        const curve = new RefreshCurve(1000, limits);
        const levels = new Map<number, number>();
        let nowMs = 1000;
        for (const { waitMs, afterMs, lengthMs } of list) {
          nowMs += waitMs;
          curve.add(nowMs, nowMs + afterMs, nowMs + afterMs + lengthMs);
          const from = Math.floor((nowMs + afterMs) / 10);
          const until = Math.floor((nowMs + afterMs + lengthMs) / 10);
          const end = Math.floor(nowMs / 10) + limits.buckets;
          for (let bucket = from; bucket <= until && bucket < end; bucket += 1)
            levels.set(bucket, (levels.get(bucket) ?? 0) + 1 / (until - from + 1));
        }
        nowMs += laterMs;
        const first = Math.floor(nowMs / 10);
        for (let bucket = first; bucket < first + limits.buckets; bucket += 1) {
          const expected = levels.get(bucket) ?? 0;
          expect(curve.expected(nowMs, bucket * 10, bucket * 10 + 10)).toBeCloseTo(expected, 9);
        }
        const from = first * 10;
        const points = curve.points(nowMs, from, from + 200, 7);
        const sum = points.reduce((all, { perSecond }) => all + (perSecond * (200 / 7)) / 1000, 0);
        expect(points).toHaveLength(7);
        expect(sum).toBeCloseTo(curve.expected(nowMs, from, from + 200), 6);
      }),
      { numRuns: 500 },
    );
  });

  it('counts what comes back later than it looks, and forgets everything that is past', () => {
    const curve = new RefreshCurve(0, limits);
    curve.add(0, 190, 209);
    expect(curve.beyond).toBeCloseTo(0.5);
    expect(curve.expected(0, 0, 1e9)).toBeCloseTo(0.5);
    expect(curve.expected(10_000, 0, 1e9)).toBe(0);
  });
});
