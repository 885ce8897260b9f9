import { expect, it } from 'vitest';
import { HandClock, testPrefetch, testStartMs } from './live-device-testing.ts';
import { readPrefetch } from './prefetch.ts';
import { Prefetcher } from './prefetcher.ts';

const minuteMs = 60_000;
const ttlMs = 55 * minuteMs;
const spreadMs = 15 * minuteMs;
const quiet = { from: testStartMs - 10 * minuteMs, until: testStartMs + 130 * minuteMs };

/** When a device that is started with a copy asks for it first; minutes from the event's start on, and null when it is not within six hours. */
async function asksAt(
  copyAt: number,
  startedAt: number,
  random: () => number = () => 0,
): Promise<number | null> {
  const receivedMs = testStartMs + copyAt * minuteMs;
  const held = readPrefetch(testPrefetch(1, { ttlMs, expiresAt: receivedMs + ttlMs, quiet, spreadMs }));
  if (held === null) throw new Error('it is a prefetch');
  const clock = new HandClock(testStartMs + startedAt * minuteMs);
  const asked: number[] = [];
  const prefetcher = new Prefetcher({
    question: { event: 'fight-1', member: 'Account:a1', device: 'tv' },
    source: async () => {
      asked.push((clock.now() - testStartMs) / minuteMs);
      prefetcher.stop();
      return { kind: 'later', afterMs: 1 };
    },
    ports: { clock, random },
    limits: { prefetchBackoff: { baseMs: 1, capMs: 5 }, prefetchMs: 10_000, outdatedMax: 1 },
    report: () => undefined,
    serverNow: () => clock.now(),
    changed: () => undefined,
  });
  prefetcher.start(held, receivedMs);
  const running = prefetcher.run();
  await clock.advance(360 * minuteMs);
  prefetcher.stop();
  await running;
  return asked[0] ?? null;
}

it.each([
  ['that expired before the quiet window, though another life from now on would end in it', -120, -60, -60],
  ['that has not expired', -120, -100, -65],
  ['that expires within the window', -60, -30, 130],
  ['that expired before the window, started within it', -120, 0, 0],
  ['that expired within the window, started within it', -60, 60, 130],
  ['that expired before the window, started behind it', -120, 180, 180],
  ['that came in the future, started before the window', -30, -60, -60],
  ['that came in the future, started within the window', 60, 0, 130],
])('Asks in time, and outside of the quiet window, for a copy %s', async (_name, copyAt, startedAt, at) => {
  expect(await asksAt(copyAt, startedAt)).toBe(at);
});

it('Spreads those that were started within the window: behind it, or from then on when what they have is older', async () => {
  expect(await asksAt(-60, 60, () => 0.8)).toBe(130 + 12);
  expect(await asksAt(-120, 60, () => 0.8)).toBe(60 + 12);
});
