import type { ArchiveFilter, PlannedFile } from '../archive-reader.ts';
import type { TableVersion } from './catalog.ts';
import type { DataFile } from './data-file.ts';
import type { ColumnChange } from './schema-evolution.ts';
import type { TableMetadata } from './table-metadata.ts';
import type { TableSchema } from './table-schema.ts';

/**
 * One table that many processes may change at a time. A change is tried on the newest version again and again, a bounded number
 * of times, with jittered pauses; `OutageError` `COMMIT_CONTENDED` when others were always first, or the catalog's own.
 */
export interface IcebergTable {
  /** @throws StopError `TABLE_MISSING`. */
  load(signal?: AbortSignal): Promise<TableVersion>;
  /**
   * Adds the files as one snapshot and says its id. `expect` is looked at in each base the commit is tried on, and the summary is
   * made of it: so it can go on from what another writer said last.
   *
   * @throws FencedError when it does not hold: nothing was added.
   */
  append(
    files: readonly DataFile[],
    summary: SummaryOf,
    expect: (base: TableMetadata) => boolean,
    signal?: AbortSignal,
  ): Promise<bigint>;
  /**
   * The same rows in other files (compaction). `plannedAt` is the snapshot whose rows were read, `writtenFromMs` when writing began.
   *
   * @throws RefusedError `REPLACE_CONFLICT` when a removed file is no longer in the table, rows of the table were deleted since, or an
   * expiry may have removed what was written.
   */
  replace(
    removed: readonly DataFile[],
    added: readonly DataFile[],
    plannedAt: bigint,
    writtenFromMs: number,
    signal?: AbortSignal,
  ): Promise<bigint>;
  /**
   * Takes files and their rows out of the table (retention). Snapshots that have them keep them until they expire.
   *
   * @throws RefusedError `REPLACE_CONFLICT` when one of them is no longer in the table.
   */
  remove(files: readonly DataFile[], plannedAt: bigint, signal?: AbortSignal): Promise<bigint>;
  /**
   * Changes columns and properties together; nothing is written when all of it is so already. A function is asked anew on each
   * base that is tried.
   *
   * @throws RefusedError `COLUMN_CHANGE_REFUSED`.
   */
  evolve(
    changes: readonly ColumnChange[] | ((base: TableMetadata) => TableEvolution),
    properties?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<TableSchema>;
  /** Forgets snapshots and removes the files that only they had, and what was written but never committed. */
  expire(keep: ExpiryPolicy, signal?: AbortSignal): Promise<ExpiryReport>;
  /**
   * Files of a snapshot (by default the current one) that may hold rows the filter lets through, by partition and first offset.
   *
   * @throws StopError as docs/errors.md lists them for what cannot be read: `MANIFEST_DAMAGED`, `ARCHIVE_FILE_MISSING`,
   * `ICEBERG_EQUALITY_DELETES`, `DATA_FILE_UNSUPPORTED`, `SNAPSHOT_MISSING`.
   */
  plan(filter: ArchiveFilter, snapshotId?: bigint, signal?: AbortSignal): Promise<readonly PlannedFile[]>;
  /** Data files of the current snapshot as its manifests have them: what a compaction chooses from. */
  files(signal?: AbortSignal): Promise<TableFileList>;
}

export type SummaryOf =
  | Readonly<Record<string, string>>
  | ((base: TableMetadata) => Readonly<Record<string, string>>);

export interface TableEvolution {
  readonly changes: readonly ColumnChange[];
  readonly properties: Readonly<Record<string, string>>;
}

export interface TableFileList {
  /** Null: the table has no snapshot. */
  readonly snapshotId: bigint | null;
  readonly files: readonly DataFile[];
  /** Position deletes are there: a compaction has to apply them. */
  readonly hasDeletes: boolean;
}

export interface ExpiryPolicy {
  /** The newest so many stay in any case. */
  readonly snapshots: number;
  /** Others go when they were no longer current before this time; and so do files that nothing refers to, written before it. */
  readonly olderThanMs: number;
}

export interface ExpiryReport {
  readonly snapshots: number;
  /** Removed because only those snapshots had them. */
  readonly files: number;
  /** Removed because they were written and never committed. */
  readonly orphans: number;
  readonly metadataFiles: number;
}
