import type { GraphTable, SnapshotFile, StoreInspector } from '../graph-store/index.ts';

/** What operators ask of the store of a running server; composition implements it. */
export interface StoreOperations extends Pick<StoreInspector, 'stats' | 'verify'> {
  /** Throws OutageError while the store is closed. */
  openSnapshot(): Promise<SnapshotFile>;
  /** Throws RefusedError EXPORT_TYPE_UNKNOWN; OutageError while the store is closed. */
  openTable(request: TableRequest): Promise<SnapshotFile>;
}

export type TableFormat = 'arrow' | 'parquet';

export interface TableRequest {
  readonly table: GraphTable;
  readonly format: TableFormat;
  /** Also a type that no mapping in force declares. */
  readonly undeclared: boolean;
}
