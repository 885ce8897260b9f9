import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellKey, cellOf, registersIn } from './cassandra-cells.ts';
import { goneFor } from './cassandra-set-pruning.ts';
import { setElementsMax } from './model.ts';
import type { Register } from './register.ts';

type Written = readonly (readonly [key: Buffer, value: Buffer])[];

const cells = (registers: readonly Register[]): Written =>
  registers.map((one) => [Buffer.from(cellKey(one), 'latin1'), cellOf(one).value] as const);
const element = (value: number, timeMs: number): Register => ({
  name: 'tags',
  timeMs,
  rank: 0,
  content: { kind: 'element', value, present: true },
});

describe('Elements that are out of a set for good', () => {
  it('are those older than all that a full set keeps, and none of the same time', () => {
    const full = Array.from({ length: setElementsMax + 50 }, (_, i) => element(i, Math.floor(i / 10)));
    const gone = goneFor(cells(full));
    expect(gone.map(({ timeMs }) => timeMs)).toEqual(
      Array.from({ length: 50 }, (_, i) => Math.floor(i / 10)),
    );
    const half = Array.from({ length: setElementsMax + 5 }, (_, i) => element(i, Math.floor(i / 10)));
    expect(goneFor(cells(half))).toEqual([]);
  });
  it('are those older than a replacement', () => {
    const replaced: Register = { name: 'tags', timeMs: 5, rank: 0, content: { kind: 'cleared' } };
    const gone = goneFor(cells([element(1, 4), element(2, 5), element(3, 6), replaced]));
    expect(gone.map(({ timeMs }) => timeMs)).toEqual([4]);
  });
  it('change no answer, whatever is written afterwards', () => {
    const one = fc.record({
      value: fc.integer({ min: 0, max: setElementsMax + 60 }),
      timeMs: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(
        fc.array(one, { minLength: setElementsMax, maxLength: setElementsMax + 400 }),
        fc.array(one, { maxLength: 30 }),
        (before, after) => {
          const first = cells(newestOfEach(before.map(({ value, timeMs }) => element(value, timeMs))));
          const later = cells(after.map(({ value, timeMs }) => element(value, timeMs)));
          const gone = new Set(goneFor(first).map(({ key }) => key.toString('latin1')));
          const pruned = first.filter(([key]) => !gone.has(key.toString('latin1')));
          expect(registersIn([...pruned, ...later])).toEqual(registersIn([...first, ...later]));
        },
      ),
      { numRuns: 20 },
    );
  });
});

/** One cell a register, as a map has them: the newest. */
function newestOfEach(registers: readonly Register[]): Register[] {
  const newest = new Map<string, Register>();
  for (const one of registers) {
    const key = cellKey(one);
    if ((newest.get(key)?.timeMs ?? -1) < one.timeMs) newest.set(key, one);
  }
  return [...newest.values()];
}
