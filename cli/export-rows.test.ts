import { describe, expect, it } from 'vitest';
import type { NodeRow, PropertyValue } from '../graph-store/index.ts';
import type { GraphSchema, PropertyKind } from '../schemas/index.ts';
import { propertyColumns, tableColumns } from './export-columns.ts';
import { exportRow } from './export-rows.ts';

const table = { kind: 'nodes', type: 'Account' } as const;

function schemaOf(properties: Readonly<Record<string, { kind: PropertyKind; many?: boolean }>>): GraphSchema {
  const declared = { declaredBy: [], fold: 'last' } as const;
  const list = Object.entries(properties).map(([name, { kind, many = false }]) => ({
    ...declared,
    name,
    kind,
    many,
  }));
  const type = { name: 'Account', idKind: 'text', ttlMs: null, declaredBy: [], properties: list } as const;
  return { nodeTypes: [type], edgeTypes: [], domains: [] };
}

/** What one property of a node becomes: in its own column, and among the others. */
function exported(kind: PropertyKind, value: PropertyValue | readonly PropertyValue[], many = false) {
  const columns = propertyColumns(table, schemaOf({ p: { kind, many } }));
  const names = tableColumns(table, columns).map(({ name }) => name);
  const properties = [{ name: 'p', value, timeMs: 0 }];
  const node: NodeRow = {
    kind: 'node',
    node: { type: 'Account', id: 'a' },
    properties,
    lineage: null,
    timeMs: 5,
  };
  const row = exportRow(node, columns);
  expect(row).toHaveLength(names.length);
  return { own: row[names.indexOf('p')], others: row[names.indexOf('other_properties')] };
}

describe('A property in an export', () => {
  it.each<[PropertyKind, PropertyValue, unknown]>([
    ['text', 'é', 'é'],
    ['decimal', '12.50', '12.50'],
    ['boolean', false, false],
    ['number', 0.5, 0.5],
    ['integer', 7, 7n],
    ['integer', -(2n ** 63n), -(2n ** 63n)],
    ['timestamp', 1_700_000_000_000.123, 1_700_000_000_000_123n],
    ['timestamp', -1, -1000n],
    ['date', '1969-12-31', -1],
    ['date', '2026-11-21', 20_778],
    ['time of day', '20:15:00.000', 72_900_000_000n],
    ['time of day', '00:00:00.000001', 1n],
    ['bytes', 'AP8=', Uint8Array.of(0, 255)],
    ['bytes', '', new Uint8Array()],
  ])('of the kind %s has a type of its own: %s', (kind, value, expected) => {
    expect(exported(kind, value)).toEqual({ own: expected, others: null });
  });

  it.each<[PropertyKind, PropertyValue | readonly PropertyValue[], string]>([
    ['text', 7, '{"p":7}'],
    ['integer', 0.5, '{"p":0.5}'],
    ['integer', 2n ** 63n, '{"p":"9223372036854775808"}'],
    ['number', 2n ** 60n, '{"p":"1152921504606846976"}'],
    ['timestamp', 'soon', '{"p":"soon"}'],
    ['date', '2026-13-01', '{"p":"2026-13-01"}'],
    ['time of day', '25:00:00', '{"p":"25:00:00"}'],
    ['bytes', '*', '{"p":"*"}'],
    ['text', ['a', 'b'], '{"p":["a","b"]}'],
  ])('that is no %s, as %s, is among the others', (kind, value, others) => {
    expect(exported(kind, value)).toEqual({ own: null, others });
  });

  it('that is a set is a list, and whole among the others when one element does not fit', () => {
    expect(exported('integer', [1, 2n], true)).toEqual({ own: [1n, 2n], others: null });
    expect(exported('integer', [1, 'x'], true)).toEqual({ own: null, others: '{"p":[1,"x"]}' });
    expect(exported('integer', 1, true)).toEqual({ own: null, others: '{"p":1}' });
  });

  it('that is called as another column, whatever the case, has a name of its own', () => {
    const columns = propertyColumns(
      table,
      schemaOf({
        Time: { kind: 'text' },
        country: { kind: 'text' },
        Country: { kind: 'text' },
        time_2: { kind: 'text' },
      }),
    );
    const names = tableColumns(table, columns).map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(columns.map(({ column }) => column)).toEqual(['Time_2', 'country', 'Country_2', 'time_2_2']);
  });
});
