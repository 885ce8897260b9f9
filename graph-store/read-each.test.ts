import { describe, expect, it } from 'vitest';
import { readEach } from './read-each.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const many = Array.from({ length: 20 }, (_, i) => i);

describe('Reading each of many', () => {
  it('answers in the order asked, with so many under way at once', async () => {
    let now = 0;
    let most = 0;
    const answers = await readEach(many, 4, async (i) => {
      now += 1;
      most = Math.max(most, now);
      for (let turns = i % 3; turns >= 0; turns -= 1) await turn();
      now -= 1;
      return i * 2;
    });
    expect(answers).toEqual(many.map((i) => i * 2));
    expect(most).toBe(4);
    expect(await readEach([], 4, turn)).toEqual([]);
  });

  it('fails when one does, begins no other then, and waits for those under way', async () => {
    const begun: number[] = [];
    let underWay = 0;
    const reading = readEach(many, 4, async (i) => {
      begun.push(i);
      if (i === 2) throw new Error('a damaged block');
      underWay += 1;
      await turn();
      underWay -= 1;
    });
    await expect(reading).rejects.toThrow('a damaged block');
    expect(underWay).toBe(0);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('ends between two reads when it is aborted', async () => {
    const aborting = new AbortController();
    const begun: number[] = [];
    const reading = readEach(
      many,
      2,
      async (i) => {
        begun.push(i);
        if (i === 3) aborting.abort(new Error('nobody waits any more'));
        await turn();
      },
      aborting.signal,
    );
    await expect(reading).rejects.toThrow('nobody waits any more');
    expect(begun).toEqual([0, 1, 2, 3]);
  });
});
