import { expect, it } from 'vitest';
import { countText } from './index.ts';

it('countText writes a count to the nearest whole number, with separators', () => {
  expect([0, 999.5, 1_234_567.4].map(countText)).toEqual(['0', '1,000', '1,234,567']);
});
