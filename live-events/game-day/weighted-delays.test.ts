import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightedDelays } from './weighted-delays.ts';

describe('WeightedDelays', () => {
  it('has the quantiles of a sorted list, to a bin', () => {
    const delays = fc.array(fc.double({ min: 0, max: 300_000, noNaN: true }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(delays, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
        const histogram = new WeightedDelays();
        for (const delay of list) histogram.add(delay, 1);
        const sorted = [...list].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * list.length) - 1)] ?? 0;
        const said = histogram.quantile(share, list.length) ?? Number.NaN;
        expect(said).toBeGreaterThanOrEqual(exact - 1e-6);
        expect(said - exact).toBeLessThanOrEqual(exact < 60_000 ? 1 : 1_000);
        expect(histogram.quantile(1, list.length)).toBe(sorted.at(-1));
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  it('has no quantile of what so many never reached', () => {
    const histogram = new WeightedDelays();
    for (let i = 0; i < 98; i += 1) histogram.add(i, 1);
    expect(histogram.quantile(0.5, 100)).toBe(50);
    expect(histogram.quantile(0.99, 100)).toBeNull();
    expect(histogram.quantile(1, 100)).toBeNull();
    expect(new WeightedDelays().quantile(1, 0)).toBeNull();
  });
});
