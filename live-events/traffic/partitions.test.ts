import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Partitions, type Place, partitionLimitsDefault } from './partitions.ts';
import { requestClasses } from './request-class.ts';

const { guaranteed } = partitionLimitsDefault;
const placeOf = (requestClass: (typeof requestClasses)[number]): Place => ({ requestClass, pool: null });
const pool = { name: 'fight', share: 0.3 };

describe('Partitions', () => {
  it('lets a class have all that others leave', () => {
    const partitions = new Partitions(partitionLimitsDefault);
    const taken = Array.from({ length: 30 }, () => partitions.take(placeOf('bulk'), 20));
    expect(taken.filter((ok) => ok)).toHaveLength(20);
  });

  it('lets users in when others have everything, and nobody else until those are gone', () => {
    const partitions = new Partitions(partitionLimitsDefault);
    while (partitions.take(placeOf('prefetch'), 20));
    for (let i = 0; i < 20; i += 1) expect(partitions.take(placeOf('user'), 20)).toBe(true);
    expect(partitions.take(placeOf('user'), 20)).toBe(false);
    for (let i = 0; i < 20; i += 1) {
      expect(partitions.take(placeOf('prefetch'), 20)).toBe(false);
      partitions.giveBack(placeOf('prefetch'));
    }
    expect(partitions.take(placeOf('prefetch'), 20)).toBe(false);
    partitions.giveBack(placeOf('user'));
    expect(partitions.take(placeOf('prefetch'), 20)).toBe(true);
  });

  it('keeps a pool to its share, and its share for it', () => {
    const partitions = new Partitions(partitionLimitsDefault);
    while (partitions.take(placeOf('bulk'), 20));
    const taken = Array.from({ length: 10 }, () => partitions.take({ requestClass: 'bulk', pool }, 20));
    expect(taken).toEqual([true, true, true, true, true, true, false, false, false, false]);
  });

  it('never holds more than the limit and the guarantees together, and refuses nobody what is guaranteed', () => {
    const steps = fc.array(
      fc.record({ take: fc.boolean(), index: fc.nat(3), limit: fc.integer({ min: 20, max: 40 }), pooled: fc.boolean() }), // biome-ignore format: one row
      { maxLength: 400 },
    );
    const shares = requestClasses.reduce((sum, name) => sum + guaranteed[name], 0) + pool.share;
    fc.assert(
      fc.property(steps, (list) => {
        const partitions = new Partitions(partitionLimitsDefault);
        for (const { take, index, limit, pooled } of list) {
          const requestClass = requestClasses[index] ?? 'user';
          const place = { requestClass, pool: pooled ? pool : null };
          if (take) {
            const share = pooled ? pool.share : guaranteed[requestClass];
            const mayHave = partitions.held(place) < Math.floor(limit * share);
            expect(partitions.take(place, limit) || !mayHave).toBe(true);
          } else if (partitions.held(place) > 0) partitions.giveBack(place);
          expect(partitions.total).toBeLessThanOrEqual(40 + Math.ceil(40 * shares) + requestClasses.length);
        }
      }),
      { seed: 7 },
    );
  });

  it('takes a place given back twice for a bug', () => {
    const partitions = new Partitions(partitionLimitsDefault);
    partitions.take(placeOf('user'), 20);
    partitions.giveBack(placeOf('user'));
    expect(() => partitions.giveBack(placeOf('user'))).toThrow('given back by who took it');
  });
});
