import type { Column, ColumnType } from './columns.ts';
import type { EventField, EventType, Leaf } from './event-fields.ts';
import type { TableEvolution } from './iceberg/iceberg-table.ts';
import { firstEventColumnId, rawColumns } from './iceberg/raw-columns.ts';
import type { ColumnChange } from './iceberg/schema-evolution.ts';
import { currentSchema, type TableMetadata } from './iceberg/table-metadata.ts';
import { columnIds } from './iceberg/table-schema.ts';
import { typeText } from './iceberg/type-text.ts';

/** JSON, which column each field's path has: an id stays with its path when somebody renames the column. */
export const columnsProperty = 'jg.columns';
/** JSON, why fields have no column, by path. */
export const leftOutProperty = 'jg.left-out';

export type ColumnIdsByPath = ReadonlyMap<string, number>;

const leftOutMax = 500;

/** What a table lacks for events of these fields. */
export function planEventColumns(
  base: TableMetadata,
  fields: readonly EventField[],
  columnsMax: number,
): TableEvolution {
  return new ColumnPlan(base, columnsMax).evolution(fields);
}

/** Ids that the table's properties say; rubbish says none. */
export function columnIdsByPath(metadata: TableMetadata): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [path, id] of Object.entries(jsonObject(metadata.properties[columnsProperty])))
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= firstEventColumnId) ids.set(path, id);
  return ids;
}

export function leftOutFields(metadata: TableMetadata): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const [path, why] of Object.entries(jsonObject(metadata.properties[leftOutProperty])))
    if (typeof why === 'string') reasons.set(path, why);
  return reasons;
}

/**
 * Which column a field goes to: the first of its path's that can hold it. `free` is the key under which another one would be
 * kept; null when somebody took the field's column out of the table, which is respected.
 */
export function columnOfField(
  field: EventField,
  siblings: readonly Column[],
  ids: ColumnIdsByPath,
): { readonly column: Column | null; readonly free: string | null } {
  for (let count = 1; ; count += 1) {
    const key = count === 1 ? field.path : `${field.path}#${count}`;
    const id = ids.get(key);
    if (id === undefined) return { column: null, free: key };
    const column = siblings.find((each) => each.id === id);
    if (column === undefined) return { column: null, free: null };
    if (fits(field.type, column.type)) return { column, free: null };
  }
}

/** Whether a column holds such values, perhaps after being made wider. */
function fits(type: EventType, column: ColumnType): boolean {
  switch (type.kind) {
    case 'leaf':
      return fitsLeaf(type.leaf, column) || wider(type.leaf, column) !== null;
    case 'struct':
      return column.kind === 'struct';
    case 'list':
      return column.kind === 'list' && fits(type.item, column.element.type);
    case 'map':
      return (
        column.kind === 'map' && column.key.type.kind === 'string' && fits(type.value, column.value.type)
      );
    default:
      return false;
  }
}

function fitsLeaf({ column: from }: Leaf, to: ColumnType): boolean {
  if (from.kind === 'int' && to.kind === 'long') return true;
  if (from.kind === 'float' && to.kind === 'double') return true;
  if (from.kind === 'decimal' && to.kind === 'decimal')
    return from.scale === to.scale && from.precision <= to.precision;
  return typeText(from) === typeText(to);
}

/** The type that a column has to become before it can hold the values; null when there is none that Iceberg allows. */
function wider({ column: from }: Leaf, to: ColumnType): ColumnType | null {
  if (from.kind === 'long' && to.kind === 'int') return from;
  if (from.kind === 'double' && to.kind === 'float') return from;
  const isMore =
    from.kind === 'decimal' &&
    to.kind === 'decimal' &&
    from.scale === to.scale &&
    from.precision > to.precision;
  return isMore ? from : null;
}

class ColumnPlan {
  readonly #columns: readonly Column[];
  readonly #ids: Map<string, number>;
  readonly #leftOut: Map<string, string>;
  readonly #changes: ColumnChange[] = [];
  readonly #columnsMax: number;
  #nextId: number;
  #count: number;

  constructor(base: TableMetadata, columnsMax: number) {
    this.#columns = currentSchema(base).columns;
    this.#ids = columnIdsByPath(base);
    this.#leftOut = leftOutFields(base);
    this.#columnsMax = columnsMax;
    this.#nextId = Math.max(base.lastColumnId + 1, firstEventColumnId);
    this.#count = columnIds(this.#columns).length - columnIds(rawColumns).length;
  }

