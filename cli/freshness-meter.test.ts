import { describe, expect, it } from 'vitest';
import type { Clock } from '../foundation/index.ts';
import { FreshnessMeter } from './freshness-meter.ts';

function fixture() {
  let nowMs = 1_000_000_000;
  const clock: Clock = { now: () => nowMs, sleep: async () => undefined };
  const meter = new FreshnessMeter(clock);
  return {
    meter,
    pass: (ms: number) => {
      nowMs += ms;
    },
    apply: (count: number, ageMs: number) =>
      meter.recordFreshness(new Array(count).fill(nowMs - ageMs), nowMs, nowMs),
  };
}

const about = (ms: number): { asymmetricMatch(value: unknown): boolean } => ({
  asymmetricMatch: (value) => typeof value === 'number' && Math.abs(value / ms - 1) <= 0.06,
});

describe('the freshness meter', () => {
  it('knows nothing before the first event', () => {
    const { meter } = fixture();
    expect([meter.quantile(0.5), meter.quantileLately(0.5)]).toEqual([null, null]);
  });

  it('shows a person what is fresh now, although much more history was applied seconds before', () => {
    const { meter, apply, pass } = fixture();
    apply(10_000, 3_600_000);
    pass(4_000);
    apply(50, 20);
    expect(meter.quantileLately(0.5)).toEqual(about(20));
    expect(meter.quantile(0.5)).toEqual(about(3_600_000));
  });

  it('forgets after a minute, and all at once after a pause', () => {
    const { meter, apply, pass } = fixture();
    apply(10, 500);
    pass(58_000);
    expect(meter.quantile(0.99)).toEqual(about(500));
    pass(2_000);
    expect(meter.quantile(0.99)).toBeNull();
    apply(10, 500);
    pass(86_400_000);
    expect(meter.quantile(0.99)).toBeNull();
  });

  it('takes quantiles over all slots together', () => {
    const { meter, apply, pass } = fixture();
    for (let slot = 0; slot < 10; slot += 1) {
      apply(10, (slot + 1) * 100);
      pass(2_000);
    }
    expect(meter.quantile(0.5)).toEqual(about(500));
    expect(meter.quantile(1)).toEqual(about(1_000));
  });

  it('is not confused by a clock that is set back', () => {
    const { meter, apply, pass } = fixture();
    apply(10, 100);
    pass(-30_000);
    apply(10, 100);
    expect(meter.quantileLately(0.5)).toEqual(about(100));
  });
});
