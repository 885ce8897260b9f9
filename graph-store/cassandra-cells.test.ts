import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Cells,
  cellKey,
  cellOf,
  isGreater,
  putRegisters,
  registerOf,
  registersIn,
} from './cassandra-cells.ts';
import { stampOf, stampUpTo } from './cassandra-stamps.ts';
import { events } from './conformance-graphs.ts';
import { mergeRegisters, type Register, registersOf } from './register.ts';

const written = events().map((list) =>
  list.flatMap((event) =>
    event.mutations.flatMap((mutation) => (mutation.kind === 'node' ? [{ mutation, event }] : [])),
  ),
);

/** What Cassandra does with writes of one cell: the greater stamp, then the greater value. */
function asCassandra(registers: readonly Register[]): ReadonlyMap<string, Buffer> {
  const cells = new Map<string, { readonly stamp: bigint; readonly value: Buffer }>();
  for (const register of registers) {
    const key = cellKey(register);
    const { timeMs, value } = cellOf(register);
    const before = cells.get(key);
    const stamp = stampOf(timeMs);
    if (
      before === undefined ||
      stamp > before.stamp ||
      (stamp === before.stamp && value.compare(before.value) > 0)
    ) {
      cells.set(key, { stamp, value });
    }
  }
  return new Map([...cells].map(([key, { value }]) => [key, value]));
}

describe('Registers as cells', () => {
  it('come to what merging comes to, when Cassandra keeps the greater stamp and then the greater value', () => {
    fc.assert(
      fc.property(written, (writes) => {
        const registers = writes.flatMap(({ mutation, event }) => registersOf(mutation.properties, event));
        const kept = [...asCassandra(registers)].map(
          ([key, value]) => [Buffer.from(key, 'latin1'), value] as const,
        );
        expect(registersIn(kept)).toEqual(mergeRegisters([], registers));
      }),
    );
  });
  it('are read back as they were', () => {
    fc.assert(
      fc.property(written, (writes) => {
        for (const { mutation, event } of writes) {
          for (const register of registersOf(mutation.properties, event)) {
            expect(registerOf(Buffer.from(cellKey(register), 'latin1'), cellOf(register).value)).toEqual(
              register,
            );
          }
        }
      }),
    );
  });
  it('change nothing where merging changes nothing', () => {
    fc.assert(
      fc.property(written, (writes) => {
        const cells: Cells = new Map();
        let merged: Register[] = [];
        for (const { mutation, event } of writes) {
          const after = mergeRegisters(merged, registersOf(mutation.properties, event));
          const changed = putRegisters(cells, mutation, event).length > 0;
          expect(changed).toBe(JSON.stringify(after, bigints) !== JSON.stringify(merged, bigints));
          merged = after;
        }
      }),
    );
  });
  it('order equal times by rank and then by content', () => {
    const of = (rank: number, value: string): ReturnType<typeof cellOf> =>
      cellOf({ timeMs: 5, rank, content: { kind: 'value', value } });
    expect(isGreater(of(256, 'a'), of(255, 'b'))).toBe(true);
    expect(isGreater(of(1, 'b'), of(1, 'a'))).toBe(true);
    expect(isGreater(of(1, 'a'), of(1, 'a'))).toBe(false);
  });
});

describe('Stamps', () => {
  it('are in the order of event times, up to the greatest that there is', () => {
    expect(stampOf(6)).toBeGreaterThan(stampOf(5, 999));
    expect(stampOf(Number.MAX_SAFE_INTEGER, 999)).toBeLessThan(2n ** 63n);
  });
  it('delete all lives of what is not newer, and nothing that is', () => {
    expect(stampUpTo(5)).toBe(stampOf(5, 999));
    expect(stampUpTo(5.5)).toBeLessThan(stampOf(6));
  });
});

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
