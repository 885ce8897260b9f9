import type { TableMetadata } from './table-metadata.ts';

/** What a table is now, and the catalog's own word for this version of it. */
export interface TableVersion {
  readonly metadata: TableMetadata;
  readonly token: string;
}

/**
 * Where the one pointer to a table's current metadata is kept. Many processes may use one catalog at a time.
 *
 * Every method throws `OutageError` when trying again may help and `StopError` when a person has to act.
 */
export interface Catalog {
  /** Null: there is no such table. */
  load(table: string, signal?: AbortSignal): Promise<TableVersion | null>;
  /**
   * The one atomic step: `next` in the place of `base`, or as a new table when that is null. False: somebody else was first; load
   * again. An `OutageError` leaves open whether it happened: load again and look for the snapshot.
   */
  swap(table: string, base: TableVersion | null, next: TableMetadata, signal?: AbortSignal): Promise<boolean>;
  /** Removes versions of the metadata that the base's log has no more and that are older; says how many. */
  forget(table: string, base: TableVersion, olderThanMs: number, signal?: AbortSignal): Promise<number>;
}
