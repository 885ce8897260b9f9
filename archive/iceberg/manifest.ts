import { readContainer, writeContainer } from './avro-container.ts';
import type { AvroRecord, AvroValue } from './avro-datum.ts';
import { AvroFault } from './avro-datum.ts';
import { AvroFields } from './avro-fields.ts';
import { isAvroList, isAvroRecord } from './avro-schema.ts';
import type { Bounds, Counts, DataFile, FileContent } from './data-file.ts';
import { printJson } from './iceberg-json.ts';
import { manifestFieldName, manifestSchema } from './manifest-schema.ts';
import { partitionAvroFields } from './partition-avro.ts';
import {
  type PartitionSpec,
  type PartitionValue,
  type PartitionValues,
  printSpec,
} from './partition-spec.ts';
import { printSchema, type TableSchema } from './table-schema.ts';

export type EntryStatus = 'existing' | 'added' | 'deleted';

export interface ManifestEntry {
  readonly status: EntryStatus;
  /** Null in an added entry: the manifest's own, so that a manifest may be written before its commit is won. */
  readonly snapshotId: bigint | null;
  readonly sequence: bigint | null;
  readonly fileSequence: bigint | null;
  readonly file: DataFile;
}

const statuses: readonly EntryStatus[] = ['existing', 'added', 'deleted'];
const contents: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes'];

export interface ManifestHeader {
  readonly schema: TableSchema;
  readonly spec: PartitionSpec;
  readonly content: 'data' | 'deletes';
}

export function writeManifest(
  entries: readonly ManifestEntry[],
  header: ManifestHeader,
  sync: Uint8Array,
): Buffer {
  const meta = {
    schema: printJson(printSchema(header.schema)),
    'schema-id': String(header.schema.id),
    'partition-spec': printJson(printSpec(header.spec).fields ?? []),
    'partition-spec-id': String(header.spec.id),
    'format-version': '2',
    content: header.content,
  };
  const schema = manifestSchema(partitionAvroFields(header.spec, header.schema));
  return writeContainer(
    schema,
    meta,
    entries.map((entry) => entryRecord(entry, header.spec)),
    sync,
  );
}

/** Entries as they come; `specId` is that of the manifest. Throws AvroFault, also while they are read. */
export function* readManifest(bytes: Uint8Array, specId: number): Generator<ManifestEntry> {
  const { meta, records } = readContainer(bytes, manifestFieldName);
  if (!(meta.get('avro.schema') ?? '').includes('"field-id"'))
    throw new AvroFault('is not one of Iceberg: its schema has no field ids');
  for (const record of records) yield entryOf(record, specId);
}

function entryOf(record: AvroRecord, specId: number): ManifestEntry {
  const fields = new AvroFields(record);
  const status = statuses[fields.int('status')];
  if (status === undefined) throw new AvroFault(`has an entry of the status ${fields.int('status')}`);
  return {
    status,
    snapshotId: fields.longOrNull('snapshot_id'),
    sequence: fields.longOrNull('sequence_number'),
    fileSequence: fields.longOrNull('file_sequence_number'),
    file: dataFile(new AvroFields(fields.get('data_file')), specId),
  };
}

function dataFile(fields: AvroFields, specId: number): DataFile {
  // Version 1 has data files only.
  const content = contents[fields.intOrNull('content') ?? 0];
  if (content === undefined) throw new AvroFault(`has a file of the content ${fields.int('content')}`);
  const longs = (name: string): Counts | null => fields.pairs(name, (pair) => pair.long('value'));
  const bounds = (name: string): Bounds | null =>
    fields.pairs(name, (pair) => pair.bytesOrNull('value') ?? new Uint8Array(0));
  return {
    content,
    path: fields.text('file_path'),
    format: fields.text('file_format').toUpperCase(),
    specId,
    partition: partitionOf(fields.get('partition')),
    rows: fields.count('record_count'),
    bytes: fields.count('file_size_in_bytes'),
    columnBytes: longs('column_sizes'),
    valueCounts: longs('value_counts'),
    nullCounts: longs('null_value_counts'),
    nanCounts: longs('nan_value_counts'),
    lower: bounds('lower_bounds'),
    upper: bounds('upper_bounds'),
    splitOffsets: fields.longs('split_offsets'),
    equalityIds: fields.longs('equality_ids')?.map(Number) ?? null,
    keyMetadata: fields.bytesOrNull('key_metadata'),
    sortOrderId: fields.intOrNull('sort_order_id'),
  };
}

function partitionOf(value: AvroValue): PartitionValues {
  if (!isAvroRecord(value)) throw new AvroFault('has a file without a partition');
  const entries = Object.entries(value).map(([id, each]) => [Number(id), plain(each)] as const);
  return new Map(entries.filter(([id]) => Number.isInteger(id)));
}

function plain(value: AvroValue): PartitionValue {
  if (value instanceof Uint8Array) return value;
  if (isAvroList(value) || isAvroRecord(value))
    throw new AvroFault('has a partition value that is no plain one');
  return value;
}

function entryRecord(entry: ManifestEntry, spec: PartitionSpec): AvroRecord {
  return {
    status: statuses.indexOf(entry.status),
    snapshot_id: entry.snapshotId,
    sequence_number: entry.sequence,
    file_sequence_number: entry.fileSequence,
    data_file: dataFileRecord(entry.file, spec),
  };
}

function dataFileRecord(file: DataFile, spec: PartitionSpec): AvroRecord {
  const partition = spec.fields.map((field) => [field.name, file.partition.get(field.id) ?? null] as const);
  return {
    content: contents.indexOf(file.content),
    file_path: file.path,
    file_format: file.format,
    partition: Object.fromEntries(partition),
    record_count: BigInt(file.rows),
    file_size_in_bytes: BigInt(file.bytes),
    column_sizes: pairs(file.columnBytes),
    value_counts: pairs(file.valueCounts),
    null_value_counts: pairs(file.nullCounts),
    nan_value_counts: pairs(file.nanCounts),
    lower_bounds: pairs(file.lower),
    upper_bounds: pairs(file.upper),
    key_metadata: file.keyMetadata,
    split_offsets: file.splitOffsets,
    equality_ids: file.equalityIds,
    sort_order_id: file.sortOrderId,
  };
}

function pairs(values: ReadonlyMap<number, AvroValue> | null): AvroValue {
  return values === null ? null : [...values].map(([key, value]) => ({ key, value }));
}
