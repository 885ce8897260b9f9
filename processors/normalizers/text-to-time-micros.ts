import { type Normalizer, texts } from './normalizer.ts';
import { parseTime } from './text-to-time.ts';

const fraction = /\.(\d+)/;

/** Milliseconds with the microseconds as their fraction, by one division, as a timestamp-micros is read. */
function parseMicros(text: string): number | null {
  const wholeMs = parseTime(text.replace(fraction, ''));
  // What is wrong with the fraction itself makes it no time.
  if (wholeMs === null || parseTime(text) === null) return null;
  const micros = Number((fraction.exec(text)?.[1] ?? '').slice(0, 6).padEnd(6, '0'));
  return (wholeMs * 1_000 + micros) / 1_000;
}

export const textToTimeMicros: Normalizer = {
  name: 'textToTimeMicros',
  takes: texts,
  gives: 'timestamp-micros',
  description: 'As `textToTime`, to the microsecond.',
  examples: [
    ['2025-03-01T19:15:00.123456Z', 1_740_856_500_123.456],
    ['2026-11-21T20:15:00+01:00', 1_795_288_500_000],
    ['2026-11-21', 1_795_219_200_000],
    ['2026-11-31T00:00:00.5Z', null],
    ['yesterday', null],
  ],
  normalize: (value) => (typeof value === 'string' ? parseMicros(value) : value),
};
