import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

export const secondsToMillis: Normalizer = {
  name: 'secondsToMillis',
  takes: numbers,
  gives: 'double',
  description: 'Seconds as milliseconds.',
  examples: [
    [90n, 90_000],
    [1.5, 1_500],
  ],
  normalize: scale(1_000),
};
