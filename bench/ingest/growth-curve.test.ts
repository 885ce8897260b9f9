import { expect, it } from 'vitest';
import { GrowthCurve } from './growth-curve.ts';

function curveOf(points: readonly (readonly [events: number, seconds: number])[]): GrowthCurve {
  const curve = new GrowthCurve();
  for (const [events, seconds] of points) curve.add(events, seconds);
  return curve;
}

it('tells the rate of any window, in between two looks too', () => {
  const curve = curveOf([
    [100, 1],
    [200, 2],
    [250, 3],
    [300, 4],
  ]);
  expect(curve.rate(0, 100)).toBeCloseTo(100);
  expect(curve.rate(0, 50)).toBeCloseTo(100);
  expect(curve.rate(200, 300)).toBeCloseTo(50);
  expect(curve.rate(150, 250)).toBeCloseTo(100 / 1.5);
  expect(curve.events).toBe(300);
});

it('counts a standstill as time', () => {
  const curve = curveOf([
    [100, 1],
    [100, 9],
    [200, 10],
  ]);
  expect(curve.rate(100, 200)).toBeCloseTo(100 / 9);
  expect(curve.slowest(100)).toBeCloseTo(100 / 9);
});
