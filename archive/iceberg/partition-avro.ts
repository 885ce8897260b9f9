import { StopError } from '../../foundation/index.ts';
import { encodeInt, encodeLong } from './bounds.ts';
import type { Json, JsonObject } from './iceberg-json.ts';
import type { PartitionField, PartitionSpec, PartitionValue } from './partition-spec.ts';
import { columnById, type TableSchema } from './table-schema.ts';

/**
 * The fields of a manifest's `partition` record.
 *
 * @throws StopError `TABLE_UNSUPPORTED` for a spec whose values cannot be written here; reading it needs none of this.
 */
export function partitionAvroFields(spec: PartitionSpec, schema: TableSchema): readonly JsonObject[] {
  return spec.fields.map((field) => ({
    name: field.name,
    type: ['null', avroType(field, schema)],
    default: null,
    'field-id': field.id,
  }));
}

const dayType: Json = { type: 'int', logicalType: 'date' };

function avroType(field: PartitionField, schema: TableSchema): Json {
  if (field.transform === 'day') return dayType;
  if (/^(month|year|hour|bucket\[\d+\])$/.test(field.transform)) return 'int';
  const kind = columnById(schema.columns, field.sourceId)?.type.kind;
  if (field.transform === 'identity') {
    if (kind === 'int' || kind === 'long' || kind === 'string' || kind === 'boolean') return kind;
    if (kind === 'date') return dayType;
  }
  throw new StopError(
    'TABLE_UNSUPPORTED',
    `The table is partitioned by ${field.transform} of column ${field.sourceId} (${kind ?? 'gone'}), and nothing can be added to it here. Archive into a table made by jg archive.`,
  );
}

/** As the manifest list's summary bounds a partition field. */
export function encodePartitionValue(value: Exclude<PartitionValue, null>): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'number') return encodeInt(value);
  if (typeof value === 'bigint') return encodeLong(value);
  return typeof value === 'string' ? Buffer.from(value) : Uint8Array.of(value ? 1 : 0);
}
