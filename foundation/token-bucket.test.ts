import { describe, expect, it } from 'vitest';
import { TokenBucket } from './index.ts';

/** Of so many in a row at one moment, how many were let through. */
function taken(bucket: TokenBucket, nowMs: number, asked = 10): number {
  return Array.from({ length: asked }, () => bucket.take(nowMs)).filter(Boolean).length;
}

describe('TokenBucket', () => {
  it('lets a burst through, then as many as fill in again with time, never more than the burst', () => {
    const bucket = new TokenBucket(3, 2, 1000);
    expect([1000, 1400, 1500, 60_000].map((nowMs) => taken(bucket, nowMs))).toEqual([3, 0, 1, 3]);
  });

  it('takes nothing away when the clock steps back', () => {
    const bucket = new TokenBucket(2, 1, 1000);
    expect([1000, 0, 1000].map((nowMs) => taken(bucket, nowMs))).toEqual([2, 0, 1]);
  });

  it('has those who were refused come back one after the other, up to the longest wait', () => {
    const bucket = new TokenBucket(1, 2, 0);
    expect(Array.from({ length: 4 }, () => bucket.waitMs(0, 1200))).toEqual([500, 1000, 1200, 1200]);
    expect(bucket.waitMs(1000, 1200)).toBe(700);
  });
});
