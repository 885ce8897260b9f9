import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

const inMillis = scale(1_000);
/** The range of a JavaScript Date. */
const timeMsMax = 8_640_000_000_000_000;

export const secondsToTime: Normalizer = {
  name: 'secondsToTime',
  takes: numbers,
  gives: 'timestamp-millis',
  description: 'Seconds since 1970 as a time; null for what no calendar holds.',
  examples: [
    [1_795_288_500n, 1_795_288_500_000],
    [1e300, null],
  ],
  normalize: (value) => {
    const timeMs = inMillis(value);
    return typeof timeMs === 'number' && Math.abs(timeMs) > timeMsMax ? null : timeMs;
  },
};
