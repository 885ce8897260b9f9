import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeCursor } from '../cursor.ts';
import { cursors } from './live-testing.ts';
import { cursorKeyBytes, StepCursors } from './step-cursor.ts';

const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const place = fc.record({ timeMs: fc.maxSafeNat(), occurrence: long });
const inFeed = fc.record({ epoch: long, sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) });

describe('The cursor of a subscription', () => {
  it('comes back as it was written, with and without a place in the feed', () => {
    fc.assert(
      fc.property(fc.record({ feed: fc.oneof(fc.constant(null), inFeed), place }), (cursor) => {
        expect(cursors.read('after', cursors.write(cursor))).toEqual(cursor);
      }),
    );
  });

  it('tells nothing of the feed to whoever holds it: what it says of one place never comes twice', () => {
    const at = { timeMs: 1000, occurrence: 1n };
    const given = Array.from({ length: 64 }, (_, i) => {
      const sequence = 1 + (i % 2);
      return Buffer.from(cursors.write({ feed: { epoch: 1n, sequence }, place: at }), 'base64url');
    });
    expect(new Set(given.map((one) => one.toString('hex', 0, 17))).size).toBe(1);
    // Neither the whole nor any part of eight bytes behind the place.
    for (let from = 17; from + 8 <= 61; from += 8)
      expect(new Set(given.map((one) => one.toString('hex', from, from + 8))).size).toBe(64);
  });

  it('of another process, or changed by hand, is a place in time and no more', () => {
    const other = new StepCursors(Buffer.alloc(cursorKeyBytes, 8));
    fc.assert(
      fc.property(inFeed, place, (feed, at) => {
        const read = cursors.read('after', other.write({ feed, place: at }));
        expect(read).toEqual({ feed: { epoch: null, sequence: 0 }, place: at });
      }),
    );
    const feed = { epoch: 1n, sequence: 5 };
    const given = Buffer.from(cursors.write({ feed, place: { timeMs: 1000, occurrence: 1n } }), 'base64url');
    for (const at of [8, 16, 17, 30, 50]) {
      const changed = Buffer.from(given);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(cursors.read('after', changed.toString('base64url')).feed).toEqual({ epoch: null, sequence: 0 });
    }
  });

  it('may be that of a page of a journey', () => {
    fc.assert(
      fc.property(place, (at) => {
        expect(cursors.read('after', writeCursor(at))).toEqual({ feed: null, place: at });
      }),
    );
  });

  it('is refused when nobody wrote it', () => {
    const given = cursors.write({ feed: { epoch: 1n, sequence: 1 }, place: { timeMs: 1, occurrence: 1n } });
    for (const text of [
      '',
      'x',
      `${given}A`,
      given.slice(1),
      `B${given.slice(1)}`,
      'é'.repeat(82),
      `Aw${'_'.repeat(80)}`,
      // Spare bits of the last character.
      given.slice(0, -1) +
        (given.endsWith('A') ? 'B' : given.endsWith('Q') ? 'R' : given.endsWith('g') ? 'h' : 'x'),
    ]) {
      expect(() => cursors.read('after', text)).toThrow('Argument "after" takes');
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 90 }), (text) => {
        expect(() => cursors.read('after', text)).toThrow('Argument "after" takes');
      }),
    );
  });
});
