import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PrefetchLife, type QuietWindow, refreshAfterMs, refreshAtMs } from '../../device/index.ts';
import { type TtlLimits, timeToLive, ttlLimitsDefault } from './ttl.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Uniform in [0, 1), the ends as often as the middle. */
const share = fc.oneof(fc.constantFrom(0, 1 - 2 ** -53), fc.double({ min: 0, max: 0.999, noNaN: true }));
const limits: fc.Arbitrary<TtlLimits> = fc.record({
  ttlMs: fc.integer({ min: 1, max: 3 * dayMs }),
  jitterShare: fc.double({ min: 0, max: 1, noNaN: true }),
  spreadMs: fc.integer({ min: 0, max: dayMs }),
  transitMs: fc.integer({ min: 0, max: 60_000 }),
});
const nowMs = 1_795_300_000_000;
/** Anywhere about now: before, around and behind it. */
const quiets: fc.Arbitrary<QuietWindow> = fc
  .tuple(fc.integer({ min: -4 * dayMs, max: 4 * dayMs }), fc.integer({ min: 1, max: 2 * dayMs }))
  .map(([from, length]) => ({ fromMs: nowMs + from, untilMs: nowMs + from + length }));

function sequence(values: readonly number[]): () => number {
  let at = 0;
  return () => values[at++ % values.length] ?? 0;
}

describe('a time to live', () => {
  it('never lets a copy come back within the quiet window, whatever the client takes off and however long the answer was on its way', () => {
    fc.assert(
      fc.property(
        quiets,
        limits,
        fc.tuple(share, share),
        share,
        share,
        (quiet, given, server, client, transit) => {
          const ttlMs = timeToLive(nowMs, quiet, given, sequence(server));
          expect(ttlMs).toBeGreaterThan(0);
          expect(Number.isSafeInteger(ttlMs)).toBe(true);
          const life: PrefetchLife = { ttlMs, expiresAt: nowMs + ttlMs, quiet: null, spreadMs: 0 };
          const receivedMs = nowMs + Math.floor(transit * given.transitMs);
          const backMs = receivedMs + refreshAfterMs(life, () => client);
          expect(backMs < quiet.fromMs || backMs >= quiet.untilMs).toBe(true);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('lets a client that knows the window keep out of it by itself, though the time to live were that of another window', () => {
    fc.assert(
      fc.property(
        quiets,
        fc.integer({ min: 1, max: 5 * dayMs }),
        fc.integer({ min: 0, max: dayMs }),
        share,
        share,
        (quiet, ttlMs, spreadMs, client, behind) => {
          const life = { ttlMs, expiresAt: nowMs + ttlMs, quiet, spreadMs };
          const at = refreshAtMs(life, sequence([client, behind]));
          expect(at < quiet.fromMs || at >= quiet.untilMs).toBe(true);
          expect(at).toBeLessThanOrEqual(Math.max(nowMs + ttlMs, quiet.untilMs + spreadMs));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('is the usual one, less the jitter, where no window is near', () => {
    const given = { ...ttlLimitsDefault, ttlMs: 1000, jitterShare: 0.2 };
    expect(timeToLive(nowMs, null, given, () => 0)).toBe(1000);
    expect(timeToLive(nowMs, null, given, () => 0.5)).toBe(900);
    const far = { fromMs: nowMs + dayMs, untilMs: nowMs + 2 * dayMs };
    expect(timeToLive(nowMs, far, given, () => 0)).toBe(1000);
    const past = { fromMs: nowMs - dayMs, untilMs: nowMs };
    expect(timeToLive(nowMs, past, given, () => 0)).toBe(1000);
  });

  it('spreads what would have expired within the window evenly behind it', () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const quiet = { fromMs: nowMs + 1_800_000, untilMs: nowMs + 3_600_000 };
    const given = { ...ttlLimitsDefault, spreadMs: hourMs };
    const quarters = [0, 0, 0, 0];
    const earliestMs = Math.ceil((quiet.untilMs - nowMs) / 0.9) + 1;
    for (let i = 0; i < 4000; i += 1) {
      const behind = timeToLive(nowMs, quiet, given, random) - earliestMs;
      const quarter = Math.floor((4 * behind) / hourMs);
      quarters[quarter] = (quarters[quarter] ?? 0) + 1;
    }
    expect(quarters).toHaveLength(4);
    for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
