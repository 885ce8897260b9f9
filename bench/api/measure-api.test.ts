import { expect, it } from 'vitest';
import type { LoadReport } from './load.ts';
import { mayBeHiccup } from './measure-api.ts';

const late: LoadReport = {
  sent: 1000,
  answered: 1000,
  p50Ms: 2,
  p99Ms: 60,
  maxMs: 90,
  errors: 0,
  refused: 0,
  firstError: null,
  gaveUp: false,
  lateP99Ms: 1,
  bytesPerAnswer: 100,
  cores: 0.2,
};

it.each<[boolean, string, Partial<LoadReport>]>([
  [true, 'a p99 somewhat too high', {}],
  [true, 'less than a twentieth refused', { errors: 49, refused: 49 }],
  [false, 'a twentieth refused', { errors: 50, refused: 50 }],
  [false, 'another error', { errors: 2, refused: 1 }],
  [false, 'a p99 much too high', { p99Ms: 100 }],
  [false, 'no hope to catch up', { gaveUp: true }],
])('there is another trial: %s, after %s', (again, _what, differs) => {
  expect(mayBeHiccup({ ...late, ...differs })).toBe(again);
});
