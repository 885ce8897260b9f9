import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../foundation/index.ts';
import { isKept, keptShare, overloadOf, priorityThreshold, sheddingLimitsDefault } from './cubic-shedding.ts';
import { requestClasses } from './request-class.ts';

const calm = { utilisation: 0, inFlightShare: 0, slowShare: 0 };

describe('priorityThreshold', () => {
  it.each([
    [0, 100],
    [0.35, 95],
    [0.8, 50],
    [0.95, 10],
    [1, 0],
    [7, 0],
    [-1, 100],
  ])('of an overload of %d is the published %d', (overload, threshold) => {
    expect(Math.abs(priorityThreshold(overload) - threshold)).toBeLessThan(0.1);
  });

  it('never rises with the overload', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(priorityThreshold(more)).toBeLessThanOrEqual(priorityThreshold(less));
      }),
      { seed: 7 },
    );
  });
});

describe('keptShare', () => {
  it('gives up a class only when all below it are gone', () => {
    for (let percent = 0; percent <= 100; percent += 1) {
      const shares = requestClasses.map((name) => keptShare(name, percent / 100));
      for (const [index, share] of shares.entries()) {
        const below = shares.slice(index + 1);
        if (share < 0.99) expect(below.every((other) => other < 0.01)).toBe(true);
      }
    }
    expect(requestClasses.map((name) => Math.round(keptShare(name, 0.8) * 10) / 10)).toEqual([1, 1, 0, 0]);
    expect(requestClasses.map((name) => Math.round(keptShare(name, 0.95) * 10) / 10)).toEqual([1, 0, 0, 0]);
  });

  it('is met over many requests, and needs no dice where nothing is to decide', () => {
    const random = seededRandom(11);
    let kept = 0;
    for (let i = 0; i < 10_000; i += 1) if (isKept(0.3, random)) kept += 1;
    expect(Math.abs(kept / 10_000 - 0.3)).toBeLessThan(0.015);
    const noDice = (): number => {
      throw new Error('thrown dice');
    };
    expect([isKept(1, noDice), isKept(0, noDice)]).toEqual([true, false]);
  });
});

describe('overloadOf', () => {
  it.each([
    [{ ...calm }, 0],
    [{ ...calm, utilisation: 0.6 }, 0],
    [{ ...calm, utilisation: 0.8 }, 0.8],
    [{ ...calm, utilisation: 1 }, 1],
    [{ ...calm, inFlightShare: 1 }, 2 / 3],
    [{ ...calm, slowShare: 0.6 }, 0.75],
    [{ utilisation: 0.7, inFlightShare: 1, slowShare: 0.2 }, 2 / 3],
  ])('of %j is that of the worst signal', (load, overload) => {
    expect(overloadOf(load, sheddingLimitsDefault)).toBeCloseTo(overload, 9);
  });
});
