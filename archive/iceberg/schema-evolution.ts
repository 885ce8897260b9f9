import { RefusedError, unreachable } from '../../foundation/index.ts';
import type { Column, ColumnType } from '../columns.ts';
import { firstEventColumnId, topicProperty } from './raw-columns.ts';
import { currentSchema, type TableMetadata } from './table-metadata.ts';
import { columnById, columnIds, columnsMax, innerColumns, type TableSchema } from './table-schema.ts';
import { typeText } from './type-text.ts';

/**
 * - `add`: `parent` is the id of a struct, null at the top. An id of 0, also inside its type, means: give it the next one. Another
 *   one is either new, so beyond all ids given yet, or the column's own from before, of the same type: it comes back. Rows that
 *   are there already have no value of it, so it cannot be required.
 * - `widen`: int to long, float to double, a decimal of more digits.
 * - `rename`: the id stays, and with it what older files have.
 * - `relax`: required to optional.
 * - `drop`: older files keep their values; the id is never given again.
 */
export type ColumnChange =
  | { readonly kind: 'add'; readonly parent: number | null; readonly column: Column }
  | { readonly kind: 'widen'; readonly id: number; readonly type: ColumnType }
  | { readonly kind: 'rename'; readonly id: number; readonly name: string }
  | { readonly kind: 'relax'; readonly id: number }
  | { readonly kind: 'drop'; readonly id: number };

/** The table with the changes; the same object when all of it is so already. @throws RefusedError `COLUMN_CHANGE_REFUSED` */
export function evolved(metadata: TableMetadata, changes: readonly ColumnChange[]): TableMetadata {
  const before = currentSchema(metadata);
  const evolution = new Evolution(metadata);
  let columns = before.columns;
  for (const change of changes) columns = evolution.changed(columns, change);
  if (columns === before.columns) return metadata;
  if (columnIds(columns).length > columnsMax)
    throw refused(`the table would have more than ${columnsMax} columns`);
  const id = Math.max(...metadata.schemas.map((schema) => schema.id)) + 1;
  const schema: TableSchema = { ...before, id, columns };
  return {
    ...metadata,
    schemas: [...metadata.schemas, schema],
    currentSchemaId: id,
    lastColumnId: evolution.lastColumnId,
  };
}

class Evolution {
  readonly #metadata: TableMetadata;
  lastColumnId: number;

  constructor(metadata: TableMetadata) {
    this.#metadata = metadata;
    const isOurs = metadata.properties[topicProperty] !== undefined;
    // Some catalogs count the ids themselves, and know nothing of those kept for raw columns.
    this.lastColumnId = Math.max(metadata.lastColumnId, isOurs ? firstEventColumnId - 1 : 0);
  }

  changed(columns: readonly Column[], change: ColumnChange): readonly Column[] {
    switch (change.kind) {
      case 'add':
        return this.#added(columns, change.parent, change.column);
      case 'widen':
        return replaced(columns, change.id, (each) => widened(each, change.type));
      case 'rename':
        return renamed(columns, change.id, change.name);
      case 'relax':
        return replaced(columns, change.id, (each) => (each.required ? { ...each, required: false } : each));
      case 'drop':
        return this.#dropped(columns, change.id);
      default:
        return unreachable(change);
    }
  }

  #added(columns: readonly Column[], parent: number | null, wanted: Column): readonly Column[] {
    if (parent !== null) {
      return replaced(columns, parent, (each) => {
        if (each.type.kind !== 'struct')
          throw refused(
            `column ${parent} is ${typeText(each.type)}, and only a struct has columns of its own`,
          );
        const fields = this.#added(each.type.fields, null, wanted);
        return fields === each.type.fields ? each : { ...each, type: { kind: 'struct', fields } };
      });
    }
    const there = columns.find((each) => sameName(each.name, wanted.name));
    if (there !== undefined) {
      const isSame = typeText(there.type) === typeText(wanted.type) && [0, there.id].includes(wanted.id);
      if (isSame) return columns;
      throw refused(
        `the name ${wanted.name} is taken by column ${there.id} of the type ${typeText(there.type)}`,
      );
    }
    if (wanted.required)
      throw refused(`${wanted.name} is required, and rows that are there have no value of it`);
    return [...columns, this.#identified(wanted)];
  }

