import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DelayHistogram } from './delay-histogram.ts';

describe('A histogram of delays', () => {
  it('is never below a quantile and at most 4.5 % above it', () => {
    const delays = fc.array(fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 90_000 })), { minLength: 1 });
    const property = fc.property(delays, fc.constantFrom(0.01, 0.5, 0.99, 1), (all, share) => {
      const histogram = new DelayHistogram();
      for (const delay of all) histogram.add(delay);
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * all.length) - 1)] ?? -1;
      const told = histogram.quantile(share) ?? -1;
      expect(told).toBeGreaterThanOrEqual(exact);
      expect(told).toBeLessThanOrEqual(exact <= 22 ? exact : exact * 1.045);
      expect(histogram.quantile(1)).toBe(sorted.at(-1));
      const again = DelayHistogram.from(JSON.parse(JSON.stringify(histogram)));
      expect(again.quantile(share)).toBe(told);
      expect(again.count).toBe(all.length);
    });
    fc.assert(property, { seed: 7, numRuns: 500 });
  });

  it('counts what clocks cannot have meant as none, or as the most it knows', () => {
    const histogram = new DelayHistogram();
    histogram.add(-5);
    expect(histogram.quantile(1)).toBe(0);
    histogram.add(1e15);
    expect(histogram.quantile(1)).toBe(2 ** 30);
    expect(histogram.count).toBe(2);
  });

  it('has no quantile while it is empty', () => {
    expect(new DelayHistogram().quantile(0.5)).toBeNull();
  });
});
