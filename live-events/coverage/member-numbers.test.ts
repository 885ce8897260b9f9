import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeAudience } from './coverage-testing.ts';
import { MemberNumbers } from './member-numbers.ts';

class CountingAudience extends FakeAudience {
  asked = 0;

  override async numbersOf(ids: readonly string[]): Promise<readonly (number | null)[]> {
    this.asked += ids.length;
    return await super.numbersOf(ids);
  }
}

const accounts = (...numbers: readonly number[]): readonly string[] => numbers.map((n) => `Account:a${n}`);

describe('Numbers of members', () => {
  it('are asked for once as long as they are in use, and those that are not are forgotten', async () => {
    const audience = new CountingAudience('everybody', 100);
    const numbers = new MemberNumbers(4);
    expect(await numbers.of(audience, accounts(1, 2))).toEqual([1, 2]);
    expect(await numbers.of(audience, accounts(2, 1))).toEqual([2, 1]);
    expect(audience.asked).toBe(2);
    await numbers.of(audience, accounts(3, 1));
    await numbers.of(audience, accounts(4, 1));
    expect(audience.asked).toBe(4);
    expect(await numbers.of(audience, accounts(2))).toEqual([2]);
    expect(audience.asked).toBe(5);
  });

  it('are those of the audience that is asked about, whatever others have, in whatever memory', async () => {
    const audiences = [new FakeAudience('small', 3), new FakeAudience('large', 9)] as const;
    const calls = fc.array(
      fc.tuple(
        fc.constantFrom(...audiences),
        fc.array(fc.constantFrom('Account:a1', 'Account:a5', 'Profile:a1', 'a1', 'Account:x')),
      ),
    );
    const property = fc.asyncProperty(calls, fc.integer({ min: 0, max: 6 }), async (all, keptMax) => {
      const numbers = new MemberNumbers(keptMax);
      for (const [audience, members] of all) {
        const expected = members.map((member) => {
          const number = /^Account:a(\d)$/.exec(member)?.[1];
          return number !== undefined && Number(number) < audience.count ? Number(number) : null;
        });
        expect(await numbers.of(audience, members)).toEqual(expected);
      }
    });
    await fc.assert(property, { seed: 11, numRuns: 300 });
  });
});
