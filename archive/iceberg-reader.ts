import { StopError } from '../foundation/index.ts';
import type { ArchiveBatch, ArchiveFilter, ArchiveReader, PlannedFile } from './archive-reader.ts';
import type { ArchiveRow } from './archive-row.ts';
import type { Column } from './columns.ts';
import type { ArchiveFile } from './iceberg/archive-file.ts';
import type { CatalogTable } from './iceberg/catalog-table.ts';
import { mayHoldMicros } from './iceberg/file-pruning.ts';
import { addDeletedRows } from './iceberg/position-deletes.ts';
import { type RecordColumns, recordColumns } from './iceberg/raw-columns.ts';
import { RecordBatch } from './iceberg/record-batch.ts';
import { snapshotOf } from './iceberg/table-metadata.ts';
import type { TablePaths } from './iceberg/table-paths.ts';
import type { ParquetFile, ParquetGroup } from './parquet/parquet-file.ts';

const batchRowsMax = 2_000;

export interface IcebergReaderParts {
  /** As people know it. */
  readonly name: string;
  readonly table: CatalogTable;
  readonly paths: TablePaths;
  /** Null: the one that is current when files are asked for. */
  readonly snapshotId: bigint | null;
}

interface OpenedTable {
  readonly columns: RecordColumns;
  readonly files: ArchiveFile;
  readonly location: string;
}

/** One reading of one file. */
interface Reading {
  readonly table: OpenedTable;
  readonly planned: PlannedFile;
  readonly file: ParquetFile;
  readonly from: bigint;
  readonly filter: ArchiveFilter;
  readonly deleted: ReadonlySet<number>;
  /** Of the last row that was read. */
  last: bigint;
}

/** Rows of an Iceberg table, ours or another writer's, as records of a topic. Rows that were deleted count as outside. */
export class IcebergReader implements ArchiveReader {
  readonly #parts: IcebergReaderParts;
  #opened: OpenedTable | null = null;

  constructor(parts: IcebergReaderParts) {
    this.#parts = parts;
  }

  async files(filter: ArchiveFilter, signal?: AbortSignal): Promise<readonly PlannedFile[]> {
    this.#opened = null;
    return await this.#parts.table.plan(filter, this.#parts.snapshotId ?? undefined, signal);
  }

  /** @throws StopError `ARCHIVE_FILE_MISSING`, `DATA_FILE_UNSUPPORTED`, `DATA_FILE_UNORDERED`; BadDataError `PARQUET_DAMAGED`. */
  async *rows(
    planned: PlannedFile,
    from: bigint,
    filter: ArchiveFilter,
    signal?: AbortSignal,
  ): AsyncGenerator<ArchiveBatch> {
    const table = await this.#table(signal);
    const file = await table.files.open(planned, signal);
    const deleted = await this.#deleted(table, planned, signal);
    const reading: Reading = { table, planned, file, from, filter, deleted, last: from - 1n };
    for (const [index, group] of file.groups.entries()) {
      const offsets = group.bounds(table.columns.offset.id);
      if (offsets !== null && offsets.max < from) continue;
      const isAfterFrom = offsets !== null && offsets.min >= from;
      if (isAfterFrom && isOutside(table.columns, group, filter)) {
        yield {
          rows: [],
          outside: group.rows,
          place: { file: planned.key, group: index, row: group.rowStart },
        };
      } else yield* groupRows(reading, index, group, signal);
    }
  }

  async #table(signal?: AbortSignal): Promise<OpenedTable> {
    if (this.#opened !== null) return this.#opened;
    const { table, name, snapshotId } = this.#parts;
    const { metadata } = await table.load(signal);
    const snapshot = snapshotOf(metadata, snapshotId ?? metadata.currentSnapshotId);
    const columns = recordColumns(metadata, snapshot, name);
    this.#opened = { columns, files: table.archiveFile(metadata), location: metadata.location };
    return this.#opened;
  }

  async #deleted(
    table: OpenedTable,
    planned: PlannedFile,
    signal?: AbortSignal,
  ): Promise<ReadonlySet<number>> {
    const deleted = new Set<number>();
    const isOfFile = (path: string): boolean => this.#parts.paths.keyOf(path, table.location) === planned.key;
    for (const { key } of planned.deletes)
      await addDeletedRows(await table.files.open({ key }, signal), isOfFile, deleted, signal);
    return deleted;
  }
}

async function* groupRows(
  reading: Reading,
  index: number,
  group: ParquetGroup,
  signal?: AbortSignal,
): AsyncGenerator<ArchiveBatch> {
  const { columns } = reading.table;
  const partitions = group.bounds(columns.partition.id);
  const isOnePartition = partitions !== null && partitions.min === partitions.max;
  const wanted = wantedColumns(columns, !isOnePartition).filter(({ id }) => !isLeftOut(columns, group, id));
  const batch = await reading.file.read(index, wanted, signal);
  const records = new RecordBatch(batch, columns);
  for (let start = 0; start < group.rows; start += batchRowsMax) {
    const end = Math.min(group.rows, start + batchRowsMax);
    const { rows, outside } = someRows(reading, records, { group, index, start, end });
    if (rows.length === 0 && outside === 0) continue;
    yield { rows, outside, place: { file: reading.planned.key, group: index, row: group.rowStart + start } };
  }
}

interface Stretch {
  readonly group: ParquetGroup;
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

function someRows(
  reading: Reading,
  records: RecordBatch,
  stretch: Stretch,
): { readonly rows: readonly ArchiveRow[]; readonly outside: number } {
  const { planned, from, filter, deleted } = reading;
  const rows: ArchiveRow[] = [];
  let outside = 0;
  for (let row = stretch.start; row < stretch.end; row += 1) {
    const offset = records.offset(row);
    if (offset < from) continue;
    if ((records.partition(row) ?? planned.partition) !== planned.partition) {
      outside += 1;
      continue;
    }
    const inFile = stretch.group.rowStart + row;
    if (offset <= reading.last) throw unordered(planned.key, stretch.index, inFile);
    reading.last = offset;
    if (!deleted.has(inFile) && records.isWithin(row, filter)) rows.push(records.row(row));
    else outside += 1;
  }
  return { rows, outside };
}

function isOutside(columns: RecordColumns, group: ParquetGroup, filter: ArchiveFilter): boolean {
  const offsets = group.bounds(columns.offset.id);
  if (filter.fromOffset !== undefined && offsets !== null && offsets.max < filter.fromOffset) return true;
  if (columns.timestamp === null || (filter.fromMs === null && filter.untilMs === null)) return false;
  const times = group.bounds(columns.timestamp.id);
  return times !== null && !mayHoldMicros(times, filter);
}

function wantedColumns(columns: RecordColumns, withPartition: boolean): readonly Column[] {
  const { partition, offset, timestamp, schemaId, key, value, headers } = columns;
  const wanted = [withPartition ? partition : null, offset, timestamp, schemaId, key, value, headers];
  return wanted.filter((column) => column !== null);
}

/** A list of structs costs as much to read as all else together, and most topics have no headers. */
function isLeftOut({ headers }: RecordColumns, group: ParquetGroup, id: number): boolean {
  return headers?.id === id && group.isEmpty(id);
}

function unordered(key: string, group: number, row: number): StopError {
  return new StopError(
    'DATA_FILE_UNORDERED',
    `The data file ${key} has offsets out of order at row ${row}, in row group ${group}: another writer sorted it otherwise. Rewrite it sorted by partition and offset.`,
  );
}
