import { StopError } from '../../foundation/index.ts';
import { type Json, JsonFault } from './iceberg-json.ts';
import { JsonFields } from './json-fields.ts';
import { type PartitionSpec, parseSpec, parseSpecFields } from './partition-spec.ts';
import type { Snapshot, SnapshotRef, TableMetadata } from './table-metadata.ts';
import { parseSchema, type TableSchema } from './table-schema.ts';

/** A table's life of a commit a minute is half a million a year: expiry keeps it far below. */
const snapshotsMax = 1_000_000;
const schemasMax = 10_000;
const propertiesMax = 100_000;

/** @throws JsonFault, or StopError `TABLE_UNSUPPORTED`. */
export function parseMetadata(json: Json, file: string): TableMetadata {
  const fields = new JsonFields(json, 'metadata');
  const formatVersion = fields.int('format-version');
  if (formatVersion !== 1 && formatVersion !== 2) throw unsupported(file, formatVersion);
  const metadata = {
    formatVersion,
    uuid: fields.textOrNull('table-uuid') ?? '',
    location: fields.text('location').replace(/\/+$/, ''),
    lastSequence: fields.longOrNull('last-sequence-number') ?? 0n,
    lastUpdatedMs: fields.int('last-updated-ms'),
    lastColumnId: fields.int('last-column-id'),
    ...parseSchemas(fields),
    ...parseSpecs(fields),
    properties: fields.texts('properties', propertiesMax),
    ...parseSnapshots(fields),
    snapshotLog: fields.list('snapshot-log', snapshotsMax, parseSnapshotLog),
    metadataLog: fields.list('metadata-log', snapshotsMax, parseMetadataLog),
    rest: fields.rest(),
  };
  checkReferences(metadata);
  return metadata;
}

function unsupported(file: string, version: number): StopError {
  return new StopError(
    'TABLE_UNSUPPORTED',
    `The table metadata ${file} is of Iceberg's format version ${version}; versions 1 and 2 can be read. Write the table in version 2.`,
  );
}

function parseSchemas(fields: JsonFields): Pick<TableMetadata, 'schemas' | 'currentSchemaId'> {
  const schemas: readonly TableSchema[] = fields.list('schemas', schemasMax, parseSchema);
  const only = fields.value('schema');
  if (schemas.length > 0) return { schemas, currentSchemaId: fields.int('current-schema-id') };
  const schema = parseSchema(only, 'metadata.schema');
  return { schemas: [schema], currentSchemaId: fields.intOrNull('current-schema-id') ?? schema.id };
}

function parseSpecs(fields: JsonFields): Pick<TableMetadata, 'specs' | 'defaultSpecId'> {
  const specs: readonly PartitionSpec[] = fields.list('partition-specs', schemasMax, parseSpec);
  const only = parseSpecFields(fields, 'partition-spec');
  if (specs.length > 0) return { specs, defaultSpecId: fields.int('default-spec-id') };
  return { specs: [{ id: 0, fields: only }], defaultSpecId: 0 };
}

function parseSnapshots(fields: JsonFields): Pick<TableMetadata, 'currentSnapshotId' | 'snapshots' | 'refs'> {
  const current = fields.longOrNull('current-snapshot-id');
  return {
    currentSnapshotId: current === -1n ? null : current,
    snapshots: fields.list('snapshots', snapshotsMax, parseSnapshot),
    refs: fields.map('refs', schemasMax, parseRef),
  };
}

function parseSnapshot(item: Json, where: string): Snapshot {
  const fields = new JsonFields(item, where);
  const { operation = 'append', ...summary } = fields.texts('summary', propertiesMax);
  const manifestList = fields.textOrNull('manifest-list');
  if (manifestList === null)
    throw new JsonFault(`lists the manifests of ${where} themselves, as only old tables of version 1 do`);
  return {
    id: fields.long('snapshot-id'),
    parentId: fields.longOrNull('parent-snapshot-id'),
    sequence: fields.longOrNull('sequence-number') ?? 0n,
    timestampMs: fields.int('timestamp-ms'),
    manifestList,
    operation,
    summary,
    schemaId: fields.intOrNull('schema-id'),
    rest: fields.rest(),
  };
}

function parseRef(item: Json, where: string): SnapshotRef {
  const fields = new JsonFields(item, where);
  return { snapshotId: fields.long('snapshot-id'), type: fields.text('type'), rest: fields.rest() };
}

function parseSnapshotLog(item: Json, where: string): TableMetadata['snapshotLog'][number] {
  const fields = new JsonFields(item, where);
  return { timestampMs: fields.int('timestamp-ms'), snapshotId: fields.long('snapshot-id') };
}

function parseMetadataLog(item: Json, where: string): TableMetadata['metadataLog'][number] {
  const fields = new JsonFields(item, where);
  return { timestampMs: fields.int('timestamp-ms'), file: fields.text('metadata-file') };
}

function checkReferences(metadata: TableMetadata): void {
  if (!metadata.schemas.some((schema) => schema.id === metadata.currentSchemaId))
    throw new JsonFault(`has no schema ${metadata.currentSchemaId}, which it calls current`);
  if (!metadata.specs.some((spec) => spec.id === metadata.defaultSpecId))
    throw new JsonFault(`has no partition spec ${metadata.defaultSpecId}, which it calls the default`);
  const { currentSnapshotId } = metadata;
  if (currentSnapshotId !== null && !metadata.snapshots.some((each) => each.id === currentSnapshotId))
    throw new JsonFault(`has no snapshot ${currentSnapshotId}, which it calls current`);
}
