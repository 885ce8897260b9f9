import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

export const secondsToTime: Normalizer = {
  name: 'secondsToTime',
  takes: numbers,
  gives: 'timestamp-millis',
  description: 'Seconds since 1970 as a time.',
  examples: [[1_795_288_500n, 1_795_288_500_000]],
  normalize: scale(1_000),
};
