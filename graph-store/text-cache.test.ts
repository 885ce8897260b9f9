import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextCache } from './text-cache.ts';

describe('The cache of decoded texts', () => {
  it('answers what decoding answers, whatever it has seen before', () => {
    const cache = new TextCache();
    const bytes = fc.oneof(
      fc.constantFrom('a', 'b', 'seconds', 'secondt', 'é', 'ã©', '\u0000').map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((some) => Buffer.from(some)),
      // One byte that is a Latin letter and no UTF-8.
      fc.constant(Buffer.of(0xe9)),
    );
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1 }), (asked) => {
        for (const one of asked) {
          const padded = Buffer.concat([Buffer.from('xx'), one, Buffer.from('yy')]);
          expect(cache.get(padded, 2, 2 + one.length)).toBe(one.toString('utf8'));
        }
      }),
    );
  });

  it('gives the same string again without decoding', () => {
    const cache = new TextCache();
    const bytes = Buffer.from('completion');
    cache.get(bytes, 0, bytes.length);
    const blind = Object.assign(Buffer.from(bytes), { toString: () => 'decoded again' });
    expect(cache.get(blind, 0, bytes.length)).toBe('completion');
    const other = Object.assign(Buffer.from('completiom'), { toString: () => 'decoded again' });
    expect(cache.get(other, 0, other.length)).toBe('decoded again');
  });
});
