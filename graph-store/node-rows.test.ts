import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashNodeName } from './node-hash.ts';
import { NodeNames } from './node-names.ts';
import { NodeRows } from './node-rows.ts';

type Name = readonly [bytes: Buffer, start: number, end: number, hash: number];

/** Some names share a hash, as two of a few hundred million do: a row must still be found by its name. */
function named(name: string): Name {
  const bytes = Buffer.from(`..${name}.`);
  const end = bytes.length - 1;
  return [bytes, 2, end, name < 'c' ? 1 : hashNodeName(bytes, 2, end)];
}

/** All of them one hash. */
function sharing(name: string): Name {
  const bytes = Buffer.from(`..${name}.`);
  return [bytes, 2, bytes.length - 1, 1];
}

function namesOf(list: Iterable<string>): NodeNames[] {
  const names = new NodeNames();
  for (const name of list) names.add(...named(name));
  return [names];
}

/** What it holds of a name; null when it has forgotten it. */
function rowOf(rows: NodeRows, name: string): { text: string; group: number } | null {
  return rowAt(rows, rows.find(...named(name)));
}

function rowAt(rows: NodeRows, slot: number): { text: string; group: number } | null {
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
      const rows = new NodeRows(2_000, () => namesOf(pinned));
      actions.forEach((action, i) => {
        if (action.kind === 'set') {
          const text = String.fromCharCode(97 + (i % 26)).repeat(action.length);
          if (action.pin) pinned.add(action.name);
          rows.set(...named(action.name), Buffer.from(`${text}rest`), text.length, i);
          oracle.set(action.name, { text, group: i });
        } else if (action.kind === 'delete') {
          rows.delete(...named(action.name));
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
      rows.set(...named(`n${i}`), row, row.length, 0);
      expect(rows.find(...named('n0'))).toBeGreaterThanOrEqual(0);
    }
    expect(rows.bytes.length).toBeLessThan(150_000);
    expect(rows.find(...named('n1'))).toBe(-1);
    expect(rows.find(...named('n999'))).toBeGreaterThanOrEqual(0);
  });

  it('of names that share a hash are kept apart, wherever the names differ', () => {
    const names = ['Account-1', 'Account-2', 'Bccount-1', 'Accmunt-1', 'Account-10', 'Account'];
    const rows = new NodeRows(100_000, () => []);
    for (const name of names) {
      const row = Buffer.from(`row of ${name}`);
      rows.set(...sharing(name), row, row.length, 1);
    }
    const rowsNow = () => names.map((name) => rowAt(rows, rows.find(...sharing(name)))?.text ?? null);
    expect(rowsNow()).toEqual(names.map((name) => `row of ${name}`));
    rows.delete(...sharing('Account-1'));
    expect(rowsNow()).toEqual([null, ...names.slice(1).map((name) => `row of ${name}`)]);
  });
});
