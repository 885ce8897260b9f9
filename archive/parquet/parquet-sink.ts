import type { ColumnBatch } from '../columns.ts';

/** Writes one Parquet file. Calls come one after the other; nothing is to be seen of the file before `finish` resolves. */
export interface ParquetSink {
  readonly rows: number;
  /** Bytes that lie in the store and, as an estimate, in memory: for deciding when a file is large enough. */
  readonly bytes: number;
  /**
   * Every batch has all columns of the sink; its arrays are the sink's from then on. Waits while the store takes what was
   * written.
   */
  append(batch: ColumnBatch): Promise<void>;
  /** Closes the row group early: what waits in memory goes to the store. */
  endGroup(): Promise<void>;
  finish(): Promise<WrittenFile>;
  /** Leaves nothing behind; also after a failure, and twice. */
  abort(): Promise<void>;
}

/** What a manifest says of a data file. The maps go by field id and hold leaves; those inside lists and maps have no bounds. */
export interface WrittenFile {
  readonly key: string;
  readonly bytes: number;
  readonly rows: number;
  /** Where the row groups begin. */
  readonly splitOffsets: readonly bigint[];
  /** In Iceberg's single-value form; strings and bytes are cut to 16 characters and bytes, upper bounds raised. */
  readonly bounds: ReadonlyMap<number, { readonly min: Uint8Array; readonly max: Uint8Array }>;
  readonly values: ReadonlyMap<number, number>;
  readonly nulls: ReadonlyMap<number, number>;
  readonly columnBytes: ReadonlyMap<number, number>;
}

export interface ParquetLimits {
  readonly rowGroupRows: number;
  /** A group is closed early when its values are estimated to be this large. */
  readonly rowGroupBytes: number;
}
