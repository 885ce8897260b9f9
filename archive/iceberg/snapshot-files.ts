import type { IdSource } from './id-source.ts';
import type { ManifestEntry } from './manifest.ts';
import { writeManifest } from './manifest.ts';
import { type FieldSummary, type ManifestFile, writeManifestList } from './manifest-list.ts';
import { encodePartitionValue } from './partition-avro.ts';
import type { PartitionField, PartitionSpec, PartitionValue } from './partition-spec.ts';
import type { TableFiles } from './table-files.ts';
import { currentSchema, mainBranch, type Snapshot, type TableMetadata } from './table-metadata.ts';

export interface NewSnapshot {
  readonly id: bigint;
  readonly operation: string;
  readonly summary: Readonly<Record<string, string>>;
  readonly manifests: readonly ManifestFile[];
  readonly nowMs: number;
}

/** Writes what a snapshot consists of, beside the data files: manifests and their list. */
export class SnapshotFiles {
  readonly #files: TableFiles;
  readonly #ids: IdSource;

  constructor(files: TableFiles, ids: IdSource) {
    this.#files = files;
    this.#ids = ids;
  }

  /** Sequence numbers of the row are those of `sequence`: a manifest whose entries inherit may be listed again with another one. */
  async manifest(
    base: TableMetadata,
    spec: PartitionSpec,
    entries: readonly ManifestEntry[],
    snapshot: { readonly id: bigint; readonly sequence: bigint },
  ): Promise<ManifestFile> {
    const header = { schema: currentSchema(base), spec, content: 'data' as const };
    const named = entries.map((entry) => ({ ...entry, snapshotId: entry.snapshotId ?? snapshot.id }));
    const bytes = writeManifest(named, header, this.#ids.sync());
    const path = await this.#create(base, `${this.#ids.uuid()}-m0.avro`, bytes);
    const of = (status: ManifestEntry['status']): readonly ManifestEntry[] =>
      entries.filter((entry) => entry.status === status);
    const live = entries.filter((entry) => entry.status !== 'deleted');
    return {
      path,
      bytes: bytes.length,
      specId: spec.id,
      content: 'data',
      sequence: snapshot.sequence,
      minSequence: live.reduce(
        (least, { sequence }) => (sequence !== null && sequence < least ? sequence : least),
        snapshot.sequence,
      ),
      addedSnapshotId: snapshot.id,
      addedFiles: of('added').length,
      existingFiles: of('existing').length,
      deletedFiles: of('deleted').length,
      addedRows: rowsOf(of('added')),
      existingRows: rowsOf(of('existing')),
      deletedRows: rowsOf(of('deleted')),
      partitions: spec.fields.map((field) => summarize(field, entries)),
      keyMetadata: null,
    };
  }

  /** The table with that snapshot as the current one; nothing refers to it until a catalog has it. */
  async next(base: TableMetadata, snapshot: NewSnapshot): Promise<TableMetadata> {
    const sequence = base.lastSequence + 1n;
    const parentId = base.currentSnapshotId;
    const header = { snapshotId: snapshot.id, parentId, sequence };
    const bytes = writeManifestList(snapshot.manifests, header, this.#ids.sync());
    const manifestList = await this.#create(base, `snap-${snapshot.id}-0-${this.#ids.uuid()}.avro`, bytes);
    // Readers order versions by time: it does not go back where a clock does.
    const timestampMs = Math.max(snapshot.nowMs, base.lastUpdatedMs);
    const made: Snapshot = {
      id: snapshot.id,
      parentId,
      sequence,
      timestampMs,
      manifestList,
      operation: snapshot.operation,
      summary: snapshot.summary,
      schemaId: base.currentSchemaId,
      rest: {},
    };
    const branch = base.refs.get(mainBranch) ?? { type: 'branch', rest: {} };
    return {
      ...base,
      lastSequence: sequence,
      lastUpdatedMs: timestampMs,
      currentSnapshotId: made.id,
      snapshots: [...base.snapshots, made],
      refs: new Map([...base.refs, [mainBranch, { ...branch, snapshotId: made.id }]]),
      snapshotLog: [...base.snapshotLog, { timestampMs, snapshotId: made.id }],
    };
  }

  async remove(uri: string, location: string): Promise<void> {
    await this.#files.store.remove(this.#files.paths.keyOf(uri, location));
  }

  async #create(base: TableMetadata, name: string, bytes: Uint8Array): Promise<string> {
    const { store, paths } = this.#files;
    const key = `${paths.folder(base.location)}/metadata/${name}`;
    await store.create(key, bytes);
    return paths.uriOf(key);
  }
}

function rowsOf(entries: readonly ManifestEntry[]): bigint {
  return entries.reduce((sum, { file }) => sum + BigInt(file.rows), 0n);
}

function summarize(field: PartitionField, entries: readonly ManifestEntry[]): FieldSummary {
  let containsNull = false;
  let lower: Exclude<PartitionValue, null> | null = null;
  let upper: Exclude<PartitionValue, null> | null = null;
  for (const { file } of entries) {
    const value = file.partition.get(field.id) ?? null;
    if (value === null) containsNull = true;
    else {
      if (lower === null || isLess(value, lower)) lower = value;
      if (upper === null || isLess(upper, value)) upper = value;
    }
  }
  return {
    containsNull,
    containsNan: false,
    lower: lower === null ? null : encodePartitionValue(lower),
    upper: upper === null ? null : encodePartitionValue(upper),
  };
}

/** Texts by their bytes in UTF-8, as readers compare them. */
function isLess(a: Exclude<PartitionValue, null>, b: Exclude<PartitionValue, null>): boolean {
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) < 0;
  return a < b;
}
