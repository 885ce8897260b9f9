import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeCursor } from '../cursor.ts';
import { readStepCursor, writeStepCursor } from './step-cursor.ts';

const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const place = fc.record({ timeMs: fc.maxSafeNat(), occurrence: long });

describe('The cursor of a subscription', () => {
  it('comes back as it was written, with and without a place in the feed', () => {
    const feed = fc.oneof(
      fc.constant(null),
      fc.record({ epoch: long, sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) }),
    );
    fc.assert(
      fc.property(fc.record({ feed, place }), (cursor) => {
        expect(readStepCursor('after', writeStepCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it('may be that of a page of a journey', () => {
    fc.assert(
      fc.property(place, (at) => {
        expect(readStepCursor('after', writeCursor(at))).toEqual({ feed: null, place: at });
      }),
    );
  });

  it('is refused when nobody wrote it', () => {
    const given = writeStepCursor({ feed: null, place: { timeMs: 1, occurrence: 1n } });
    for (const text of [
      '',
      'x',
      `${given}A`,
      given.slice(1),
      `B${given.slice(1)}`,
      'é'.repeat(44),
      `Ag${'_'.repeat(42)}`,
    ]) {
      expect(() => readStepCursor('after', text)).toThrow('Argument "after" takes');
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        expect(() => readStepCursor('after', text)).toThrow('Argument "after" takes');
      }),
    );
  });
});
