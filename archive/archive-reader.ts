import type { ArchivePlace, ArchiveRow } from './archive-row.ts';

/** Which rows are wanted. Times are of the records; a record without one lies in no range of time. */
export interface ArchiveFilter {
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  readonly partitions: readonly number[] | null;
  readonly fromOffset?: bigint;
}

export interface PlannedFile {
  readonly key: string;
  readonly bytes: number;
  readonly rows: number;
  readonly topicId: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  /** Of position deletes that apply to it. */
  readonly deletes: readonly { readonly key: string }[];
  /** Iceberg's data sequence number; 0 for formats that have none. */
  readonly sequence: bigint;
}

/** One port for Iceberg tables, Avro object container files and Arrow IPC. */
export interface ArchiveReader {
  /** Files that may hold rows the filter lets through, by partition and first offset. */
  files(filter: ArchiveFilter, signal?: AbortSignal): Promise<readonly PlannedFile[]>;
  /** Rows from that offset on, in the order of offsets, in batches of at most 2,000. */
  rows(
    file: PlannedFile,
    from: bigint,
    filter: ArchiveFilter,
    signal?: AbortSignal,
  ): AsyncIterable<ArchiveBatch>;
}

export interface ArchiveBatch {
  readonly rows: readonly ArchiveRow[];
  /** Rows read that the filter left out; they lie before the end of this batch. */
  readonly outside: number;
  /** Of the first row read. */
  readonly place: ArchivePlace;
}
