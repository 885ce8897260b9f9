import fc from 'fast-check';
import { expect, it } from 'vitest';
import { searchRate } from './rate-search.ts';

const options = { startRate: 1000, within: 0.05, trialsMax: 30 };

it('finds the highest rate that passes, within what was asked for, and has seen it pass', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200_000 }), async (highest) => {
      const passed = new Set<number>();
      const { best } = await searchRate(options, async (rate) => {
        const passes = rate <= highest;
        if (passes) passed.add(rate);
        return { passes };
      });
      const rate = best?.rate ?? 0;
      expect(passed).toContain(rate);
      expect(rate).toBeLessThanOrEqual(highest);
      expect(Math.floor(rate * 1.05) + 1).toBeGreaterThanOrEqual(highest);
    }),
  );
});

it('says so when not even one a second passes', async () => {
  expect(await searchRate(options, async () => ({ passes: false }))).toEqual({ best: null, trials: 10 });
});

it('ends after as many trials as it may make', async () => {
  const found = await searchRate({ ...options, trialsMax: 3 }, async () => ({ passes: true }));
  expect([found.best?.rate, found.trials]).toEqual([4000, 3]);
});

it('never tries again what failed once', async () => {
  const tried: number[] = [];
  await searchRate(options, async (rate) => {
    tried.push(rate);
    return { passes: rate < 1100 && tried.length % 2 === 1 };
  });
  expect(new Set(tried).size).toBe(tried.length);
});
