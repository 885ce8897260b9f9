import type { WrittenFile } from '../parquet/parquet-sink.ts';
import { encodeInt, encodeLong } from './bounds.ts';
import { firstPartitionFieldId, type PartitionValues } from './partition-spec.ts';

export type FileContent = 'data' | 'position-deletes' | 'equality-deletes';

/** A data or delete file as a manifest has it. */
export interface DataFile {
  readonly content: FileContent;
  /** As other readers find it: a URI. */
  readonly path: string;
  /** `PARQUET`, `AVRO` or `ORC`. */
  readonly format: string;
  readonly specId: number;
  readonly partition: PartitionValues;
  readonly rows: number;
  readonly bytes: number;
  /** By field id; null: the writer did not say. */
  readonly columnBytes: Counts | null;
  readonly valueCounts: Counts | null;
  readonly nullCounts: Counts | null;
  readonly nanCounts: Counts | null;
  readonly lower: Bounds | null;
  readonly upper: Bounds | null;
  readonly splitOffsets: readonly bigint[] | null;
  readonly equalityIds: readonly number[] | null;
  readonly keyMetadata: Uint8Array | null;
  readonly sortOrderId: number | null;
}

export type Counts = ReadonlyMap<number, bigint>;
export type Bounds = ReadonlyMap<number, Uint8Array>;

/** The same for all rows of a file, so that a plan knows it without opening the file; by field id. */
export type Constants = ReadonlyMap<number, string | number | bigint>;

/**
 * What a manifest says of a file our sink wrote for one day. `uri` is the file's for other readers. Constants become bounds that
 * are not cut short: a topic id of 22 characters has to come out whole.
 */
export function dataFileOf(
  written: WrittenFile,
  uri: string,
  day: number | null,
  constants: Constants,
): DataFile {
  const lower = new Map([...written.bounds].map(([id, bound]) => [id, bound.min]));
  const upper = new Map([...written.bounds].map(([id, bound]) => [id, bound.max]));
  for (const [id, value] of constants) {
    lower.set(id, single(value));
    upper.set(id, single(value));
  }
  return {
    content: 'data',
    path: uri,
    format: 'PARQUET',
    specId: 0,
    partition: new Map([[firstPartitionFieldId, day]]),
    rows: written.rows,
    bytes: written.bytes,
    columnBytes: counts(written.columnBytes),
    valueCounts: counts(written.values),
    nullCounts: counts(written.nulls),
    nanCounts: null,
    lower,
    upper,
    splitOffsets: written.splitOffsets,
    equalityIds: null,
    keyMetadata: null,
    sortOrderId: 0,
  };
}

function single(value: string | number | bigint): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  return typeof value === 'number' ? encodeInt(value) : encodeLong(value);
}

function counts(values: ReadonlyMap<number, number>): Counts {
  return new Map([...values].map(([id, count]) => [id, BigInt(count)]));
}
