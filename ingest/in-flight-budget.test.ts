import { describe, expect, it } from 'vitest';
import { InFlightBudget } from './in-flight-budget.ts';

const wanted = (): boolean => true;

/** Takes, and notes the name when it has. */
function taker(budget: InFlightBudget, order: string[]) {
  return (name: string, bytes: number, isWanted = wanted): Promise<boolean> =>
    budget.take(bytes, isWanted).then((taken) => {
      order.push(taken ? name : `not ${name}`);
      return taken;
    });
}

describe('The budget of bytes in flight', () => {
  it('lets nobody pass a large batch that waits, however small', async () => {
    const budget = new InFlightBudget(10);
    const order: string[] = [];
    const take = taker(budget, order);
    await take('first', 6);
    const waiting = [take('large', 10), take('small', 1)];
    expect(budget.bytes).toBe(6);
    budget.release(6);
    await waiting[0];
    expect([budget.bytes, order]).toEqual([10, ['first', 'large']]);
    budget.release(10);
    await waiting[1];
    expect([budget.bytes, order]).toEqual([1, ['first', 'large', 'small']]);
  });

  it('lets one batch that is larger than all of it pass alone', async () => {
    const budget = new InFlightBudget(10);
    await budget.take(1, wanted);
    const huge = budget.take(100, wanted);
    budget.release(1);
    expect(await huge).toBe(true);
    expect(budget.bytes).toBe(100);
  });

  it('answers who is not wanted any more, takes nothing for them and lets the next one in', async () => {
    const budget = new InFlightBudget(10);
    const order: string[] = [];
    const take = taker(budget, order);
    await take('first', 6);
    let alive = true;
    const waiting = [take('dying', 10, () => alive), take('next', 4)];
    alive = false;
    budget.wake();
    await Promise.all(waiting);
    expect([budget.bytes, order]).toEqual([10, ['first', 'not dying', 'next']]);
  });
});
