import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff, type Clock } from './index.ts';

const stillClock: Clock = { now: () => 0, sleep: async () => undefined };

describe('Backoff', () => {
  it('stays between its base and its ceiling whatever the dice say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
        (dice) => {
          let roll = 0;
          const backoff = new Backoff(
            { baseMs: 100, maxMs: 5000 },
            stillClock,
            () => dice[roll++ % dice.length] ?? 0,
          );
          for (let attempt = 0; attempt < 50; attempt += 1) {
            const delayMs = backoff.next();
            expect(delayMs).toBeGreaterThanOrEqual(100);
            expect(delayMs).toBeLessThanOrEqual(5000);
          }
        },
      ),
    );
  });

  it('grows while failures go on and starts small again after a success', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 5000 }, stillClock, () => 0.99);
    const first = backoff.next();
    const second = backoff.next();
    expect(second).toBeGreaterThan(first);
    backoff.reset();
    expect(backoff.next()).toBe(first);
  });
});
