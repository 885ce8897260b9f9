import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import type { Column, ColumnType } from '../columns.ts';
import { type ColumnChange, evolved } from './schema-evolution.ts';
import { newTableMetadata } from './table-creation.ts';
import { currentSchema, type TableMetadata } from './table-metadata.ts';

const string: ColumnType = { kind: 'string' };

function column(id: number, name: string, type: ColumnType, required = false): Column {
  return { id, name, required, type };
}

function table(): TableMetadata {
  const place = column(5, 'place', { kind: 'struct', fields: [column(6, 'city', string)] });
  return newTableMetadata({
    uuid: 'u',
    location: 'file:///w/t',
    columns: [
      column(1, 'Name', string, true),
      column(2, 'count', { kind: 'int' }),
      column(3, 'rate', { kind: 'float' }),
      column(4, 'price', { kind: 'decimal', precision: 9, scale: 2 }),
      place,
      column(7, 'at', { kind: 'timestamptz' }),
    ],
    dayOf: 7,
    lastColumnId: 10,
    properties: {},
    nowMs: 0,
  });
}

function changed(...changes: readonly ColumnChange[]): TableMetadata {
  return evolved(table(), changes);
}

function columns(metadata: TableMetadata): readonly Column[] {
  return currentSchema(metadata).columns;
}

describe('Evolving columns', () => {
  it('adds columns with ids that nobody had, nested ones too', () => {
    const list: ColumnType = {
      kind: 'list',
      element: column(0, 'element', { kind: 'struct', fields: [column(0, 'k', string)] }),
    };
    const metadata = changed(
      { kind: 'add', parent: null, column: column(0, 'tags', list) },
      { kind: 'add', parent: 5, column: column(0, 'country', string) },
    );
    expect(columns(metadata).at(-1)).toMatchObject({
      id: 11,
      type: { element: { id: 12, type: { fields: [{ id: 13 }] } } },
    });
    expect(columns(metadata)[4]?.type).toMatchObject({ fields: [{ id: 6 }, { id: 14, name: 'country' }] });
    expect(metadata.lastColumnId).toBe(14);
    expect(metadata.schemas.map((schema) => schema.id)).toEqual([0, 1]);
    expect(metadata.currentSchemaId).toBe(1);
  });

  it('gives no id twice, also after the column went', () => {
    const added = changed({ kind: 'add', parent: null, column: column(0, 'a', string) });
    const dropped = evolved(added, [{ kind: 'drop', id: 11 }]);
    const again = evolved(dropped, [{ kind: 'add', parent: null, column: column(0, 'a', { kind: 'long' }) }]);
    expect(columns(dropped).map((each) => each.id)).not.toContain(11);
    expect(columns(again).at(-1)).toMatchObject({ id: 12, name: 'a' });
  });

  it('lets a column that went come back by its id, with its type and no other', () => {
    const dropped = changed({ kind: 'drop', id: 2 });
    const back = evolved(dropped, [
      { kind: 'add', parent: null, column: column(2, 'number', { kind: 'int' }) },
    ]);
    expect(columns(back).at(-1)).toEqual(column(2, 'number', { kind: 'int' }));
    expect(back.lastColumnId).toBe(10);
    const other: ColumnChange = { kind: 'add', parent: null, column: column(2, 'count', string) };
    expect(() => evolved(dropped, [other])).toThrow(/id 2 of count was given to something else/);
  });

  it('takes an id of the caller’s beyond all given ones', () => {
    const metadata = changed({ kind: 'add', parent: null, column: column(1_000, 'a', string) });
    expect(columns(metadata).at(-1)?.id).toBe(1_000);
    expect(metadata.lastColumnId).toBe(1_000);
  });

  it('renames, widens and relaxes', () => {
    const metadata = changed(
      { kind: 'rename', id: 6, name: 'town' },
      { kind: 'widen', id: 2, type: { kind: 'long' } },
      { kind: 'widen', id: 3, type: { kind: 'double' } },
      { kind: 'widen', id: 4, type: { kind: 'decimal', precision: 12, scale: 2 } },
      { kind: 'relax', id: 1 },
    );
    const [name, count, rate, price, place] = columns(metadata);
    expect(name?.required).toBe(false);
    expect([count?.type, rate?.type, price?.type]).toEqual([
      { kind: 'long' },
      { kind: 'double' },
      { kind: 'decimal', precision: 12, scale: 2 },
    ]);
    expect(must(place, 'place').type).toEqual({ kind: 'struct', fields: [column(6, 'town', string)] });
  });

  it('is the same table when all of it is so already', () => {
    const before = table();
    const nothing: readonly ColumnChange[] = [
      { kind: 'add', parent: null, column: column(0, 'count', { kind: 'int' }) },
      { kind: 'add', parent: 5, column: column(0, 'city', string) },
      { kind: 'rename', id: 2, name: 'count' },
      { kind: 'widen', id: 2, type: { kind: 'int' } },
      { kind: 'relax', id: 2 },
      { kind: 'drop', id: 99 },
    ];
    expect(evolved(before, nothing)).toBe(before);
  });

  for (const [what, change, message] of [
    ['narrowing', { kind: 'widen', id: 2, type: string }, /cannot become string from int/],
    [
      'another scale',
      { kind: 'widen', id: 4, type: { kind: 'decimal', precision: 12, scale: 3 } },
      /cannot become/,
    ],
    [
      'a name that is taken but for its case',
      { kind: 'rename', id: 2, name: 'NAME' },
      /the name NAME is taken/,
    ],
    [
      'a new column of a name that is taken',
      { kind: 'add', parent: null, column: column(0, 'name', { kind: 'int' }) },
      /taken by column 1/,
    ],
    [
      'a new column that is required',
      { kind: 'add', parent: null, column: column(0, 'x', string, true) },
      /x is required/,
    ],
    ['an id that was given', { kind: 'add', parent: null, column: column(9, 'x', string) }, /id 9/],
    [
      'a column in what is no struct',
      { kind: 'add', parent: 2, column: column(0, 'x', string) },
      /only a struct/,
    ],
    ['a column that is not there', { kind: 'rename', id: 77, name: 'x' }, /there is no column 77/],
    ['dropping what the table is partitioned by', { kind: 'drop', id: 7 }, /partitioned by column 7/],
  ] as const satisfies readonly (readonly [string, ColumnChange, RegExp])[]) {
    it(`refuses ${what}`, () => {
      expect(() => changed(change)).toThrow(message);
      expect(() => changed(change)).toThrow(expect.objectContaining({ code: 'COLUMN_CHANGE_REFUSED' }));
    });
  }
});
