import type { AvroSchema } from '../schemas/index.ts';
import type { ArchiveBatch, ArchiveFilter, ArchiveReader, PlannedFile } from './archive-reader.ts';
import type { ArchiveHeader } from './archive-row.ts';
import { openContainer } from './avro-container.ts';
import { readContainerData } from './container-data.ts';
import { type FoundRows, type ListedArchive, listFiles } from './listed-files.ts';
import { objectChunks } from './object-chunks.ts';
import { RowBatches } from './row-batches.ts';

/** What a value needs in front of it, or beside it, to be decoded as if it came from Kafka. */
export interface Framing {
  readonly schemaId: number | null;
  readonly bytes: Uint8Array;
  readonly headers?: readonly ArchiveHeader[];
}

export interface ContainerReaderParts extends ListedArchive {
  /** Asked once for each file. */
  framing(writer: AvroSchema): Promise<Framing>;
  /**
   * When a value happened: containers have no time of their own. -1 when it does not say; null where only reading it shows what is wrong with it, so that no filter
   * leaves it out. A promise where something has to be asked for first.
   *
   * @throws {OutageError} when it cannot be told now: the file is read again.
   */
  timeMs(writer: AvroSchema, datum: Uint8Array): number | null | Promise<number | null>;
}

const rowsMax = 4_294_967_296;

/**
 * Avro object container files (`*.avro` below a prefix) whose values are events. Each file counts as a partition of its own,
 * numbered in the order of keys, its offsets from 0: a file that is added later must sort behind the others.
 */
export class ContainerReader implements ArchiveReader {
  readonly #parts: ContainerReaderParts;

  constructor(parts: ContainerReaderParts) {
    this.#parts = parts;
  }

  async files(filter: ArchiveFilter, signal?: AbortSignal): Promise<readonly PlannedFile[]> {
    const look = async (key: string, bytes: number, partition: number): Promise<FoundRows | null> => {
      if (filter.partitions?.includes(partition) === false) return null;
      const rows = await this.#count(key, bytes, signal);
      return { rows, partition, firstOffset: 0n, lastOffset: BigInt(rows - 1) };
    };
    return await listFiles(this.#parts, (key) => key.endsWith('.avro'), look, filter, signal);
  }

  async *rows(
    file: PlannedFile,
    from: bigint,
    filter: ArchiveFilter,
    signal?: AbortSignal,
  ): AsyncGenerator<ArchiveBatch> {
    const { store, framing, timeMs } = this.#parts;
    const name = `${store.location}/${file.key}`;
    const batches = new RowBatches(file.key, filter);
    let frame: Framing | null = null;
    const chunks = objectChunks(store, file.key, file.bytes, signal);
    for await (const { index, block, writer, bytes } of readContainerData(name, chunks, Number(from))) {
      frame ??= await framing(writer);
      const value = Buffer.concat([frame.bytes, bytes]);
      const told = timeMs(writer, bytes);
      const timestampMs = told instanceof Promise ? await told : told;
      const { schemaId, headers = [] } = frame;
      const row = {
        offset: BigInt(index),
        timestampMs: timestampMs ?? -1,
        schemaId,
        key: null,
        value,
        headers,
      };
      const full = batches.add(row, { group: block, row: index }, timestampMs === null);
      if (full !== null) yield full;
    }
    const rest = batches.rest();
    if (rest !== null) yield rest;
  }

  /** By the counts of its blocks; nothing is unfolded. */
  async #count(key: string, bytes: number, signal: AbortSignal | undefined): Promise<number> {
    const { store } = this.#parts;
    const container = await openContainer(
      `${store.location}/${key}`,
      objectChunks(store, key, bytes, signal),
    );
    let rows = 0;
    for await (const { count } of container.blocks()) rows = Math.min(rowsMax, rows + count);
    return rows;
  }
}
