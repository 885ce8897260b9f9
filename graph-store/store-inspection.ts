import type { DeletedTypes } from './deleted-types.ts';
import type { CompareEvent } from './graph-difference.ts';
import type { GraphEstimate, GraphStore } from './graph-store.ts';
import type { GraphTable, GraphTableEncoding } from './graph-table.ts';
import type { RowCounts } from './row-counts.ts';
import type { SnapshotAbout } from './snapshot-file.ts';
import type { SourceJson } from './source-json.ts';
import type { TimeToLive } from './time-to-live.ts';

/** All of these go over the network as JSON. */
export interface StoreFault {
  /** The row's key in printable characters; bytes that are none as `\xNN`. */
  readonly key: string;
  readonly what: string;
}

export interface StoreVerdict {
  readonly rows: Readonly<RowCounts>;
  /** Positions, estimates and other rows about the graph as a whole. */
  readonly otherRows: number;
  /** Keys and values. */
  readonly bytes: number;
  /** The position that everything here holds at. */
  readonly sources: readonly SourceJson[];
  /** What {@link GraphStore.digest} answers at that position. */
  readonly digest: string;
  readonly faults: number;
  readonly firstFaults: readonly StoreFault[];
}

export type VerifyEvent =
  | { readonly kind: 'progress'; readonly rows: number; readonly bytes: number }
  | { readonly kind: 'verdict'; readonly verdict: StoreVerdict };

export interface LevelFigures {
  readonly level: number;
  readonly files: number;
  readonly megabytes: number;
}

export interface TypeFigures {
  /** What its rows are called, such as `steps`. */
  readonly kind: string;
  /** Of the node, or of the edge. */
  readonly type: string;
  readonly rows: number;
}

export interface StoreStats {
  readonly format: string;
  readonly folder: string;
  readonly files: number;
  readonly bytesOnDisk: number;
  readonly levels: readonly LevelFigures[];
  /** False: every figure about rows is extrapolated from a sample. */
  readonly exact: boolean;
  readonly rows: number;
  readonly rowsByKind: Readonly<RowCounts>;
  readonly rowsByType: readonly TypeFigures[];
  /** Rows of the graph whose keys cannot be read; `verify` names them. */
  readonly unknownRows: number;
  /** Of steps and occurrences among the rows that were looked at, milliseconds since the Unix epoch; null without any. */
  readonly oldestEventMs: number | null;
  readonly newestEventMs: number | null;
  readonly estimate: GraphEstimate;
  readonly cacheBytes: {
    readonly blocksMax: number;
    readonly nodesMax: number;
    readonly levelDbUses: number;
  };
  readonly timeToLive: TimeToLive;
  readonly sources: readonly SourceJson[];
}

/** What is written from one moment of the store, which is held open until this is disposed of: any number of times, also while `bytes` makes a piece, which then fails. */
export interface SnapshotFile extends AsyncDisposable {
  /** The file's bytes, read once; bounded memory as long as they are taken one after the other. */
  bytes(): AsyncGenerator<Uint8Array>;
}

/** What an operator may ask of a store that keeps files of its own. Safe beside `apply`; each holds at one moment. */
export interface StoreInspector {
  /** `exact` counts every row instead of a sample, until `signal` ends that: OutageError STORE_READ_FAILED. */
  stats(exact: boolean, signal?: AbortSignal): Promise<StoreStats>;
  /** Reads every row; progress now and then, the verdict last. Damage is in the verdict and no error. */
  verify(faultsMax: number): AsyncGenerator<VerifyEvent>;
  /** Of which types something was ever deleted. */
  deletedTypes(): Promise<DeletedTypes>;
  /** The bytes of a file that `SnapshotReader` reads. Throws OutageError STORE_CLOSED, STORE_READ_FAILED. */
  openSnapshotFile(about: SnapshotAbout): Promise<SnapshotFile>;
  /**
   * Compares this graph with the one in another folder of this version's stores, which is there. Differences as they are found, the verdict last. Throws StopError
   * (STORE_LOCKED, STORE_FORMAT, STORE_CORRUPT) or OutageError (STORE_CLOSED, STORE_READ_FAILED).
   */
  compare(folder: string, differencesMax: number): AsyncGenerator<CompareEvent>;
  /** The bytes that the encoding makes of a table. Throws OutageError STORE_CLOSED, STORE_READ_FAILED. */
  openTable(table: GraphTable, encoding: GraphTableEncoding): Promise<SnapshotFile>;
}

export type EmbeddedStore = GraphStore & StoreInspector;
