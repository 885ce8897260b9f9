import type { Column, ColumnValue } from './columns.ts';

/** Makes a table's bytes from pages of rows; a row has one value for each column, in their order. */
export interface TableEncoder {
  readonly mime: string;
  /** `about` goes into the file's own metadata. */
  encode(
    columns: readonly Column[],
    pages: AsyncIterable<readonly ExportRow[]>,
    about?: TableNotes,
  ): AsyncIterable<Uint8Array>;
}

export type TableNotes = Readonly<Record<string, string>>;

export type ExportRow = readonly ColumnValue[];
