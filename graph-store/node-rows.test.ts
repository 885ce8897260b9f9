import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeRows } from './node-rows.ts';

/** What it holds of a name; null when it has forgotten it. */
function rowOf(rows: NodeRows, name: string): { text: string; group: number } | null {
  const slot = rows.find(name);
  if (slot < 0) return null;
  return { text: rows.bytes.toString('latin1', rows.start(slot), rows.end(slot)), group: rows.group(slot) };
}

describe('The rows of nodes', () => {
  it('are what was set last or forgotten, and never forgotten while they are pinned', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    const set = fc.record({
      kind: fc.constant('set' as const),
      name,
      length: fc.integer({ min: 0, max: 300 }),
      pin: fc.boolean(),
    });
    const other = fc.record({ kind: fc.constantFrom('find', 'delete', 'durable'), name });
    const property = fc.property(fc.array(fc.oneof(set, other), { maxLength: 200 }), (actions) => {
      const pinned = new Set<string>();
      const oracle = new Map<string, { text: string; group: number }>();
      const rows = new NodeRows(2_000, () => pinned);
      actions.forEach((action, i) => {
        if (action.kind === 'set') {
          const text = String.fromCharCode(97 + (i % 26)).repeat(action.length);
          if (action.pin) pinned.add(action.name);
          rows.set(action.name, Buffer.from(`${text}rest`), text.length, i);
          oracle.set(action.name, { text, group: i });
        } else if (action.kind === 'delete') {
          rows.delete(action.name);
          oracle.delete(action.name);
        } else if (action.kind === 'durable') {
          pinned.delete(action.name);
        }
        const found = rowOf(rows, action.name);
        const expected = oracle.get(action.name) ?? null;
        if (found !== null || pinned.has(action.name)) expect(found).toEqual(expected);
      });
      for (const one of pinned) expect(rowOf(rows, one)).toEqual(oracle.get(one) ?? null);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('keep to their bound by forgetting what was used least lately', () => {
    const rows = new NodeRows(100_000, () => []);
    const row = Buffer.alloc(1000, 7);
    for (let i = 0; i < 1000; i += 1) {
      rows.set(`n${i}`, row, row.length, 0);
      expect(rows.find('n0')).toBeGreaterThanOrEqual(0);
    }
    expect(rows.bytes.length).toBeLessThan(150_000);
    expect(rows.find('n1')).toBe(-1);
    expect(rows.find('n999')).toBeGreaterThanOrEqual(0);
  });
});
