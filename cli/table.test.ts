import { describe, expect, it } from 'vitest';
import { renderTable, tableWidth } from './table.ts';

const head = ['name', 'count', 'what'];
const rows = [
  ['Account WATCHED Title .completion', '12', 'a rather long text about it'],
  ['Account', '3', ''],
];

describe('a table', () => {
  it('is as wide as its cells where nothing limits it', () => {
    const lines = renderTable(head, rows).split('\n');
    expect(lines[1]).toBe('Account WATCHED Title .completion     12  a rather long text about it');
    expect(lines[2]).toBe('Account                                3');
  });

  it.each([80, 60, 45])('fits into %i columns by cutting its widest cells, never a number', (width) => {
    const lines = renderTable(head, rows, width).trimEnd().split('\n');
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^Account WATCHED/);
    expect(lines[1]).toMatch(/ 12 /);
  });

  it('stays readable where the terminal is no wider than a few words', () => {
    expect(renderTable(head, rows, 10)).toMatch(/^Account WAT… +12 {2}a rather lo…$/m);
  });

  it('is never cut in a file or a pipe', () => {
    expect(tableWidth({ outIsTerminal: false, outColumns: () => 80 })).toBe(Number.POSITIVE_INFINITY);
    expect(tableWidth({ outIsTerminal: true, outColumns: () => 80 })).toBe(80);
  });
});
