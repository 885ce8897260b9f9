import { describe, expect, it } from 'vitest';
import { HyperLogLog, mixHashes, relativeError } from './hyperloglog.ts';

describe('HyperLogLog', () => {
  it.each([0, 1, 100, 5_000, 20_000, 300_000])(
    'estimates %i distinct things within four standard errors',
    (count) => {
      const estimate = new HyperLogLog();
      for (let i = 0; i < count; i += 1) estimate.add(mixHashes(i, 1));
      expect(Math.abs(estimate.estimate() - count)).toBeLessThanOrEqual(count * 4 * relativeError);
    },
  );

  it('does not change when the same things come again', () => {
    const estimate = new HyperLogLog();
    for (let i = 0; i < 1_000; i += 1) estimate.add(mixHashes(i, 1));
    const again = Array.from({ length: 1_000 }, (_, i) => estimate.add(mixHashes(i, 1)));
    expect(again).not.toContain(true);
  });
});
