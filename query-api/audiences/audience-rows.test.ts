import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBucket, encodeBucket, numberIn } from './audience-rows.ts';

describe('a bucket of members', () => {
  it('is what was written, looked at as a whole or for one member', () => {
    // Few letters, so that most ids have the length and the last byte of others.
    const id = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 4 }),
      fc.string({ minLength: 1 }),
    );
    const bucket = fc.uniqueArray(id, { maxLength: 60 });
    fc.assert(
      fc.property(bucket, fc.array(id, { maxLength: 20 }), (ids, others) => {
        const members = new Map(ids.map((one, i) => [one, 2 ** 32 - 1 - i]));
        const kept = ids.slice(0, ids.length >> 1);
        const added = ids.slice(kept.length);
        const before = new Map(kept.map((one) => [one, members.get(one) ?? 0]));
        const bytes = encodeBucket(
          before,
          added,
          added.map((one) => members.get(one) ?? 0),
        );
        expect(decodeBucket(bytes)).toEqual(members);
        for (const one of [...ids, ...others])
          expect(numberIn(bytes, Buffer.from(one))).toBe(members.get(one) ?? null);
      }),
    );
  });
});
