import { describe, expect, it } from 'vitest';
import { GrowthCurve, ratesAround } from './growth-curve.ts';

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

describe('rates around a mark', () => {
  const ours = curveOf([
    [800, 1],
    [1000, 2],
    [2000, 3],
  ]);

  it('are those of both between the same two sizes', () => {
    const curve = curveOf([
      [900, 10],
      [1100, 20],
    ]);
    const around = ratesAround(1000, 0.1, ours, { curve, warmUpEvents: 900 });
    expect(around?.ours).toBeCloseTo(200 / 0.6);
    expect(around?.theirs).toBeCloseTo(20);
  });

  it('end where one of them ended', () => {
    const curve = curveOf([
      [900, 10],
      [1000, 20],
    ]);
    const around = ratesAround(1000, 0.1, ours, { curve, warmUpEvents: 0 });
    expect(around?.ours).toBeCloseTo(200);
    expect(around?.theirs).toBeCloseTo(10);
  });

  it('are not told of a mark to which one did not come, nor among what warmed a rival up', () => {
    const curve = curveOf([[1000, 20]]);
    expect(ratesAround(1001, 0.1, ours, { curve, warmUpEvents: 0 })).toBe(null);
    expect(ratesAround(1000, 0.1, ours, { curve, warmUpEvents: 901 })).toBe(null);
    expect(ratesAround(1000, 0.1, ours, { curve, warmUpEvents: 900 })).not.toBe(null);
  });
});
