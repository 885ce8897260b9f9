import { expect, test } from 'vitest';
import { hasMeaning } from './filter.ts';

test('a tombstone has no meaning, an empty value may have', () => {
  expect(hasMeaning(null)).toBe(false);
  expect(hasMeaning(new Uint8Array(0))).toBe(true);
});
