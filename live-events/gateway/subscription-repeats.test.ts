import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../producer/virtual-clock.fake.ts';
import { SubscriptionRepeats } from './subscription-repeats.ts';

function repeats(again: (asked: number) => boolean) {
  const clock = new VirtualClock(0);
  const askedAtMs: number[] = [];
  const all = new SubscriptionRepeats({
    limits: { baseMs: 100, maxMs: 1_000 },
    clock,
    random: () => 0.5,
    again: async () => again(askedAtMs.push(clock.now())),
  });
  return { clock, askedAtMs, all };
}

describe('a subscription that a router did not take', () => {
  it('is asked for again, ever more rarely but never less than each second, until it is taken', async () => {
    const { clock, askedAtMs, all } = repeats((asked) => asked === 10);
    all.start('fight-1');
    await clock.pass(60_000);
    const waitsMs = askedAtMs.map((atMs, index) => atMs - (askedAtMs[index - 1] ?? 0));
    expect(waitsMs).toHaveLength(10);
    expect(waitsMs).toEqual(waitsMs.toSorted((one, other) => one - other));
    expect(waitsMs.at(0)).toBeLessThan(300);
    expect(waitsMs.at(-1)).toBe(1_000);
  });

  it('is asked for by one alone, however often it failed', async () => {
    const { clock, askedAtMs, all } = repeats(() => true);
    all.start('fight-1');
    all.start('fight-1');
    await clock.pass(10_000);
    expect(askedAtMs).toHaveLength(1);
    all.start('fight-1');
    await clock.pass(10_000);
    expect(askedAtMs).toHaveLength(2);
  });

  it('is not asked for any more when nobody wants it, or there is no connection', async () => {
    const { clock, askedAtMs, all } = repeats(() => false);
    for (const event of ['fight-1', 'fight-2']) all.start(event);
    await clock.pass(300);
    const before = askedAtMs.length;
    expect(before).toBeGreaterThan(1);
    all.stop('fight-1');
    all.stopAll();
    await clock.pass(10_000);
    expect(askedAtMs).toHaveLength(before);
  });
});
