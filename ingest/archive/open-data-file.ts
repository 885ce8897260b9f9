import {
  type Column,
  type ColumnValue,
  type ColumnValues,
  createParquet,
  type DataFile,
  dataFileOf,
  type ParquetSink,
  rawColumns,
} from '../../archive/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import type { SourceRecord } from '../event-source.ts';
import type { ReadEvent } from './event-schemas.ts';
import { RowBuffer } from './row-buffer.ts';
import type { TopicTable } from './topic-table.ts';

const valueId = 7;
/** Of each row, beside its own bytes. */
const rowBytes = 64;
const columnBytes = 24;

export interface DataFilePlace {
  readonly source: SourcePartition;
  /** Days since 1970; null: its records have no timestamp. */
  readonly day: number | null;
  readonly key: string;
}

/** A data file that is being written: rows of one partition and day, in the order of their offsets. */
export class OpenDataFile {
  readonly place: DataFilePlace;
  /** Of the table's columns that it has. */
  readonly version: number;
  readonly #table: TopicTable;
  readonly #sink: ParquetSink;
  readonly #eventColumns: readonly Column[];
  readonly #rows = new RowBuffer();
  #events: ColumnValue[][];
  #bufferedBytes = 0;

  constructor(table: TopicTable, place: DataFilePlace, rowGroupRows: number) {
    this.place = place;
    this.version = table.version;
    this.#table = table;
    this.#eventColumns = table.eventColumns;
    this.#events = this.#eventColumns.map(() => []);
    this.#sink = createParquet({
      store: table.store,
      key: place.key,
      columns: [...rawColumns, ...this.#eventColumns],
      // Groups are closed here: a group of any size is one of the sink's.
      limits: { rowGroupRows, rowGroupBytes: Number.MAX_SAFE_INTEGER },
      unique: new Set([valueId]),
    });
  }

  /** Rows that wait for their group. */
  get buffered(): number {
    return this.#rows.rows;
  }

  /** What they take in memory, about. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get bytes(): number {
    return this.#sink.bytes + this.#bufferedBytes;
  }

  /** Says how many bytes wait because of it. */
  add(record: SourceRecord, { schemaId, event, readers }: ReadEvent): number {
    this.#rows.add(record, schemaId);
    for (let index = 0; index < this.#events.length; index += 1)
      this.#events[index]?.push(event === null ? null : (readers[index]?.(event) ?? null));
    const bytes = sizeOf(record) + columnBytes * this.#events.length;
    this.#bufferedBytes += bytes;
    return bytes;
  }

  async writeGroup(): Promise<void> {
    const { rows } = this.#rows;
    if (rows === 0) return;
    const columns = new Map<number, ColumnValues>(this.#rawColumns());
    for (const [index, column] of this.#eventColumns.entries())
      columns.set(column.id, this.#events[index] ?? []);
    this.#events = this.#eventColumns.map(() => []);
    this.#bufferedBytes = 0;
    await this.#sink.append({ rows, columns });
    // What it has of the rows are views: they are free again once the group is written.
    await this.#sink.endGroup();
    this.#rows.clear();
  }

  async finish(): Promise<DataFile> {
    await this.writeGroup();
    const { source, day, key } = this.place;
    const constants = new Map<number, string | number>([
      [2, source.partition],
      [12, source.topicId],
      [13, source.cluster],
    ]);
    return dataFileOf(await this.#sink.finish(), this.#table.paths.uriOf(key), day, constants);
  }

  async abort(): Promise<void> {
    await this.#sink.abort();
  }

  /** In the archive's format, see `rawColumns`. */
  *#rawColumns(): Generator<[number, ColumnValues]> {
    const { cluster, topic, topicId, partition } = this.place.source;
    const rows = this.#rows;
    const same = (value: string): ColumnValues => new Array<ColumnValue>(rows.rows).fill(value);
    yield [1, same(topic)];
    yield [2, new Int32Array(rows.rows).fill(partition)];
    yield [3, rows.offsets()];
    yield [4, rows.timestamps()];
    yield [5, rows.schemaIds()];
    yield [6, rows.keys()];
    yield [valueId, rows.values()];
    yield [8, rows.headers()];
    yield [12, same(topicId)];
    yield [13, same(cluster)];
  }
}

function sizeOf({ key, value, headers }: SourceRecord): number {
  let bytes = rowBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers ?? []) bytes += 64 + header.key.length + (header.value?.length ?? 0);
  return bytes;
}
