import fc from 'fast-check';
import { expect, it } from 'vitest';
import { refusalLimitsDefault, refusalOf } from './refusal.ts';
import { requestClasses } from './request-class.ts';

it('a refusal asks for between half and one and a half of the wait, which grows with the overload', () => {
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...requestClasses), share, share, (name, overload, drawn) => {
      const budget = refusalLimitsDefault[name];
      const refusal = refusalOf('OVERLOADED', budget, overload, () => drawn);
      const wait = budget.retryAfterMs * (1 + 3 * overload);
      expect(refusal.retryAfterMs).toBeGreaterThanOrEqual(Math.floor(wait * 0.5));
      expect(refusal.retryAfterMs).toBeLessThanOrEqual(Math.ceil(wait * 1.5));
      expect(refusal.retryAfterSeconds * 1000).toBeGreaterThanOrEqual(refusal.retryAfterMs);
      expect(refusal).toMatchObject({ status: 503, retriesMax: budget.retriesMax });
    }),
    { seed: 7 },
  );
});

it('the less urgent a class, the longer its wait and the fewer its tries', () => {
  const waits = requestClasses.map((name) => refusalLimitsDefault[name].retryAfterMs);
  const tries = requestClasses.map((name) => refusalLimitsDefault[name].retriesMax);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(tries).toEqual([...tries].sort((a, b) => b - a));
});

it('a rule pauses with 429: the server has room, this class has not', () => {
  const refusal = refusalOf('CLASS_PAUSED', refusalLimitsDefault.bulk, 0, () => 0.5);
  expect(refusal).toEqual({ status: 429, code: 'CLASS_PAUSED', retryAfterMs: 60_000, retryAfterSeconds: 60, retriesMax: 1 }); // biome-ignore format: one row
});
