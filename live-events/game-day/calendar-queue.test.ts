import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CalendarQueue } from './calendar-queue.ts';

describe('CalendarQueue', () => {
  it('gives each item once, at the last tick that it was scheduled for', () => {
    const steps = fc.array(fc.record({ item: fc.nat(19), tick: fc.nat(40), cancels: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new CalendarQueue(20, 30);
        const due = new Map<number, number>();
        for (const { item, tick, cancels } of list) {
          if (cancels) queue.cancel(item);
          else queue.schedule(item, tick);
          if (cancels || tick >= 30) due.delete(item);
          else due.set(item, tick);
          expect(queue.isDue(item)).toBe(due.has(item));
        }
        const taken = new Map<number, number>();
        for (let tick = 0; tick < 30; tick += 1) {
          for (let item = queue.take(tick); item !== -1; item = queue.take(tick)) {
            expect(taken.has(item)).toBe(false);
            taken.set(item, tick);
          }
        }
        expect([...taken].sort()).toEqual([...due].sort());
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
