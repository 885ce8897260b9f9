import type { Column, ColumnValue, ColumnValues, MapEntry } from '../columns.ts';
import type { LeafEntries } from './column-chunk.ts';
import type { FileColumn } from './file-schema.ts';

/** A column of the table and where its values are in the file. */
export type ColumnPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'leaf'; readonly leaf: number }
  | { readonly kind: 'struct'; readonly file: FileColumn; readonly fields: readonly FieldPlan[] }
  | { readonly kind: 'list'; readonly file: FileColumn; readonly items: Items; readonly element: ColumnPlan }
  | {
      readonly kind: 'map';
      readonly file: FileColumn;
      readonly items: Items;
      readonly key: ColumnPlan;
      readonly value: ColumnPlan;
    };

export interface FieldPlan {
  readonly column: Column;
  readonly plan: ColumnPlan;
}

export interface Items {
  readonly itemDef: number;
  readonly itemRep: number;
}

/** Leaves whose levels this plan needs: those of its values, and one below each group to know whether that is there. */
export function leavesOfPlan(plan: ColumnPlan, found: Set<number>): void {
  if (plan.kind === 'none') return;
  if (plan.kind === 'leaf') {
    found.add(plan.leaf);
    return;
  }
  const before = found.size;
  if (plan.kind === 'struct') for (const field of plan.fields) leavesOfPlan(field.plan, found);
  else if (plan.kind === 'list') leavesOfPlan(plan.element, found);
  else {
    leavesOfPlan(plan.key, found);
    leavesOfPlan(plan.value, found);
  }
  if (found.size === before) found.add(plan.file.firstLeaf);
}

/** The column's values, one a row, from the entries of its leaves. */
export function assembled(
  plan: ColumnPlan,
  leaves: ReadonlyMap<number, LeafEntries>,
  rows: number,
): ColumnValues {
  if (plan.kind === 'none') return new Array<null>(rows).fill(null);
  if (plan.kind === 'leaf') return flat(leafAt(leaves, plan.leaf), rows);
  const cursors = new Map<number, Cursor>();
  const used = new Set<number>();
  leavesOfPlan(plan, used);
  for (const leaf of used) cursors.set(leaf, new Cursor(leafAt(leaves, leaf)));
  const all = [...cursors.values()];
  const read = readerOf(plan, cursors);
  const output = new Array<ColumnValue>(rows);
  for (let row = 0; row < rows; row += 1) {
    output[row] = read();
    for (const cursor of all) if (!cursor.isAtRow) throw new Error('its lists contradict each other');
  }
  if (all.some((cursor) => !cursor.isAtEnd)) throw new Error('it has more values than rows');
  return output;
}

function flat(leaf: LeafEntries, rows: number): ColumnValues {
  if (leaf.entries !== rows) throw new Error(`a column has ${leaf.entries} values for ${rows} rows`);
  const { defs, values, maxDef } = leaf;
  if (defs === null || values.length === rows) return values;
  const output = new Array<ColumnValue>(rows);
  let at = 0;
  for (let row = 0; row < rows; row += 1) {
    const isThere = defs[row] === maxDef;
    output[row] = isThere ? (values[at] ?? null) : null;
    if (isThere) at += 1;
  }
  return output;
}

type Read = () => ColumnValue;

function readerOf(plan: ColumnPlan, cursors: ReadonlyMap<number, Cursor>): Read {
  if (plan.kind === 'none') return () => null;
  if (plan.kind === 'leaf') {
    const cursor = cursorAt(cursors, plan.leaf);
    return () => cursor.value();
  }
  const below = cursorsBelow(plan, cursors);
  const [witness] = below;
  if (witness === undefined) throw new Error('a group has no column');
  const skip = (): void => {
    for (const cursor of below) cursor.skip();
  };
  if (plan.kind === 'struct') return structReader(plan, cursors, witness, skip);
  const { itemDef, itemRep } = plan.items;
  const readItem = plan.kind === 'list' ? readerOf(plan.element, cursors) : entryReader(plan, cursors);
  const inner = plan.kind === 'list' ? [plan.element] : [plan.key, plan.value];
  const isItemless = inner.every(({ kind }) => kind === 'none');
  return () => {
    const level = witness.level;
    if (level < itemDef) {
      skip();
      return level < plan.file.def ? null : [];
    }
    const items: ColumnValue[] = [];
    do {
      items.push(readItem());
      if (isItemless) skip();
    } while (witness.repeats(itemRep));
    return items;
  };
}

function structReader(
  plan: Extract<ColumnPlan, { kind: 'struct' }>,
  cursors: ReadonlyMap<number, Cursor>,
  witness: Cursor,
  skip: () => void,
): Read {
  const { def, isOptional } = plan.file;
  const fields = plan.fields.map(
    ({ column, plan: inner }) => [column.name, readerOf(inner, cursors)] as const,
  );
  const isWithoutValues = plan.fields.every(({ plan: inner }) => inner.kind === 'none');
  return () => {
    if (isOptional && witness.level < def) {
      skip();
      return null;
    }
    const value: { [field: string]: ColumnValue } = {};
    for (const [name, read] of fields) value[name] = read();
    if (isWithoutValues) skip();
    return value;
  };
}

function entryReader(
  plan: Extract<ColumnPlan, { kind: 'map' }>,
  cursors: ReadonlyMap<number, Cursor>,
): () => { [field: string]: ColumnValue } & MapEntry {
  const [key, value] = [readerOf(plan.key, cursors), readerOf(plan.value, cursors)];
  return () => ({ key: key(), value: value() });
}

function cursorsBelow(plan: ColumnPlan, cursors: ReadonlyMap<number, Cursor>): Cursor[] {
  const leaves = new Set<number>();
  leavesOfPlan(plan, leaves);
  return [...leaves].map((leaf) => cursorAt(cursors, leaf));
}

function cursorAt(cursors: ReadonlyMap<number, Cursor>, leaf: number): Cursor {
  const cursor = cursors.get(leaf);
  if (cursor === undefined) throw new Error('a column was not read');
  return cursor;
}

function leafAt(leaves: ReadonlyMap<number, LeafEntries>, leaf: number): LeafEntries {
  const entries = leaves.get(leaf);
  if (entries === undefined) throw new Error('a column was not read');
  return entries;
}

/** Goes through one leaf's entries. */
class Cursor {
  readonly #leaf: LeafEntries;
  #at = 0;
  #valueAt = 0;

  constructor(leaf: LeafEntries) {
    this.#leaf = leaf;
  }

  /** The definition level of the next entry. */
  get level(): number {
    if (this.isAtEnd) throw new Error('it has fewer values than rows');
    return this.#leaf.defs === null ? this.#leaf.maxDef : (this.#leaf.defs[this.#at] ?? 0);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#leaf.entries;
  }

  get isAtRow(): boolean {
    return this.isAtEnd || this.#leaf.reps === null || this.#leaf.reps[this.#at] === 0;
  }

  repeats(rep: number): boolean {
    return !this.isAtEnd && this.#leaf.reps !== null && this.#leaf.reps[this.#at] === rep;
  }

  value(): ColumnValue {
    const isThere = this.level === this.#leaf.maxDef;
    this.#at += 1;
    if (!isThere) return null;
    this.#valueAt += 1;
    return this.#leaf.values[this.#valueAt - 1] ?? null;
  }

  skip(): void {
    this.value();
  }
}
