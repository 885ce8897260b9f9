import { type Normalizer, texts } from './normalizer.ts';

/** RFC 3339's profile of ISO 8601: a date, a time and where it is; or a date alone. */
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d))?$/;

/** The time in milliseconds; null for what RFC 3339 does not know, such as the thirty-first of November. */
export function parseTime(text: string): number | null {
  const match = rfc3339.exec(text.trim());
  if (match === null) return null;
  const [, year, month, day, hour] = match;
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  if (new Date(dayMs).getUTCDate() !== Number(day)) return null;
  if (hour === undefined) return dayMs;
  const timeMs = Date.parse(match[0].replace(' ', 'T').toUpperCase());
  return Number.isNaN(timeMs) ? null : timeMs;
}

export const textToTime: Normalizer = {
  name: 'textToTime',
  takes: texts,
  gives: 'timestamp-millis',
  description: 'A time written by RFC 3339 as a time; null for what is none.',
  examples: [
    ['2026-11-21T20:15:00+01:00', 1_795_288_500_000],
    ['2026-11-21', 1_795_219_200_000],
    ['2026-11-31T00:00:00Z', null],
    ['yesterday', null],
  ],
  normalize: (value) => (typeof value === 'string' ? parseTime(value) : value),
};
