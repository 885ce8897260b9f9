import { describe, expect, it } from 'vitest';
import { FreshnessHistogram } from './freshness-histogram.ts';

describe('the freshness histogram', () => {
  it('knows no quantile of nothing', () => {
    expect(new FreshnessHistogram().quantile(0.5)).toBe(null);
  });

  it.each([0.01, 0.5, 0.99, 1])('gives the quantile %d at most 5 %% too large', (share) => {
    const histogram = new FreshnessHistogram();
    for (let durationMs = 1; durationMs <= 10_000; durationMs += 1) histogram.record(durationMs);
    const exact = Math.ceil(10_000 * share);
    const found = histogram.quantile(share) ?? 0;
    expect(found).toBeGreaterThanOrEqual(exact * 0.999_999);
    expect(found).toBeLessThanOrEqual(exact * 1.050_001);
  });

  it.each([0, -5, 0.5, Number.NaN, Number.NEGATIVE_INFINITY])(
    'counts %d as one millisecond',
    (durationMs) => {
      const histogram = new FreshnessHistogram();
      histogram.record(durationMs, 3);
      expect(histogram.total).toBe(3);
      expect(histogram.quantile(1)).toBe(1);
    },
  );

  it('keeps a duration without end in its last bucket', () => {
    const histogram = new FreshnessHistogram();
    histogram.record(Number.POSITIVE_INFINITY);
    const thirtyYearsMs = 30 * 365.25 * 86_400_000;
    expect(histogram.quantile(1)).toBeGreaterThan(thirtyYearsMs);
  });

  it('forgets everything when cleared', () => {
    const histogram = new FreshnessHistogram();
    histogram.record(10);
    histogram.clear();
    expect(histogram.total).toBe(0);
    expect(histogram.quantile(1)).toBe(null);
  });
});
