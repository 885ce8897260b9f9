import { expect, test } from 'vitest';
import { OccurrenceWindow } from './coalesce.ts';

test('an occurrence is superseded by itself until the window is cleared', () => {
  const window = new OccurrenceWindow(10);
  expect([window.add(1n), window.add(2n ** 64n - 1n), window.add(1n)]).toEqual([true, true, false]);
  window.clear();
  expect(window.add(1n)).toBe(true);
});

test('a full window lets new occurrences through, forgets none and grows no more', () => {
  const window = new OccurrenceWindow(2);
  expect([1n, 2n, 3n, 3n, 2n].map((occurrence) => window.add(occurrence))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(window.size).toBe(2);
});
