import { type DataFile, decodeInteger, firstPartitionFieldId } from '../../archive/index.ts';

/** A data file of an archiver, by what its manifest says: rows of one partition of one life of the topic in one cluster, of one day. */
export interface ArchivedFile {
  readonly file: DataFile;
  /** Null: its manifest does not say all of it. */
  readonly cluster: string | null;
  readonly topicId: string;
  readonly partition: number;
  /** Null: its records have no timestamp. */
  readonly day: number | null;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** Null: another writer made it, and its rows may be of several partitions. */
export function archivedFile(file: DataFile): ArchivedFile | null {
  const topicId = constantText(file, 12);
  const partition = bound(file, 2);
  const offset = bound(file, 3);
  const day = file.partition.get(firstPartitionFieldId);
  if (topicId === null || partition === null || offset === null) return null;
  if (partition.lower !== partition.upper || (day !== null && typeof day !== 'number')) return null;
  return {
    file,
    cluster: constantText(file, 13),
    topicId,
    partition: Number(partition.lower),
    day,
    firstOffset: offset.lower,
    lastOffset: offset.upper,
  };
}

function bound(file: DataFile, id: number): { readonly lower: bigint; readonly upper: bigint } | null {
  const [lower, upper] = [file.lower?.get(id), file.upper?.get(id)];
  const [from, to] = [lower && decodeInteger(lower), upper && decodeInteger(upper)];
  return typeof from === 'bigint' && typeof to === 'bigint' ? { lower: from, upper: to } : null;
}

function constantText(file: DataFile, id: number): string | null {
  const [lower, upper] = [file.lower?.get(id), file.upper?.get(id)];
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return null;
  return Buffer.from(lower).toString();
}
