import { expect, test } from 'vitest';
import { OccurrenceWindow } from './coalesce.ts';

const one = Buffer.from('one');
const other = Buffer.from('other');

test('an occurrence is superseded by itself until the window is cleared', () => {
  const window = new OccurrenceWindow(10);
  const last = 2n ** 64n - 1n;
  expect([window.add(1n, one), window.add(last, one), window.add(1n, Buffer.from(one))]).toEqual([
    true,
    true,
    false,
  ]);
  window.clear();
  expect(window.add(1n, one)).toBe(true);
});

test('a record of the same occurrence with other bytes passes, and so does the first one after it', () => {
  const window = new OccurrenceWindow(10);
  expect([one, other, other, one, one].map((bytes) => window.add(1n, bytes))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

test('a full window lets new occurrences through, forgets none and grows no more', () => {
  const window = new OccurrenceWindow(2);
  expect([1n, 2n, 3n, 3n, 2n].map((occurrence) => window.add(occurrence, one))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(window.size).toBe(2);
});
