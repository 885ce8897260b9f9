import { AvroSchema, type MappingPlan, type TableSchemas } from '../schemas/index.ts';
import { compileLookups, type ReadRow, type Rows } from './lookup.ts';

/** A table of a language case: what its rows are, and the rows in Avro's JSON encoding, by key. */
export interface CaseTable {
  readonly schema: object;
  readonly rows: Readonly<Record<string, object>>;
}

export type CaseTables = Readonly<Record<string, CaseTable>>;

export function tableSchemasOf(tables: CaseTables = {}): TableSchemas {
  return new Map(
    Object.entries(tables).map(([topic, { schema }]) => [topic, new AvroSchema(JSON.stringify(schema))]),
  );
}

/** Finds the rows of an event as the run time does, whose tables hold bytes. */
export function rowsOf(plan: MappingPlan, tables: CaseTables = {}): (event: unknown) => Rows | null {
  const find = compileLookups(plan);
  if (find === null) return () => [];
  const decoded = plan.lookups.map(
    ({ topic, schema }) =>
      new Map(
        Object.entries(tables[topic]?.rows ?? {}).map(([key, row]) => [
          key,
          schema.type.fromBuffer(schema.type.toBuffer(schema.type.fromString(JSON.stringify(row)))),
        ]),
      ),
  );
  const readRow: ReadRow = (index, key) => decoded[index]?.get(key) ?? null;
  return (event) => find(event, readRow)?.rows ?? null;
}
