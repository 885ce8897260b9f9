import { type Clock, type Random, StopError } from '../../foundation/index.ts';
import type { ArchiveFilter, PlannedFile } from '../archive-reader.ts';
import type { ObjectStore } from '../object-store.ts';
import { AppendChange, type ChangeParts } from './append-change.ts';
import { ArchiveFile, type OpenParquet } from './archive-file.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import type { DataFile } from './data-file.ts';
import { EvolveChange } from './evolve-change.ts';
import type {
  ExpiryPolicy,
  ExpiryReport,
  IcebergTable,
  SummaryOf,
  TableEvolution,
  TableFileList,
} from './iceberg-table.ts';
import type { IdSource } from './id-source.ts';
import { nameMapping, nameMappingProperty } from './name-mapping.ts';
import { byPlace, PlannedFiles } from './planned-files.ts';
import { recordColumns } from './raw-columns.ts';
import { ReplaceChange } from './replace-change.ts';
import type { ColumnChange } from './schema-evolution.ts';
import { ExpiryChange } from './snapshot-expiry.ts';
import { sweepMark } from './sweep-mark.ts';
import { type CommitLimits, commitLimitsDefault, TableCommit } from './table-commit.ts';
import { TableFiles } from './table-files.ts';
import { currentSchema, type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';
import type { TablePaths } from './table-paths.ts';
import { scanTable } from './table-scan.ts';
import type { TableSchema } from './table-schema.ts';
import { sweepFiles } from './table-sweep.ts';

export interface CatalogTableParts {
  readonly catalog: Catalog;
  /** As the catalog knows it: a folder of the store, or `namespace.name`. */
  readonly table: string;
  readonly store: ObjectStore;
  readonly paths: TablePaths;
  readonly open: OpenParquet;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly random: Random;
}

/** A table of any catalog, its files in one store. */
export class CatalogTable implements IcebergTable {
  readonly #parts: CatalogTableParts;
  readonly #files: TableFiles;
  readonly #commit: TableCommit;
  readonly #change: ChangeParts;

  constructor(parts: CatalogTableParts, limits: CommitLimits = commitLimitsDefault) {
    this.#parts = parts;
    this.#files = new TableFiles(parts.store, parts.paths);
    this.#commit = new TableCommit(parts, limits);
    this.#change = { table: parts.table, files: this.#files, ids: parts.ids, clock: parts.clock };
  }

  async load(signal?: AbortSignal): Promise<TableVersion> {
    return await this.#commit.load(signal);
  }

  async append(
    files: readonly DataFile[],
    summary: SummaryOf,
    expect: (base: TableMetadata) => boolean,
    signal?: AbortSignal,
  ): Promise<bigint> {
    const change = new AppendChange({ files, summary, expect }, this.#change);
    await this.#commit.run(change, signal);
    return change.snapshotId;
  }

  async replace(
    removed: readonly DataFile[],
    added: readonly DataFile[],
    plannedAt: bigint,
    writtenFromMs: number,
    signal?: AbortSignal,
  ): Promise<bigint> {
    const order = { operation: 'replace', removed, added, plannedAt, writtenFromMs } as const;
    const change = new ReplaceChange(order, this.#change);
    await this.#commit.run(change, signal);
    return change.snapshotId;
  }

  async remove(files: readonly DataFile[], plannedAt: bigint, signal?: AbortSignal): Promise<bigint> {
    const order = { operation: 'delete', removed: files, added: [], plannedAt, writtenFromMs: null } as const;
    const change = new ReplaceChange(order, this.#change);
    await this.#commit.run(change, signal);
    return change.snapshotId;
  }

  async evolve(
    changes: readonly ColumnChange[] | ((base: TableMetadata) => TableEvolution),
    properties: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<TableSchema> {
    const plan = typeof changes === 'function' ? changes : () => ({ changes, properties });
    const change = new EvolveChange(plan, this.#parts.clock);
    return currentSchema(await this.#commit.run(change, signal));
  }

  async expire(keep: ExpiryPolicy, signal?: AbortSignal): Promise<ExpiryReport> {
    const change = new ExpiryChange(keep, this.#parts.clock);
    await this.#commit.run(change, signal);
    const base = await this.load(signal);
    const { catalog, table } = this.#parts;
    // First, because a catalog that is for reading alone refuses it.
    const metadataFiles = await catalog.forget(table, base, keep.olderThanMs, signal);
    const { olderThanMs } = keep;
    const mark = async (beforeMs: number): Promise<TableMetadata> => {
      const plan = (of: TableMetadata): TableEvolution => sweepMark(of, beforeMs);
      return await this.#commit.run(new EvolveChange(plan, this.#parts.clock), signal);
    };
    const sweep = { metadata: base.metadata, expired: change.expired, olderThanMs, mark };
    const swept = await sweepFiles(this.#files, sweep, signal);
    return { snapshots: change.expired.length, ...swept, metadataFiles };
  }

  async plan(
    filter: ArchiveFilter,
    snapshotId?: bigint,
    signal?: AbortSignal,
  ): Promise<readonly PlannedFile[]> {
    const { metadata } = await this.load(signal);
    const snapshot = this.#snapshot(metadata, snapshotId);
    const columns = recordColumns(metadata, snapshot, this.#parts.table);
    const scanned = await scanTable(this.#files, { metadata, snapshot, columns, filter }, signal);
    const describe = new PlannedFiles(columns, this.archiveFile(metadata));
    const planned: PlannedFile[] = [];
    for (const each of scanned) planned.push(...(await describe.of(each, signal)));
    const { partitions } = filter;
    return planned.filter((each) => partitions?.includes(each.partition) ?? true).sort(byPlace);
  }

  async files(signal?: AbortSignal): Promise<TableFileList> {
    const { metadata } = await this.load(signal);
    const snapshot = snapshotOf(metadata, metadata.currentSnapshotId);
    const files: DataFile[] = [];
    let hasDeletes = false;
    for (const manifest of await this.#files.manifests(snapshot, metadata.location, signal)) {
      for await (const entry of this.#files.entries(manifest, metadata.location, signal)) {
        if (entry.status === 'deleted') continue;
        if (manifest.content === 'data') files.push(entry.file);
        else hasDeletes = true;
      }
    }
    return { snapshotId: snapshot?.id ?? null, files, hasDeletes };
  }

  /** Opens data files by what that metadata says of names. */
  archiveFile(metadata: TableMetadata): ArchiveFile {
    const mapping = metadata.properties[nameMappingProperty];
    const idOf = mapping === undefined ? null : nameMapping(mapping, this.#parts.table);
    return new ArchiveFile(this.#parts.open, idOf);
  }

  #snapshot(metadata: TableMetadata, id: bigint | undefined): Snapshot | null {
    if (id === undefined) return snapshotOf(metadata, metadata.currentSnapshotId);
    const found = snapshotOf(metadata, id);
    if (found !== null) return found;
    throw new StopError(
      'SNAPSHOT_MISSING',
      `The table ${this.#parts.table} no longer has the snapshot ${id}: it expired. Plan again.`,
    );
  }
}
