import type { Column, ColumnType } from '../archive/index.ts';
import type { GraphTable } from '../graph-store/index.ts';
import type { GraphSchema, PropertyKind, PropertySchema } from '../schemas/index.ts';

/** A property with a column of its own. */
export interface PropertyColumn {
  readonly property: string;
  readonly column: string;
  readonly kind: PropertyKind;
  readonly many: boolean;
}

type Plain = readonly [name: string, type: ColumnType];

const string: ColumnType = { kind: 'string' };
const time: ColumnType = { kind: 'timestamptz' };

const nodeColumns: readonly Plain[] = [
  ['type', string],
  ['id', string],
  ['time', time],
];
const edgeColumns: readonly Plain[] = [
  ['type', string],
  ['from_type', string],
  ['from_id', string],
  ['to_type', string],
  ['to_id', string],
  ['key', string],
  ['time', time],
  ['occurrence', string],
];
const stepColumns: readonly Plain[] = [
  ['owner_type', string],
  ['owner_id', string],
  ['time', time],
  ['occurrence', string],
  ['domain', string],
  ['action', string],
];
const lineageColumns: readonly Plain[] = [
  ['source_topic', string],
  ['source_partition', { kind: 'int' }],
  ['source_offset', { kind: 'long' }],
];
/** Properties that no mapping declares, or whose values are of another kind than declared: nothing is left out. */
const otherProperties: Plain = ['other_properties', string];
const stepProperties: Plain = ['properties', string];

const linkFields = ['edge', 'direction', 'type', 'id'];

const columnTypes: Readonly<Record<PropertyKind, ColumnType>> = {
  text: string,
  integer: { kind: 'long' },
  number: { kind: 'double' },
  boolean: { kind: 'boolean' },
  timestamp: time,
  date: { kind: 'date' },
  'time of day': { kind: 'time' },
  // Each value has as many digits as its writer gave it.
  decimal: string,
  bytes: { kind: 'binary' },
};

/** The properties of a table that the graph schema declares, under names that no other column of it has, whatever the case. */
export function propertyColumns(table: GraphTable, schema: GraphSchema): readonly PropertyColumn[] {
  const taken = new Set(
    [...fixedColumns(table), ...lineageColumns, otherProperties].map(([name]) => name.toLowerCase()),
  );
  return declared(table, schema).map(({ name, kind, many }) => {
    let column = name;
    for (let number = 2; taken.has(column.toLowerCase()); number += 1) column = `${name}_${number}`;
    taken.add(column.toLowerCase());
    return { property: name, column, kind, many: many && table.kind === 'nodes' };
  });
}

function declared(table: GraphTable, schema: GraphSchema): readonly PropertySchema[] {
  switch (table.kind) {
    case 'nodes':
      return schema.nodeTypes.find(({ name }) => name === table.type)?.properties ?? [];
    case 'edges':
      return schema.edgeTypes.find(({ name }) => name === table.type)?.properties ?? [];
    default:
      return [];
  }
}

/** In the order of a row's values. */
export function tableColumns(
  table: Pick<GraphTable, 'kind'>,
  properties: readonly PropertyColumn[],
): readonly Column[] {
  const names = new Ids();
  const fixed = fixedColumns(table).map(([name, type]) => names.column(name, type));
  if (table.kind === 'steps') {
    const links: ColumnType = {
      kind: 'list',
      element: names.column('element', {
        kind: 'struct',
        fields: linkFields.map((field) => names.column(field, string)),
      }),
    };
    const last = [stepProperties, ...lineageColumns].map(([name, type]) => names.column(name, type));
    return [...fixed, names.column('links', links), ...last];
  }
  const typed = properties.map(({ column, kind, many }) => {
    const type = columnTypes[kind];
    return names.column(column, many ? { kind: 'list', element: names.column('element', type) } : type);
  });
  const last = [otherProperties, ...lineageColumns].map(([name, type]) => names.column(name, type));
  return [...fixed, ...typed, ...last];
}

export const memberColumns: readonly Column[] = [
  { id: 1, name: 'type', required: true, type: string },
  { id: 2, name: 'id', required: true, type: string },
];

function fixedColumns({ kind }: Pick<GraphTable, 'kind'>): readonly Plain[] {
  if (kind === 'nodes') return nodeColumns;
  return kind === 'edges' ? edgeColumns : stepColumns;
}

/** Numbers columns; all of them may be null, so that readers of several files need not care. */
class Ids {
  #last = 0;

  column(name: string, type: ColumnType): Column {
    this.#last += 1;
    return { id: this.#last, name, required: false, type };
  }
}
