import type { Column, ColumnBatch } from '../columns.ts';

/** One Parquet file, its footer read and judged. Holds nothing open. */
export interface ParquetFile {
  readonly key: string;
  readonly rows: number;
  /** Of all columns, nested ones too. Empty: the file was written without field ids, and none were given for its names. */
  readonly fieldIds: ReadonlySet<number>;
  readonly groups: readonly ParquetGroup[];
  /**
   * One row group's rows of these columns, which are of the table's schema: found by id, also nested ones, so a renamed
   * column comes by its new name; null where the file has none; int as long, float as double, decimals of more digits.
   *
   * @throws BadDataError `PARQUET_DAMAGED` naming file and row group; `PARQUET_SCHEMA_DIFFERS` when a column cannot be
   * read as the type asked for, or is required and not there.
   */
  read(group: number, columns: readonly Column[], signal?: AbortSignal): Promise<ColumnBatch>;
}

export interface ParquetGroup {
  /** Of the file's rows, the first of this group. */
  readonly rowStart: number;
  readonly rows: number;
  /** Of integers and times, in the file's own unit made microseconds; null when the file does not say. */
  bounds(fieldId: number): { readonly min: bigint; readonly max: bigint } | null;
  /** The file says that all of a top-level column is null or empty lists here: reading it would tell nothing more. */
  isEmpty(fieldId: number): boolean;
}

export interface ParquetExpectations {
  /** As a manifest says; saves asking the store. */
  readonly bytes?: number;
  readonly rows?: number;
  /** Ids for files without field ids (Iceberg's name mapping): null for a column that has none. */
  readonly idOf?: (path: readonly string[]) => number | null;
}
