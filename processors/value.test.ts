import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ValueKind } from '../schemas/index.ts';
import { compileTime } from './event-time.ts';
import { compileId } from './node-id.ts';
import { compileValue } from './value.ts';

const seed = 20_261_121;

function read(kind: ValueKind, value: unknown, scale = 0): unknown {
  const field = { path: 'f', root: 0, steps: [{ kind: 'field' as const, name: 'f' }], kind, scale };
  return compileValue({ source: { from: 'field', field }, apply: [], kind, text: 'f' })([{ f: value }]);
}

function id(kind: ValueKind, value: unknown): unknown {
  const field = { path: 'f', root: 0, steps: [{ kind: 'field' as const, name: 'f' }], kind, scale: 0 };
  return compileId({ source: { from: 'field', field }, apply: [], kind, text: 'f' })([{ f: value }]);
}

/** Two's complement by arithmetic, a byte at a time. */
function twosComplement(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at -= 1) {
    const byte = ((rest % 256n) + 256n) % 256n;
    bytes[at] = Number(byte);
    rest = (rest - byte) / 256n;
  }
  return bytes;
}

/** The calendar counted by hand: days before a year and a month, without a Date. */
function dateOf(day: number): string {
  let rest = day + 719_162;
  let year = 1 + Math.floor(rest / 146_097) * 400;
  rest %= 146_097;
  const isLeap = (): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  for (let days = isLeap() ? 366 : 365; rest >= days; days = isLeap() ? 366 : 365) {
    rest -= days;
    year += 1;
  }
  const months = [31, isLeap() ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  let month = 0;
  for (; rest >= (months[month] ?? 0); month += 1) rest -= months[month] ?? 0;
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month + 1)}-${two(rest + 1)}`;
}

describe('a value', () => {
  test('that is a decimal keeps every digit, whatever its bytes, scale and sign', () => {
    const unscaled = fc.bigInt({ min: -(2n ** 400n), max: 2n ** 400n });
    fc.assert(
      fc.property(unscaled, fc.nat({ max: 60 }), fc.nat({ max: 9 }), (value, scale, more) => {
        const text = String(read('decimal', twosComplement(value, 51 + more), scale));
        const [whole = '', fraction = ''] = text.split('.');
        expect(fraction).toHaveLength(scale);
        expect(BigInt(whole + fraction)).toBe(value);
        expect(text.startsWith('-')).toBe(value < 0n);
        expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d+)?$/);
      }),
      { seed },
    );
  });

  test('that is a date is the day of the calendar', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (day) => {
        expect(read('date', day)).toBe(dateOf(day));
      }),
      { seed },
    );
    expect(dateOf(20_778)).toBe('2026-11-21');
    expect([read('date', -719_162), read('date', 2_932_896)]).toEqual(['0001-01-01', '9999-12-31']);
  });

  test('that is a time of a day has all its digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 86_399_999_999n }), (micros) => {
        const [, hours, minutes, seconds, fraction] =
          /^(\d\d):(\d\d):(\d\d)\.(\d{6})$/.exec(String(read('time-micros', micros))) ?? [];
        const total = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
        expect(BigInt(total) * 1_000_000n + BigInt(fraction ?? -1)).toBe(micros);
        const millis = Number(micros / 1_000n);
        expect(`${read('time-millis', millis)}000`).toBe(read('time-micros', BigInt(millis) * 1_000n));
      }),
      { seed },
    );
  });

  test('that is a point in time is no other than the one before and after it', () => {
    const micros = 2n ** 43n * 1_000n;
    fc.assert(
      fc.property(fc.bigInt({ min: -micros, max: micros - 1n }), (value) => {
        const [time, next] = [
          Number(read('timestamp-micros', value)),
          Number(read('timestamp-micros', value + 1n)),
        ];
        expect(next).toBeGreaterThan(time);
        // Its whole milliseconds are those of the whole number.
        const millis = value / 1_000n - (value % 1_000n < 0n ? 1n : 0n);
        expect(BigInt(Math.floor(time))).toBe(millis);
        expect(read('timestamp-millis', millis)).toBe(Number(millis));
      }),
      { seed },
    );
  });

  test('that is a double is itself, or bad data', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        if (Number.isFinite(value)) expect(read('double', value)).toBe(value);
        else expect(() => read('double', value)).toThrow('`f` is not a finite number.');
      }),
      { seed },
    );
  });

  test.each<[string, ValueKind, unknown, string]>([
    ['a megabyte of a decimal', 'decimal', new Uint8Array(1_048_576), 'is a decimal of more than 1024 bytes'],
    ['the day before the year 1', 'date', -719_163, 'is no date between the years 1 and 9999'],
    ['the day after the year 9999', 'date', 2_932_897, 'is no date between the years 1 and 9999'],
    ['midnight of the next day', 'time-millis', 86_400_000, 'is no time of a day'],
    ['a time before midnight', 'time-micros', -1n, 'is no time of a day'],
    [
      'the greatest long of milliseconds',
      'timestamp-millis',
      2n ** 63n - 1n,
      'is no time that a calendar holds',
    ],
    [
      'the least long of microseconds',
      'timestamp-micros',
      -(2n ** 63n) * 1_000n,
      'is no time that a calendar holds',
    ],
    ['infinity', 'double', Infinity, 'is not a finite number'],
    ['a text where bytes are', 'bytes', 'text', 'is a string'],
  ])('that is %s is bad data', (_what, kind, value, sentence) => {
    const attempt = (): unknown => read(kind, value);
    expect(attempt).toThrow(expect.objectContaining({ code: 'VALUE_INVALID', reaction: 'bad-data' }));
    expect(attempt).toThrow(`\`f\` ${sentence}.`);
  });
});

