import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueuedRow, RowQueue } from './row-queue.ts';

type Given = readonly [hash: number, kind: number];

function drained(queue: RowQueue): QueuedRow[] {
  const rows: QueuedRow[] = [];
  queue.drain((row) => rows.push({ ...row }));
  return rows;
}

describe('The queue of rows', () => {
  it('gives every row once, by the first bits of the hash, rows of one hash in the order in which they came', () => {
    const hash = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1),
    );
    const given = fc.array(fc.tuple(hash, fc.integer({ min: 0, max: 255 })), { maxLength: 200 });
    const queue = new RowQueue(2 ** 21);
    const property = fc.property(given, (rows: Given[]) => {
      for (const [i, [of, kind]] of rows.entries()) queue.push(of, kind, i + 1, i + 2, i + 3, i + 4);
      const expected = rows
        .map(([of, kind], i) => ({
          bucket: of >>> 16,
          row: { kind, batch: i + 1, mutationAt: i + 2, eventAt: i + 3, lineageAt: i + 4 },
        }))
        .sort((a, b) => a.bucket - b.bucket)
        .map(({ row }) => row);
      expect(drained(queue)).toEqual(expected);
      expect(drained(queue)).toEqual([]);
    });
    fc.assert(property);
  });

  it('grows beyond what it began with', () => {
    const queue = new RowQueue(2 ** 21);
    const count = 50_000;
    for (let i = 0; i < count; i += 1) queue.push(Math.imul(i, 0x9e3779b1) >>> 0, 1, 0, i, 0, 0);
    const rows = drained(queue);
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map(({ mutationAt }) => mutationAt)).size).toBe(count);
  });

  it('says when it has no more room', () => {
    const queue = new RowQueue(3);
    queue.push(1, 1, 0, 0, 0, 0);
    expect([queue.hasRoom(2), queue.hasRoom(3)]).toEqual([true, false]);
  });
});
