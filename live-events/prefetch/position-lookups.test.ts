import { describe, expect, it } from 'vitest';
import { PositionLookups } from './position-lookups.ts';

/** Answers when it is told to, and remembers what it was asked. */
class SlowSegments {
  readonly asked: (readonly string[])[] = [];
  readonly #waiting: PromiseWithResolvers<readonly (number | null)[]>[] = [];

  positionsOf(_audience: string, ids: readonly string[]): Promise<readonly (number | null)[]> {
    this.asked.push(ids);
    const waiting = Promise.withResolvers<readonly (number | null)[]>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  answer(positions: readonly (number | null)[]): void {
    this.#waiting.shift()?.resolve(positions);
  }

  fail(error: Error): void {
    this.#waiting.shift()?.reject(error);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('look-ups of positions', () => {
  it('read one at once, and together all that come meanwhile', async () => {
    const segments = new SlowSegments();
    const lookups = new PositionLookups(segments);
    const found = Promise.all(['a', 'b', 'c'].map((id) => lookups.positionOf('x', id)));
    const other = lookups.positionOf('y', 'a');
    expect(segments.asked).toEqual([['a'], ['a']]);
    segments.answer([5]);
    segments.answer([7]);
    await turn();
    expect(segments.asked.slice(2)).toEqual([['b', 'c']]);
    segments.answer([6, null]);
    expect(await found).toEqual([5, 6, null]);
    expect(await other).toBe(7);
  });

  it('tell everybody of one read that it failed, and nobody of the next', async () => {
    const segments = new SlowSegments();
    const lookups = new PositionLookups(segments);
    const first = lookups.positionOf('x', 'a');
    const second = lookups.positionOf('x', 'b');
    segments.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await turn();
    segments.answer([3]);
    expect(await second).toBe(3);
    await turn();
    const third = lookups.positionOf('x', 'c');
    segments.answer([4]);
    expect(await third).toBe(4);
  });
});
