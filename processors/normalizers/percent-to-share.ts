import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

export const percentToShare: Normalizer = {
  name: 'percentToShare',
  takes: numbers,
  gives: 'double',
  description: 'Per cent as a share of one.',
  examples: [[75, 0.75]],
  normalize: scale(1 / 100),
};
