import { StopError } from '../../foundation/index.ts';
import type { Column } from '../columns.ts';
import { type Snapshot, schemaOf, type TableMetadata } from './table-metadata.ts';

/** What every archived record has. The ids are part of the archive's format and never change; 14 to 19 are kept for later. */
export const rawColumns: readonly Column[] = [
  { id: 1, name: 'topic', required: true, type: { kind: 'string' } },
  { id: 2, name: 'partition', required: true, type: { kind: 'int' } },
  { id: 3, name: 'offset', required: true, type: { kind: 'long' } },
  { id: 4, name: 'timestamp', required: false, type: { kind: 'timestamptz' } },
  { id: 5, name: 'schema_id', required: false, type: { kind: 'int' } },
  { id: 6, name: 'key', required: false, type: { kind: 'binary' } },
  { id: 7, name: 'value', required: false, type: { kind: 'binary' } },
  {
    id: 8,
    name: 'headers',
    // Not null, but empty: readers mix the two up in projections.
    required: true,
    type: {
      kind: 'list',
      element: {
        id: 9,
        name: 'element',
        required: true,
        type: {
          kind: 'struct',
          fields: [
            { id: 10, name: 'key', required: true, type: { kind: 'string' } },
            { id: 11, name: 'value', required: false, type: { kind: 'binary' } },
          ],
        },
      },
    },
  },
  { id: 12, name: 'topic_id', required: true, type: { kind: 'string' } },
  { id: 13, name: 'cluster', required: true, type: { kind: 'string' } },
];

/** Columns of an event get ids from here on. */
export const firstEventColumnId = 1_000;
/** A table that has it was made by the archiver, and its raw columns go by their ids. */
export const topicProperty = 'jg.topic';

/** A table's columns for the parts of a record; other writers' tables have them by name. Null: the table has no such column. */
export interface RecordColumns {
  readonly partition: Column;
  readonly offset: Column;
  readonly value: Column;
  readonly timestamp: Column | null;
  readonly schemaId: Column | null;
  readonly key: Column | null;
  readonly headers: Column | null;
  readonly topicId: Column | null;
}

/** @throws StopError `TABLE_UNSUPPORTED` when the rows of the table are no records of a topic. */
export function recordColumns(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  table: string,
): RecordColumns {
  const schema = schemaOf(metadata, snapshot?.schemaId ?? metadata.currentSchemaId);
  const isOurs = metadata.properties[topicProperty] !== undefined;
  const find = (name: string): Column | null => {
    const raw = rawColumns.find((each) => each.name === name);
    const found = schema.columns.find((each) => (isOurs ? each.id === raw?.id : each.name === name));
    return found ?? null;
  };
  const must = (name: string): Column => {
    const found = find(name);
    if (found !== null) return found;
    throw new StopError(
      'TABLE_UNSUPPORTED',
      `The table ${table} has no column "${name}", so its rows are no records of a topic. Rename the column that holds it.`,
    );
  };
  return {
    partition: must('partition'),
    offset: must('offset'),
    value: must('value'),
    timestamp: find('timestamp'),
    schemaId: find('schema_id'),
    key: find('key'),
    headers: find('headers'),
    topicId: find('topic_id'),
  };
}
