import type { SnapshotFile, StoreInspector } from '../graph-store/index.ts';

/** What operators ask of the store of a running server; composition implements it. */
export interface StoreOperations extends Pick<StoreInspector, 'stats' | 'verify'> {
  /** Throws OutageError while the store is closed. */
  openSnapshot(): Promise<SnapshotFile>;
}
