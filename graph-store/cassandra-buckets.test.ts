import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  bucketAt,
  deepestLevel,
  levelOf,
  markOf,
  marksToFill,
  rangeOfBucket,
  rootBucket,
} from './cassandra-buckets.ts';
import { eventKey } from './rows.ts';

const key = fc
  .record({
    timeMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    occurrence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  .map(eventKey);
const level = fc.integer({ min: 0, max: deepestLevel });

describe('The buckets of a side', () => {
  it('each hold the keys of their range and no others, at every level', () => {
    fc.assert(
      fc.property(key, key, level, (one, other, at) => {
        const bucket = bucketAt(one, at);
        const { from, to } = rangeOfBucket(bucket);
        const isWithin = from.compare(other) <= 0 && (to === null || other.compare(to) < 0);
        expect(bucketAt(other, at).equals(bucket)).toBe(isWithin);
        expect(from.compare(one)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });
  it('lie within the wider ones, which come before them in the order of bytes', () => {
    fc.assert(
      fc.property(key, level, (one, at) => {
        const bucket = bucketAt(one, at);
        const around = ancestorsOf(bucket);
        expect(around.map(levelOf)).toEqual(Array.from({ length: at }, (_, i) => i));
        for (const wider of around) {
          expect(wider).toEqual(bucketAt(one, levelOf(wider)));
          expect(wider.compare(bucket)).toBeLessThan(0);
        }
      }),
    );
  });
  it('begin with the root, which holds everything', () => {
    expect(bucketAt(eventKey({ timeMs: 5, occurrence: 7n }), 0)).toEqual(rootBucket);
    expect(rangeOfBucket(rootBucket).to).toBeNull();
  });
  it('divide a year, a day and a moment into narrower times, and one millisecond by events', () => {
    const day = 86_400_000;
    const now = 1_763_000_000_000;
    const together = (a: number, b: number): number => {
      const [one, two] = [a, b].map((timeMs) => eventKey({ timeMs, occurrence: 1n }));
      let at = 0;
      while (
        at < deepestLevel &&
        one !== undefined &&
        two !== undefined &&
        bucketAt(one, at + 1).equals(bucketAt(two, at + 1))
      )
        at += 1;
      return at;
    };
    expect(together(now, now + 5 * 365 * day)).toBe(0);
    expect(together(now, now + 1)).toBeGreaterThanOrEqual(6);
    const [a, b] = [1n, 2n ** 63n].map((occurrence) => eventKey({ timeMs: now, occurrence }));
    expect(bucketAt(a ?? rootBucket, 8)).toEqual(bucketAt(b ?? rootBucket, 8));
    expect(bucketAt(a ?? rootBucket, 9)).not.toEqual(bucketAt(b ?? rootBucket, 9));
  });
});

describe('A mark', () => {
  const hashes = Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 0);
  const counted = (rowBytes: number, rowsMax: number): { marks: number; rows: number } => {
    const marks = hashes.flatMap((hash) => markOf(hash, rowBytes, rowsMax) ?? []);
    return { marks: marks.length, rows: marks.reduce((sum, { rows }) => sum + rows, 0) };
  };

  it('is left by so many rows that a full bucket has the number that fills it', () => {
    const { marks } = counted(100, 16_384);
    const expected = (hashes.length / 16_384) * marksToFill(16_384);
    expect(marks).toBeGreaterThan(expected * 0.9);
    expect(marks).toBeLessThan(expected * 1.1);
  });
  it('tells how many rows there are, whatever their size', () => {
    for (const rowBytes of [50, 1_000, 70_000]) {
      const { rows } = counted(rowBytes, 16_384);
      expect(rows).toBeGreaterThan(hashes.length * 0.85);
      expect(rows).toBeLessThan(hashes.length * 1.15);
    }
  });
  it('comes of bytes as well: large rows fill a bucket at eight mebibytes', () => {
    const rowsOfMiB = counted(64 * 1024, 16_384).marks / hashes.length;
    expect(marksToFill(16_384) / rowsOfMiB).toBeLessThan(200);
  });
  it('is left by the same rows however often they are written', () => {
    expect(markOf(12_345, 100, 16_384)).toEqual(markOf(12_345, 100, 16_384));
    expect(markOf(2 ** 32 - 1, 100, 16_384)).toBeNull();
    expect(markOf(0, 100, 16_384)).toEqual({ rows: 256 });
  });
});
