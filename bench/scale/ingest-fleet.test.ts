import { expect, it } from 'vitest';
import { growthOf, lineUpsOf, median } from './ingest-fleet.ts';

it('takes the dearest number of processes for the growth, not the last, and of each the median of its rounds', () => {
  expect(growthOf([[100], [130], [90], [105]])).toBeCloseTo(1.3);
  expect(growthOf([[100], [90]])).toBe(1);
  expect(
    growthOf([
      [100, 300, 90],
      [110, 10, 120],
    ]),
  ).toBeCloseTo(1.1);
});

it('has as many processes under way whatever their number', () => {
  const lineUps = lineUpsOf([1, 2, 4, 8]);
  expect(lineUps).toEqual([
    { measured: [1, 2, 4], beside: 1 },
    { measured: [8], beside: 0 },
  ]);
  expect(lineUpsOf([1, 2])).toEqual([
    { measured: [1], beside: 1 },
    { measured: [2], beside: 0 },
  ]);
  expect(lineUpsOf([3])).toEqual([{ measured: [3], beside: 0 }]);
});

it('takes what lies in the middle of two for the median of an even number', () => {
  expect(median([4, 1])).toBe(2.5);
  expect(median([9, 1, 3])).toBe(3);
});
