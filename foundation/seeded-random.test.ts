import { describe, expect, it } from 'vitest';
import { seededRandom } from './index.ts';

const draws = (seed: number, count: number): readonly number[] =>
  Array.from({ length: count }, seededRandom(seed));

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, on every machine and in every version', () => {
    expect(draws(7, 3)).toEqual([0.011704753153026104, 0.06195825757458806, 0.97690763277933]);
  });

  it('gives other numbers for other seeds, all of them in [0, 1) and spread evenly', () => {
    const seen = draws(1, 20_000);
    expect(seen.slice(0, 3)).not.toEqual(draws(2, 3));
    const tenths = Array.from({ length: 10 }, (_, tenth) => seen.filter((n) => Math.floor(n * 10) === tenth));
    for (const some of tenths) expect(Math.abs(some.length - 2_000)).toBeLessThan(200);
  });
});
