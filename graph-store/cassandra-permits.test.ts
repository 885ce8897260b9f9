import { describe, expect, it } from 'vitest';
import { Permits } from './cassandra-permits.ts';

describe('Permits', () => {
  it('let so many work at once, and the others in the order in which they came', async () => {
    const permits = new Permits(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3].map((number) =>
      permits.with(async () => {
        begun.push(number);
        await new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    await all[1];
    expect(begun).toEqual([0, 1, 2]);
    ends[0]?.();
    await all[0];
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const end of ends) end();
    await Promise.all(all);
  });
  it('are given back by work that fails', async () => {
    const permits = new Permits(1);
    const failing = permits.with(async () => {
      throw new TypeError('an invented failure');
    });
    await expect(failing).rejects.toThrow('an invented');
    expect(await permits.with(async () => 'next')).toBe('next');
  });
});
