import { StopError } from '../../foundation/index.ts';
import { JsonFault, type JsonObject, parseJson, printJson } from './iceberg-json.ts';
import { parseMetadata } from './metadata-parser.ts';
import { type PartitionSpec, printSpec } from './partition-spec.ts';
import { printSchema, type TableSchema } from './table-schema.ts';

export interface Snapshot {
  readonly id: bigint;
  readonly parentId: bigint | null;
  /** 0 in tables of version 1. */
  readonly sequence: bigint;
  readonly timestampMs: number;
  readonly manifestList: string;
  readonly operation: string;
  /** Without the operation. */
  readonly summary: Readonly<Record<string, string>>;
  readonly schemaId: number | null;
  readonly rest: JsonObject;
}

export interface SnapshotRef {
  readonly snapshotId: bigint;
  readonly type: string;
  readonly rest: JsonObject;
}

/** What a table is at one moment, as version 2 of Iceberg's format has it. */
export interface TableMetadata {
  readonly formatVersion: number;
  readonly uuid: string;
  readonly location: string;
  readonly lastSequence: bigint;
  readonly lastUpdatedMs: number;
  /** Ids up to it were given once and are never given again. */
  readonly lastColumnId: number;
  readonly schemas: readonly TableSchema[];
  readonly currentSchemaId: number;
  readonly specs: readonly PartitionSpec[];
  readonly defaultSpecId: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly currentSnapshotId: bigint | null;
  readonly snapshots: readonly Snapshot[];
  readonly refs: ReadonlyMap<string, SnapshotRef>;
  readonly snapshotLog: readonly { readonly timestampMs: number; readonly snapshotId: bigint }[];
  readonly metadataLog: readonly { readonly timestampMs: number; readonly file: string }[];
  /** Sort orders, statistics and what later versions added: written again as it was. */
  readonly rest: JsonObject;
}

export const metadataBytesMax = 67_108_864;
export const mainBranch = 'main';

/** @throws StopError `TABLE_METADATA_DAMAGED`, `TABLE_UNSUPPORTED`, naming the file. */
export function readMetadata(bytes: Uint8Array, file: string): TableMetadata {
  try {
    if (bytes.length > metadataBytesMax) throw new JsonFault(`is larger than ${metadataBytesMax} bytes`);
    return parseMetadata(parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), file);
  } catch (cause) {
    if (!(cause instanceof JsonFault || cause instanceof TypeError || cause instanceof RangeError))
      throw cause;
    throw metadataDamaged(file, cause);
  }
}

export function metadataDamaged(file: string, cause: Error): StopError {
  const what = cause instanceof JsonFault ? cause.message : 'is no JSON in UTF-8';
  const remedy = 'Put back an intact copy, or point the setting at another table.';
  return new StopError('TABLE_METADATA_DAMAGED', `The table metadata ${file} ${what}. ${remedy}`, { cause });
}

export function printMetadata(metadata: TableMetadata): string {
  return printJson(metadataJson(metadata));
}

export function metadataJson(metadata: TableMetadata): JsonObject {
  return {
    'format-version': metadata.formatVersion,
    'table-uuid': metadata.uuid,
    location: metadata.location,
    'last-sequence-number': metadata.lastSequence,
    'last-updated-ms': metadata.lastUpdatedMs,
    'last-column-id': metadata.lastColumnId,
    'current-schema-id': metadata.currentSchemaId,
    schemas: metadata.schemas.map(printSchema),
    'default-spec-id': metadata.defaultSpecId,
    'partition-specs': metadata.specs.map(printSpec),
    properties: metadata.properties,
    // Readers from before version 2 know no absent one.
    'current-snapshot-id': metadata.currentSnapshotId ?? -1,
    refs: Object.fromEntries([...metadata.refs].map(([name, ref]) => [name, printRef(ref)])),
    snapshots: metadata.snapshots.map(printSnapshot),
    'snapshot-log': metadata.snapshotLog.map((entry) => ({
      'timestamp-ms': entry.timestampMs,
      'snapshot-id': entry.snapshotId,
    })),
    'metadata-log': metadata.metadataLog.map((entry) => ({
      'timestamp-ms': entry.timestampMs,
      'metadata-file': entry.file,
    })),
    ...metadata.rest,
  };
}

export function printSnapshot(snapshot: Snapshot): JsonObject {
  return {
    'snapshot-id': snapshot.id,
    ...(snapshot.parentId === null ? {} : { 'parent-snapshot-id': snapshot.parentId }),
    'sequence-number': snapshot.sequence,
    'timestamp-ms': snapshot.timestampMs,
    'manifest-list': snapshot.manifestList,
    summary: { operation: snapshot.operation, ...snapshot.summary },
    ...(snapshot.schemaId === null ? {} : { 'schema-id': snapshot.schemaId }),
    ...snapshot.rest,
  };
}

export function printRef(ref: SnapshotRef): JsonObject {
  return { 'snapshot-id': ref.snapshotId, type: ref.type, ...ref.rest };
}

export function currentSchema(metadata: TableMetadata): TableSchema {
  return schemaOf(metadata, metadata.currentSchemaId);
}

/** The parser made sure that what is referred to is there. */
export function schemaOf(metadata: TableMetadata, id: number): TableSchema {
  const found = metadata.schemas.find((schema) => schema.id === id);
  if (found === undefined) throw new RangeError(`no schema ${id}`);
  return found;
}

export function snapshotOf(metadata: TableMetadata, id: bigint | null): Snapshot | null {
  return id === null ? null : (metadata.snapshots.find((snapshot) => snapshot.id === id) ?? null);
}

/** From the current snapshot back to the oldest that is still there. */
export function* ancestors(metadata: TableMetadata): Generator<Snapshot> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.id, snapshot]));
  let next = metadata.currentSnapshotId;
  while (next !== null) {
    const snapshot = byId.get(next);
    if (snapshot === undefined) return;
    // Metadata of others may go in a circle.
    byId.delete(next);
    yield snapshot;
    next = snapshot.parentId;
  }
}
