import type { StoreInspector } from '../graph-store/index.ts';

/** A snapshot that is held open until it is disposed of. */
export interface SnapshotFile extends AsyncDisposable {
  /** The file's bytes, read once; bounded memory as long as they are taken one after the other. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** What operators ask of the store of a running server; composition implements it. */
export interface StoreOperations extends StoreInspector {
  /** Throws OutageError while the store is closed. */
  openSnapshot(): Promise<SnapshotFile>;
}
