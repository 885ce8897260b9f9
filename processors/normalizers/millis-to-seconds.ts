import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

export const millisToSeconds: Normalizer = {
  name: 'millisToSeconds',
  takes: numbers,
  gives: 'double',
  description: 'Milliseconds as seconds.',
  examples: [[1_500n, 1.5]],
  normalize: scale(1 / 1_000),
};
