import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packIds, placeOf } from '../../graph-store/index.ts';
import { IdShards } from './id-shards.ts';

const type = 'Account';

describe('ids of members that are candidates', () => {
  it('come out once, as often as they came or oftener than asked for, in the order of their places', () => {
    const id = fc.integer({ min: 0, max: 30 }).map((number) => `acc-${number}`);
    fc.assert(
      fc.property(fc.array(id, { maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (added, atLeast) => {
        const shards = new IdShards(type);
        const counts = new Map<string, number>();
        for (const one of added) {
          shards.add(packIds(type, [one]));
          counts.set(one, (counts.get(one) ?? 0) + 1);
        }
        expect(shards.size).toBe(counts.size);
        for (let number = 0; number <= 30; number += 1) {
          const one = `acc-${number}`;
          expect(shards.count(one)).toBe(counts.get(one) ?? 0);
        }
        const expected = [...counts].filter(([, count]) => count >= atLeast).map(([one]) => one);
        const place = (one: string): number => placeOf({ type, id: one });
        expect([...shards.drain(atLeast)].flat()).toEqual(expected.sort((a, b) => place(a) - place(b)));
        expect(shards.size).toBe(0);
      }),
    );
  });

  it('are handed out some hundreds at a time, of neighbouring places', () => {
    const shards = new IdShards(type);
    const ids = Array.from({ length: 20_000 }, (_, number) => `acc-${number}`);
    shards.add(packIds(type, ids));
    const groups = [...shards.drain()];
    expect(groups.length).toBeGreaterThan(10);
    expect(Math.max(...groups.map((group) => group.length))).toBe(1024);
    const places = groups.flat().map((one) => placeOf({ type, id: one }));
    expect(places).toEqual(ids.map((one) => placeOf({ type, id: one })).sort((a, b) => a - b));
  });

  it('are told apart where all of them were made to have one place', () => {
    const ids = Array.from({ length: 500 }, (_, number) => `é${number}`);
    const packed = packIds(type, ids);
    const meeting = { ...packed, places: packed.places.map(() => 7) };
    const shards = new IdShards(type);
    shards.add(meeting);
    expect(shards.size).toBe(ids.length);
    shards.add(meeting);
    expect(shards.size).toBe(ids.length);
    expect([...shards.drain(3)]).toEqual([]);
    shards.add(meeting);
    shards.add(meeting);
    expect([...shards.drain(2)].flat()).toEqual(ids);
  });
});