describe('an id', () => {
  test.each<[ValueKind, unknown, string | null]>([
    ['string', 'a', 'a'],
    ['string', '__proto__', '__proto__'],
    ['string', 'constructor', 'constructor'],
    ['string', 'é'.repeat(512), 'é'.repeat(512)],
    ['long', -(2n ** 63n), '-9223372036854775808'],
    ['int', -1, '-1'],
    ['date', 20_778, '2026-11-21'],
    ['string', null, null],
  ])('of kind %s that is %s is %s', (kind, value, expected) => {
    expect(id(kind, value)).toBe(expected);
  });

  test.each<[string, unknown, string]>([
    ['empty', '', 'is empty and cannot be an id'],
    ['a megabyte', 'x'.repeat(1_048_576), 'has more than 1024 bytes and cannot be an id'],
    ['a byte too long', `${'é'.repeat(512)}x`, 'has more than 1024 bytes and cannot be an id'],
    ['not without NUL', 'a\0b', 'holds NUL and cannot be an id'],
    ['a boolean', true, 'is a boolean and cannot be an id'],
  ])('that is %s is bad data', (_what, value, sentence) => {
    const attempt = (): unknown => id('string', value);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_NODE_ID', reaction: 'bad-data' }));
    expect(attempt).toThrow(`\`f\` ${sentence}.`);
  });
});

describe('an event time', () => {
  const now = Date.UTC(2026, 10, 21);

  test('in microseconds is the whole millisecond that it lies in', () => {
    const field = { path: 'f', root: 0, steps: [{ kind: 'field' as const, name: 'f' }], scale: 0 };
    const time = compileTime({ ...field, kind: 'timestamp-micros' }, 0);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: BigInt(now) * 1_000n }), (micros) => {
        expect(BigInt(time([{ f: micros }], now))).toBe(micros / 1_000n);
      }),
      { seed },
    );
    expect(() => time([{ f: -1n }], now)).toThrow('`f` lies before 1970.');
    expect(() => time([{ f: null }], now)).toThrow(expect.objectContaining({ code: 'EVENT_TIME_MISSING' }));
    expect(() => time([{ f: BigInt(now + 1) * 1_000n }], now)).toThrow(
      'lies more than 0 ms ahead of the clock',
    );
    expect(() => time([{ f: 2n ** 63n - 1n }], now)).toThrow('`f` is no time that a calendar holds.');
  });
});
