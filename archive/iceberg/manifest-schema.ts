import type { Json, JsonObject } from './iceberg-json.ts';

/** The Avro schemas of version 2's manifests and manifest lists; the ids are the format's contract. */
function field(id: number, name: string, type: Json): JsonObject {
  return { name, type, 'field-id': id };
}

function optional(id: number, name: string, type: Json): JsonObject {
  return { name, type: ['null', type], default: null, 'field-id': id };
}

/** Avro's maps have text keys only: a map by int is a list of pairs. */
function mapByInt(keyId: number, valueId: number, value: string): JsonObject {
  const fields = [field(keyId, 'key', 'int'), field(valueId, 'value', value)];
  const items = { type: 'record', name: `k${keyId}_v${valueId}`, fields };
  return { type: 'array', logicalType: 'map', items };
}

const fieldSummary: JsonObject = {
  type: 'record',
  name: 'r508',
  fields: [
    field(509, 'contains_null', 'boolean'),
    optional(518, 'contains_nan', 'boolean'),
    optional(510, 'lower_bound', 'bytes'),
    optional(511, 'upper_bound', 'bytes'),
  ],
};

export const manifestListSchema: JsonObject = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    field(500, 'manifest_path', 'string'),
    field(501, 'manifest_length', 'long'),
    field(502, 'partition_spec_id', 'int'),
    field(517, 'content', 'int'),
    field(515, 'sequence_number', 'long'),
    field(516, 'min_sequence_number', 'long'),
    field(503, 'added_snapshot_id', 'long'),
    field(504, 'added_files_count', 'int'),
    field(505, 'existing_files_count', 'int'),
    field(506, 'deleted_files_count', 'int'),
    field(512, 'added_rows_count', 'long'),
    field(513, 'existing_rows_count', 'long'),
    field(514, 'deleted_rows_count', 'long'),
    optional(507, 'partitions', { type: 'array', 'element-id': 508, items: fieldSummary }),
    optional(519, 'key_metadata', 'bytes'),
  ],
};

/** `partition` holds the fields of one partition spec. */
export function manifestSchema(partition: readonly JsonObject[]): JsonObject {
  const dataFile = [
    field(134, 'content', 'int'),
    field(100, 'file_path', 'string'),
    field(101, 'file_format', 'string'),
    field(102, 'partition', { type: 'record', name: 'r102', fields: partition }),
    field(103, 'record_count', 'long'),
    field(104, 'file_size_in_bytes', 'long'),
    optional(108, 'column_sizes', mapByInt(117, 118, 'long')),
    optional(109, 'value_counts', mapByInt(119, 120, 'long')),
    optional(110, 'null_value_counts', mapByInt(121, 122, 'long')),
    optional(137, 'nan_value_counts', mapByInt(138, 139, 'long')),
    optional(125, 'lower_bounds', mapByInt(126, 127, 'bytes')),
    optional(128, 'upper_bounds', mapByInt(129, 130, 'bytes')),
    optional(131, 'key_metadata', 'bytes'),
    optional(132, 'split_offsets', { type: 'array', 'element-id': 133, items: 'long' }),
    optional(135, 'equality_ids', { type: 'array', 'element-id': 136, items: 'int' }),
    optional(140, 'sort_order_id', 'int'),
  ];
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field(0, 'status', 'int'),
      optional(1, 'snapshot_id', 'long'),
      optional(3, 'sequence_number', 'long'),
      optional(4, 'file_sequence_number', 'long'),
      field(2, 'data_file', { type: 'record', name: 'r2', fields: dataFile }),
    ],
  };
}

/** Of fields by their ids, because older writers called some of them otherwise. */
const names: ReadonlyMap<number, string> = namesOf([manifestListSchema, manifestSchema([])]);

/** Partition fields, which have ids from 1000 on, are called by their id: their names are the table's. */
export function manifestFieldName(id: number | null, name: string): string {
  if (id === null) return name;
  return names.get(id) ?? (id >= 1_000 ? String(id) : name);
}

function namesOf(schemas: readonly Json[]): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const visit = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('field-id' in value && typeof value['field-id'] === 'number')
      found.set(value['field-id'], String(value.name));
    for (const each of Object.values(value)) visit(each);
  };
  for (const schema of schemas) visit(schema);
  return found;
}