  /** Former columns are looked for in all schemas that the metadata still has. */
  #identified(wanted: Column): Column {
    const inner = innerColumns(wanted.type);
    if (wanted.id !== 0 && wanted.id <= this.lastColumnId) {
      const former = this.#former(wanted.id);
      if (former === null || typeText(former.type) !== typeText(wanted.type))
        throw refused(`the id ${wanted.id} of ${wanted.name} was given to something else before`);
      return { ...former, name: wanted.name, required: wanted.required };
    }
    const id = wanted.id === 0 ? this.lastColumnId + 1 : wanted.id;
    this.lastColumnId = id;
    if (inner.length === 0) return { ...wanted, id };
    return { ...wanted, id, type: withInner(wanted.type, (each) => this.#identified(each)) };
  }

  #former(id: number): Column | null {
    for (const schema of this.#metadata.schemas.toReversed()) {
      const found = columnById(schema.columns, id);
      if (found !== null) return found;
    }
    return null;
  }

  #dropped(columns: readonly Column[], id: number): readonly Column[] {
    const isPartition = this.#metadata.specs.some((spec) =>
      spec.fields.some((field) => field.sourceId === id),
    );
    if (isPartition) throw refused(`the table is partitioned by column ${id}`);
    if (columns.some((each) => each.id === id)) return columns.filter((each) => each.id !== id);
    if (columnById(columns, id) !== null) throw refused(`column ${id} lies inside another one`);
    return columns;
  }
}

function replaced(
  columns: readonly Column[],
  id: number,
  change: (each: Column) => Column,
): readonly Column[] {
  if (columnById(columns, id) === null) throw refused(`there is no column ${id}`);
  return inside(columns, id, change);
}

function inside(columns: readonly Column[], id: number, change: (each: Column) => Column): readonly Column[] {
  let isChanged = false;
  const next = columns.map((each) => {
    const made =
      each.id === id
        ? change(each)
        : innerColumns(each.type).length === 0
          ? each
          : withInnerOf(each, (inner) => inside([inner], id, change)[0] ?? inner);
    isChanged ||= made !== each;
    return made;
  });
  return isChanged ? next : columns;
}

function withInnerOf(each: Column, change: (inner: Column) => Column): Column {
  const before = innerColumns(each.type);
  const type = withInner(each.type, change);
  return innerColumns(type).every((inner, index) => inner === before[index]) ? each : { ...each, type };
}

function withInner(type: ColumnType, change: (inner: Column) => Column): ColumnType {
  switch (type.kind) {
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(change) };
    case 'list':
      return { kind: 'list', element: change(type.element) };
    case 'map':
      return { kind: 'map', key: change(type.key), value: change(type.value) };
    default:
      return type;
  }
}

function renamed(columns: readonly Column[], id: number, name: string): readonly Column[] {
  const siblings = siblingsOf(columns, id) ?? [];
  if (siblings.some((each) => each.id !== id && sameName(each.name, name)))
    throw refused(`the name ${name} is taken`);
  return replaced(columns, id, (each) => (each.name === name ? each : { ...each, name }));
}

function siblingsOf(columns: readonly Column[], id: number): readonly Column[] | null {
  if (columns.some((each) => each.id === id)) return columns;
  for (const each of columns) {
    const found = siblingsOf(innerColumns(each.type), id);
    if (found !== null) return found;
  }
  return null;
}

function widened(each: Column, to: ColumnType): Column {
  const from = each.type;
  if (typeText(from) === typeText(to)) return each;
  const isWider =
    (from.kind === 'int' && to.kind === 'long') ||
    (from.kind === 'float' && to.kind === 'double') ||
    (from.kind === 'decimal' &&
      to.kind === 'decimal' &&
      to.scale === from.scale &&
      to.precision > from.precision);
  if (isWider) return { ...each, type: to };
  throw refused(`column ${each.id} ${each.name} cannot become ${typeText(to)} from ${typeText(from)}`);
}

/** Spark knows no difference of case. */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function refused(what: string): RefusedError {
  return new RefusedError('COLUMN_CHANGE_REFUSED', `The table's columns were not changed: ${what}.`);
}
