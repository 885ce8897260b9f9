import { describe, expect, it } from 'vitest';
import { decodeInteger, encodeInt, encodeLong, lowerTextBound, upperTextBound } from './bounds.ts';
import { dayText, partitionDay } from './partition-day.ts';

describe('Bounds', () => {
  it('are little-endian, and read by the width they were written with', () => {
    expect(Buffer.from(encodeInt(-2)).toString('hex')).toBe('feffffff');
    expect(Buffer.from(encodeLong(1n)).toString('hex')).toBe('0100000000000000');
    expect([encodeInt(-2), encodeLong(-(2n ** 63n)), Buffer.alloc(3)].map(decodeInteger)).toEqual([
      -2n,
      -(2n ** 63n),
      null,
    ]);
  });

  for (const [text, lower, upper] of [
    ['short', 'short', 'short'],
    ['exactly16letters', 'exactly16letters', 'exactly16letters'],
    ['more than sixteen letters', 'more than sixtee', 'more than sixtef'],
    ['\u{1f600}'.repeat(17), '\u{1f600}'.repeat(16), `${'\u{1f600}'.repeat(15)}\u{1f601}`],
    [`${'a'.repeat(15)}\ud7ffz`, `${'a'.repeat(15)}\ud7ff`, `${'a'.repeat(15)}\ue000`],
    [`a${'\u{10ffff}'.repeat(20)}`, `a${'\u{10ffff}'.repeat(15)}`, 'b'],
    ['\u{10ffff}'.repeat(20), '\u{10ffff}'.repeat(16), null],
  ] as const) {
    it(`of ${JSON.stringify(text)} hold it`, () => {
      expect(Buffer.from(lowerTextBound(text)).toString()).toBe(lower);
      const bound = upperTextBound(text);
      expect(bound === null ? null : Buffer.from(bound).toString()).toBe(upper);
      expect(Buffer.compare(lowerTextBound(text), Buffer.from(text))).toBeLessThanOrEqual(0);
      if (bound !== null) expect(Buffer.compare(bound, Buffer.from(text))).toBeGreaterThanOrEqual(0);
    });
  }
});

describe('The day of a record', () => {
  it('counts from 1970, downwards before it', () => {
    const day = 86_400_000;
    const times = [0, day - 1, day, -2, -day, -day - 1, Date.UTC(2026, 8, 21)];
    expect(times.map(partitionDay)).toEqual([0, 0, 1, -1, -1, -2, 20_717]);
    expect([0, -1, 20_717].map(dayText)).toEqual(['1970-01-01', '1969-12-31', '2026-09-21']);
  });

  it('is none without a time, which Kafka says by -1', () => {
    expect([null, -1].map(partitionDay)).toEqual([null, null]);
    expect(dayText(null)).toBe('null');
  });
});
