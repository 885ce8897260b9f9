import type { Column } from '../columns.ts';
import { firstPartitionFieldId, type PartitionSpec } from './partition-spec.ts';
import type { TableMetadata } from './table-metadata.ts';
import { columnIds } from './table-schema.ts';

export interface NewTable {
  readonly uuid: string;
  /** The table's folder as a URI. */
  readonly location: string;
  readonly columns: readonly Column[];
  /** Column whose day partitions the table; null: no partitions. */
  readonly dayOf: number | null;
  /** Ids up to it are kept for later columns of their own: new columns come after. */
  readonly lastColumnId: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

export const dayFieldName = 'timestamp_day';

/** The first version of a table: no snapshot yet. */
export function newTableMetadata(table: NewTable): TableMetadata {
  const spec: PartitionSpec = { id: 0, fields: table.dayOf === null ? [] : [dayField(table.dayOf)] };
  return {
    formatVersion: 2,
    uuid: table.uuid,
    location: table.location,
    lastSequence: 0n,
    lastUpdatedMs: table.nowMs,
    lastColumnId: Math.max(table.lastColumnId, ...columnIds(table.columns)),
    schemas: [{ id: 0, columns: table.columns, rest: {}, columnRest: new Map() }],
    currentSchemaId: 0,
    specs: [spec],
    defaultSpecId: 0,
    properties: table.properties,
    currentSnapshotId: null,
    snapshots: [],
    refs: new Map(),
    snapshotLog: [],
    metadataLog: [],
    rest: {
      'last-partition-id': table.dayOf === null ? firstPartitionFieldId - 1 : firstPartitionFieldId,
      'default-sort-order-id': 0,
      'sort-orders': [{ 'order-id': 0, fields: [] }],
    },
  };
}

function dayField(sourceId: number): PartitionSpec['fields'][number] {
  return { sourceId, id: firstPartitionFieldId, name: dayFieldName, transform: 'day', rest: {} };
}
