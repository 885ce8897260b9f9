import { describe, expect, it } from 'vitest';
import { planFaults, secondsOf } from './process-plan.ts';

const count = (kills: number, kind: string): number =>
  planFaults(7, kills).filter((fault) => fault.kind === kind).length;

describe('The plan of faults', () => {
  it('has so many kills as were asked for, a freeze for every six, and one node and one broker down', () => {
    for (const kills of [1, 3, 30])
      expect([
        count(kills, 'kill'),
        count(kills, 'freeze'),
        count(kills, 'node'),
        count(kills, 'broker'),
      ]).toEqual([kills, Math.ceil(kills / 6), 1, 1]);
  });

  it('is the same for a seed and another for another', () => {
    expect(planFaults(7, 30)).toEqual(planFaults(7, 30));
    expect(planFaults(8, 30)).not.toEqual(planFaults(7, 30));
  });

  it('takes longer the more it has, and never less than both outages', () => {
    expect(secondsOf(planFaults(7, 1), 6_000)).toBe(120);
    expect(secondsOf(planFaults(7, 30), 6_000)).toBeGreaterThan(180);
  });
});
