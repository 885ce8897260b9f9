import { expect, it } from 'vitest';
import { removedUntil } from './cassandra-knowledge.ts';

const minuteMs = 60_000;

it.each([
  ['a month', 43_200 * minuteMs],
  ['ten minutes', 10 * minuteMs],
  ['5 ms', 5],
])('what a sweep removes is noted a little ahead of it, and far behind now: kept for %s', (_, ttlMs) => {
  for (const nowMs of [1_790_000_000_001, 1_790_000_000_000 + 59 * minuteMs]) {
    const untilMs = removedUntil(nowMs, ttlMs);
    expect(untilMs).toBeGreaterThanOrEqual(nowMs - ttlMs);
    expect(untilMs).toBeLessThanOrEqual(nowMs - ttlMs + ttlMs / 8);
  }
});