  evolution(fields: readonly EventField[]): TableEvolution {
    this.#fields(fields, this.#columns, null);
    const leftOut = [...this.#leftOut].slice(0, leftOutMax);
    return {
      changes: this.#changes,
      properties: {
        [columnsProperty]: JSON.stringify(Object.fromEntries(this.#ids)),
        [leftOutProperty]: JSON.stringify(Object.fromEntries(leftOut)),
      },
    };
  }

  #fields(fields: readonly EventField[], siblings: readonly Column[], parent: number | null): void {
    const names = new Set(siblings.map((column) => column.name.toLowerCase()));
    for (const field of fields) {
      if (field.type.kind === 'none') {
        this.#leftOut.set(field.path, field.type.why);
        continue;
      }
      const { column, free } = columnOfField(field, siblings, this.#ids);
      if (column !== null) this.#widen(field.type, column);
      else if (free === null) this.#leftOut.set(field.path, 'had a column that was taken out of the table');
      else this.#add(field, free, names, parent);
    }
  }

  /** Columns that are there: what is in them grows. */
  #widen(type: EventType, column: Column): void {
    const to = column.type;
    if (type.kind === 'struct' && to.kind === 'struct') this.#fields(type.fields, to.fields, column.id);
    else if (type.kind === 'list' && to.kind === 'list') this.#widen(type.item, to.element);
    else if (type.kind === 'map' && to.kind === 'map') this.#widen(type.value, to.value);
    else if (type.kind === 'leaf' && !fitsLeaf(type.leaf, to)) {
      const more = wider(type.leaf, to);
      if (more !== null) this.#changes.push({ kind: 'widen', id: column.id, type: more });
    }
  }

  #add(field: EventField, key: string, names: Set<string>, parent: number | null): void {
    const id = this.#nextId;
    const made = this.#made(field, uniqueName(field.name, names), key);
    if (this.#count + columnIds([made]).length > this.#columnsMax) {
      this.#forget(made);
      this.#nextId = id;
      this.#leftOut.set(field.path, `came after the ${this.#columnsMax} columns that the settings allow`);
      return;
    }
    this.#count += columnIds([made]).length;
    names.add(made.name.toLowerCase());
    this.#leftOut.delete(field.path);
    this.#changes.push({ kind: 'add', parent, column: made });
  }

  /** Ids in the order in which evolution looks at them: a column's before those inside it. */
  #made(field: EventField, name: string, key: string): Column {
    const id = this.#id();
    this.#ids.set(key, id);
    return { id, name, required: false, type: this.#newType(field.type) };
  }

  #newType(type: EventType): ColumnType {
    switch (type.kind) {
      case 'struct':
        return { kind: 'struct', fields: this.#newFields(type.fields) };
      case 'list':
        return { kind: 'list', element: this.#inner('element', type.item) };
      case 'map': {
        const key = { id: this.#id(), name: 'key', required: true, type: { kind: 'string' } } as const;
        return { kind: 'map', key, value: this.#inner('value', type.value) };
      }
      case 'leaf':
        return type.leaf.column;
      default:
        // What cannot be held was left out above.
        return { kind: 'binary' };
    }
  }

  #newFields(fields: readonly EventField[]): readonly Column[] {
    const names = new Set<string>();
    const columns: Column[] = [];
    for (const field of fields) {
      if (field.type.kind === 'none') {
        this.#leftOut.set(field.path, field.type.why);
        continue;
      }
      const name = uniqueName(field.name, names);
      names.add(name.toLowerCase());
      columns.push(this.#made(field, name, field.path));
    }
    return columns;
  }

  #inner(name: string, type: EventType): Column {
    return { id: this.#id(), name, required: false, type: this.#newType(type) };
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  #forget(column: Column): void {
    const gone = new Set(columnIds([column]));
    for (const [path, id] of this.#ids) if (gone.has(id)) this.#ids.delete(path);
  }
}

/** Spark knows no difference of case. */
function uniqueName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name.toLowerCase())) return name;
  for (let count = 2; ; count += 1) {
    const other = `${name}_${count}`;
    if (!taken.has(other.toLowerCase())) return other;
  }
}

function jsonObject(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Somebody else wrote it; without it every field gets a column of its own again.
    return {};
  }
}

/** Columns for the fields of events: all that are none of a record's own. */
export function eventColumnsOf(metadata: TableMetadata): readonly Column[] {
  return currentSchema(metadata).columns.filter((column) => column.id >= firstEventColumnId);
}
