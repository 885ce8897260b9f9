import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonBytes } from './json-bytes.ts';

const out = new JsonBytes();
const written = (value: number): string => {
  out.begin();
  out.number(value);
  return out.end();
};

it('writes a number as JSON has it', () => {
  const whole = [0, -0, 9, 10, 99, 100, 999_999_999, 1e9, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, -1, 1e21];
  const others = [0.5, -0.25, 1e-7, 5e-324, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY];
  for (const value of [...whole, ...others]) expect(written(value)).toBe(JSON.stringify(value));
  fc.assert(
    fc.property(
      fc.oneof(fc.integer(), fc.nat(), fc.double()),
      (value) => written(value) === JSON.stringify(value),
    ),
  );
});

it('has room for as many numbers as come', () => {
  out.begin();
  for (let i = 0; i < 20_000; i += 1) out.number(123_456_789);
  expect(out.end()).toBe('123456789'.repeat(20_000));
});
