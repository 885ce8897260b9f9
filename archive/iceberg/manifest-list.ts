import { readContainer, writeContainer } from './avro-container.ts';
import type { AvroRecord } from './avro-datum.ts';
import { AvroFault } from './avro-datum.ts';
import { AvroFields } from './avro-fields.ts';
import { manifestFieldName, manifestListSchema } from './manifest-schema.ts';

/** Of one partition field over all files of a manifest. */
export interface FieldSummary {
  readonly containsNull: boolean;
  readonly containsNan: boolean | null;
  readonly lower: Uint8Array | null;
  readonly upper: Uint8Array | null;
}

/** A manifest as a snapshot's list has it. */
export interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly specId: number;
  readonly content: 'data' | 'deletes';
  readonly sequence: bigint;
  readonly minSequence: bigint;
  readonly addedSnapshotId: bigint;
  /** Null: a table of version 1 whose writer did not count. */
  readonly addedFiles: number | null;
  readonly existingFiles: number | null;
  readonly deletedFiles: number | null;
  readonly addedRows: bigint | null;
  readonly existingRows: bigint | null;
  readonly deletedRows: bigint | null;
  readonly partitions: readonly FieldSummary[] | null;
  readonly keyMetadata: Uint8Array | null;
}

const manifestsMax = 100_000;

export interface ListHeader {
  readonly snapshotId: bigint;
  readonly parentId: bigint | null;
  readonly sequence: bigint;
}

export function writeManifestList(
  manifests: readonly ManifestFile[],
  header: ListHeader,
  sync: Uint8Array,
): Buffer {
  const meta = {
    'snapshot-id': String(header.snapshotId),
    'parent-snapshot-id': String(header.parentId),
    'sequence-number': String(header.sequence),
    'format-version': '2',
  };
  return writeContainer(manifestListSchema, meta, manifests.map(manifestRecord), sync);
}

/** @throws AvroFault */
export function readManifestList(bytes: Uint8Array): readonly ManifestFile[] {
  const { meta, records } = readContainer(bytes, manifestFieldName);
  if (!(meta.get('avro.schema') ?? '').includes('"field-id"'))
    throw new AvroFault('is no list of Iceberg: its schema has no field ids');
  const manifests: ManifestFile[] = [];
  for (const record of records) {
    if (manifests.length >= manifestsMax) throw new AvroFault(`lists more than ${manifestsMax} manifests`);
    manifests.push(manifestOf(new AvroFields(record)));
  }
  return manifests;
}

/** Files of it that a snapshot still has; a manifest without any need not be carried on. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFiles !== 0 || manifest.existingFiles !== 0;
}

function manifestOf(fields: AvroFields): ManifestFile {
  const content = fields.intOrNull('content') ?? 0;
  if (content !== 0 && content !== 1) throw new AvroFault(`has a manifest of the content ${content}`);
  return {
    path: fields.text('manifest_path'),
    bytes: fields.count('manifest_length'),
    specId: fields.int('partition_spec_id'),
    content: content === 0 ? 'data' : 'deletes',
    sequence: fields.longOrNull('sequence_number') ?? 0n,
    minSequence: fields.longOrNull('min_sequence_number') ?? 0n,
    addedSnapshotId: fields.longOrNull('added_snapshot_id') ?? -1n,
    addedFiles: fields.intOrNull('added_files_count'),
    existingFiles: fields.intOrNull('existing_files_count'),
    deletedFiles: fields.intOrNull('deleted_files_count'),
    addedRows: fields.longOrNull('added_rows_count'),
    existingRows: fields.longOrNull('existing_rows_count'),
    deletedRows: fields.longOrNull('deleted_rows_count'),
    partitions: fields.list('partitions', summaryOf),
    keyMetadata: fields.bytesOrNull('key_metadata'),
  };
}

function summaryOf(fields: AvroFields): FieldSummary {
  const nan = fields.get('contains_nan');
  return {
    containsNull: fields.flag('contains_null'),
    containsNan: typeof nan === 'boolean' ? nan : null,
    lower: fields.bytesOrNull('lower_bound'),
    upper: fields.bytesOrNull('upper_bound'),
  };
}

function manifestRecord(manifest: ManifestFile): AvroRecord {
  const partitions = manifest.partitions?.map((summary) => ({
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan,
    lower_bound: summary.lower,
    upper_bound: summary.upper,
  }));
  return {
    manifest_path: manifest.path,
    manifest_length: BigInt(manifest.bytes),
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequence,
    min_sequence_number: manifest.minSequence,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles ?? 0,
    existing_files_count: manifest.existingFiles ?? 0,
    deleted_files_count: manifest.deletedFiles ?? 0,
    added_rows_count: manifest.addedRows ?? 0n,
    existing_rows_count: manifest.existingRows ?? 0n,
    deleted_rows_count: manifest.deletedRows ?? 0n,
    partitions: partitions ?? null,
    key_metadata: manifest.keyMetadata,
  };
}
