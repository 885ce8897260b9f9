import { type Clock, FencedError, StopError } from '../../foundation/index.ts';
import type { TableVersion } from './catalog.ts';
import type { DataFile } from './data-file.ts';
import type { SummaryOf } from './iceberg-table.ts';
import type { IdSource } from './id-source.ts';
import type { ManifestEntry } from './manifest.ts';
import { hasLiveFiles, type ManifestFile } from './manifest-list.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { countedSummary } from './snapshot-summary.ts';
import type { TableChange } from './table-commit.ts';
import type { TableFiles } from './table-files.ts';
import { type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';

export interface AppendOrder {
  readonly files: readonly DataFile[];
  readonly summary: SummaryOf;
  readonly expect: (base: TableMetadata) => boolean;
}

export interface ChangeParts {
  readonly table: string;
  readonly files: TableFiles;
  readonly ids: IdSource;
  readonly clock: Clock;
}

/** Adds files. Its manifest is written once: what it adds inherits the sequence number of the commit that is won. */
export class AppendChange implements TableChange {
  readonly snapshotId: bigint;
  readonly #order: AppendOrder;
  readonly #parts: ChangeParts;
  readonly #snapshotFiles: SnapshotFiles;
  #manifest: ManifestFile | null = null;
  #tried: { readonly snapshot: Snapshot; readonly location: string } | null = null;

  constructor(order: AppendOrder, parts: ChangeParts) {
    this.#order = order;
    this.#parts = parts;
    this.#snapshotFiles = new SnapshotFiles(parts.files, parts.ids);
    this.snapshotId = parts.ids.snapshotId();
  }

  async on({ metadata }: TableVersion): Promise<TableMetadata> {
    const { expect, files } = this.#order;
    if (!expect(metadata)) throw fenced(this.#parts.table);
    const summary =
      typeof this.#order.summary === 'function' ? this.#order.summary(metadata) : this.#order.summary;
    const parent = snapshotOf(metadata, metadata.currentSnapshotId);
    const carried = await this.#parts.files.manifests(parent, metadata.location);
    const sequence = metadata.lastSequence + 1n;
    this.#manifest ??= await this.#snapshotFiles.manifest(
      metadata,
      writableSpec(metadata, files, this.#parts.table),
      files.map(added),
      { id: this.snapshotId, sequence },
    );
    const manifest = { ...this.#manifest, sequence, minSequence: sequence };
    const next = await this.#snapshotFiles.next(metadata, {
      id: this.snapshotId,
      operation: 'append',
      summary: { ...countedSummary(metadata, files, []), ...summary },
      manifests: [manifest, ...carried.filter(hasLiveFiles)],
      nowMs: this.#parts.clock.now(),
    });
    const snapshot = snapshotOf(next, this.snapshotId);
    this.#tried = snapshot === null ? null : { snapshot, location: metadata.location };
    return next;
  }

  isIn(metadata: TableMetadata): boolean {
    return snapshotOf(metadata, this.snapshotId) !== null;
  }

  async lost(): Promise<void> {
    if (this.#tried !== null)
      await this.#snapshotFiles.remove(this.#tried.snapshot.manifestList, this.#tried.location);
  }
}

/** @throws StopError `TABLE_UNSUPPORTED` */
export function writableSpec(
  metadata: TableMetadata,
  files: readonly DataFile[],
  table: string,
): PartitionSpec {
  const spec = metadata.specs.find((each) => each.id === metadata.defaultSpecId);
  if (metadata.formatVersion !== 2)
    throw unsupported(table, `is of Iceberg's format version ${metadata.formatVersion}`);
  const fits = files.every(
    (file) =>
      file.specId === spec?.id &&
      file.partition.size === spec.fields.length &&
      spec.fields.every((field) => file.partition.has(field.id)),
  );
  if (spec === undefined || !fits) throw unsupported(table, 'is partitioned in another way than by the day');
  return spec;
}

function unsupported(table: string, what: string): StopError {
  return new StopError(
    'TABLE_UNSUPPORTED',
    `The table ${table} ${what}, and nothing can be added to it here. Archive into a table made by jg archive.`,
  );
}

function added(file: DataFile): ManifestEntry {
  return { status: 'added', snapshotId: null, sequence: null, fileSequence: null, file };
}

function fenced(table: string): FencedError {
  return new FencedError(
    `The table ${table} is not where this archiver left it: another one archives the same partition. Nothing was added.`,
  );
}
