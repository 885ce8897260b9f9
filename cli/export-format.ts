import { arrowStreamEncoder, parquetEncoder, type TableEncoder, type TableNotes } from '../archive/index.ts';
import type { TableFormat } from '../query-api/index.ts';
import type { PropertyColumn } from './export-columns.ts';

/** A row group is what a Parquet file holds in memory while it is written. */
const parquetLimits = { rowGroupRows: 20_000, rowGroupBytes: 16 * 2 ** 20 };

/** What the thread of an export is told. */
export interface ExportOptions {
  readonly format: TableFormat;
  readonly properties: readonly PropertyColumn[];
  readonly about: TableNotes;
}

export function tableEncoder(format: TableFormat): TableEncoder {
  return format === 'arrow' ? arrowStreamEncoder() : parquetEncoder(parquetLimits);
}
