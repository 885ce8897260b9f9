import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../foundation/index.ts';
import { memberDays, nowMs, shapeOf, writeLines } from './member-days.ts';

it('gives the rival the events that our store is given, a line each', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-days-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'events.tsv');
  await writeLines(file, memberDays(25_000, seededRandom(7)));
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const expected = [...memberDays(25_000, seededRandom(7))].map(
    ({ account, title, number, timeMs, seconds }) =>
      [`account-${account}`, `title-${title}`, number, timeMs, seconds].join('\t'),
  );
  expect(lines).toEqual(expected);
});

it('spreads 50 events an account over 200 days that end now, in order', () => {
  const events = 10_000;
  const days = [...memberDays(events, seededRandom(1))];
  const accounts = new Set(days.map(({ account }) => account));
  expect(shapeOf(events).accounts).toBe(200);
  expect(accounts.size).toBe(200);
  const times = days.map(({ timeMs }) => timeMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBe(nowMs - 200 * 86_400_000);
  expect(nowMs - (times.at(-1) ?? 0)).toBeLessThanOrEqual(shapeOf(events).spacingMs + 1);
});
