import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { assert } from '../../foundation/index.ts';
import type { Column, ColumnBatch } from '../columns.ts';
import type { ObjectStore } from '../object-store.ts';
import type { TableNotes } from '../table-encoder.ts';
import { zstdWithChecksum } from './codecs.ts';
import { columnBytes, columnNulls, joined, sliced } from './column-values.ts';
import { FileTotals } from './file-totals.ts';
import { seal, sealMetadata } from './footer-seal.ts';
import { leavesOf, parquetSchema } from './parquet-schema.ts';
import type { ParquetLimits, ParquetSink, WrittenFile } from './parquet-sink.ts';
import { PartChannel } from './part-channel.ts';

export interface ParquetTarget {
  readonly store: Pick<ObjectStore, 'write'>;
  readonly key: string;
  readonly columns: readonly Column[];
  readonly limits: ParquetLimits;
  /** Ids of columns whose values hardly ever repeat, so that no dictionary of them is tried. */
  readonly unique?: ReadonlySet<number>;
  /** Beside the columns, for whoever reads the file. */
  readonly about?: TableNotes;
}

export function createParquet(target: ParquetTarget): ParquetSink {
  return new ParquetFileSink(target);
}

/** Rows wait in memory until they fill a row group; a group goes to the store at once, so one group is what memory holds. */
class ParquetFileSink implements ParquetSink {
  readonly #target: ParquetTarget;
  readonly #channel = new PartChannel();
  readonly #output: ChannelWriter;
  readonly #writer: ParquetWriter;
  readonly #totals: FileTotals;
  #written: Promise<number> | null = null;
  #waiting: ColumnBatch[] = [];
  #waitingRows = 0;
  #waitingBytes = 0;
  #rows = 0;
  #isOver = false;

  constructor(target: ParquetTarget) {
    this.#target = target;
    this.#output = new ChannelWriter(this.#channel);
    this.#writer = new ParquetWriter({
      writer: this.#output,
      schema: parquetSchema(target.columns),
      codec: 'ZSTD',
      compressors: { ZSTD: zstdWithChecksum },
      createdBy: 'journey-graph',
      kvMetadata: [...aboutOf(target.about), ...sealMetadata],
    });
    this.#totals = new FileTotals(target.columns);
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#output.offset + this.#waitingBytes;
  }

  async append(batch: ColumnBatch): Promise<void> {
    assert(!this.#isOver, 'a Parquet file that was ended takes no more rows');
    const { rowGroupRows, rowGroupBytes } = this.#target.limits;
    for (let from = 0; from < batch.rows; ) {
      const until = Math.min(batch.rows, from + rowGroupRows - this.#waitingRows);
      const part = sliced(batch, from, until);
      this.#waiting.push(part);
      this.#waitingRows += part.rows;
      for (const column of this.#target.columns)
        this.#waitingBytes += columnBytes(part.columns.get(column.id) ?? []);
      from = until;
      if (this.#waitingRows >= rowGroupRows || this.#waitingBytes >= rowGroupBytes) await this.#writeGroup();
    }
    this.#rows += batch.rows;
  }

  async endGroup(): Promise<void> {
    assert(!this.#isOver, 'a Parquet file that was ended has no row group to close');
    if (this.#waitingRows > 0) await this.#writeGroup();
  }

  async finish(): Promise<WrittenFile> {
    assert(!this.#isOver, 'a Parquet file is ended once');
    if (this.#waitingRows > 0) await this.#writeGroup();
    this.#isOver = true;
    this.#start();
    const groups = this.#writer.row_groups;
    await this.#writer.finish();
    this.#channel.end();
    const bytes = await this.#written;
    assert(
      bytes !== null && bytes === this.#output.offset,
      'the store wrote as many bytes as were handed to it',
    );
    return { key: this.#target.key, bytes, rows: this.#rows, ...this.#totals.of(groups) };
  }

  async abort(): Promise<void> {
    this.#isOver = true;
    this.#waiting = [];
    const aborted = new Error('the Parquet file is given up');
    this.#channel.fail(aborted);
    // What the store failed with before, the writer was told when it wrote.
    await Promise.allSettled([this.#written]);
  }

  async #writeGroup(): Promise<void> {
    const { columns, unique } = this.#target;
    this.#start();
    const batch = joined(this.#waiting, columns);
    this.#waiting = [];
    this.#waitingRows = 0;
    this.#waitingBytes = 0;
    for (const { id } of columns) this.#totals.addNulls(id, columnNulls(batch.columns.get(id) ?? []));
    await this.#writer.write({
      columnData: columns.map((column) => ({
        name: column.name,
        data: writable(batch, column),
        // Comparing each value with the least and the greatest would cost more than any reader gains by it.
        statistics: column.type.kind !== 'binary',
        ...(isPlain(column) || unique?.has(column.id) === true ? { encoding: 'PLAIN' as const } : {}),
      })),
      rowGroupSize: batch.rows,
    });
  }

  #start(): void {
    if (this.#written !== null) return;
    this.#written = this.#target.store.write(this.#target.key, this.#channel);
    this.#written.catch((error: unknown) => this.#channel.fail(error));
  }
}

function aboutOf(about: TableNotes = {}): readonly { readonly key: string; readonly value: string }[] {
  return Object.entries(about).map(([key, value]) => ({ key, value }));
}

/** hyparquet-writer's types want arrays that could be changed. */
type Writable = Parameters<ParquetWriter['write']>[0]['columnData'][number]['data'];

function writable(batch: ColumnBatch, column: Column): Writable {
  const values = batch.columns.get(column.id);
  assert(
    values !== undefined && values.length === batch.rows,
    `column ${column.name} has a value for each row`,
  );
  if (ArrayBuffer.isView(values)) return values;
  assert(Array.isArray(values), 'values are an array');
  return values;
}

/**
 * Spark's readers take no other encoding of booleans and no dictionary of UUIDs; a dictionary makes one of 0 and -0.
 */
function isPlain(column: Column): boolean {
  return leavesOf(column).some(({ column: { type } }) =>
    ['boolean', 'float', 'double', 'uuid', 'fixed'].includes(type.kind),
  );
}

class ChannelWriter extends ByteWriter {
  readonly #channel: PartChannel;

  constructor(channel: PartChannel) {
    super(65_536);
    this.#channel = channel;
  }

  async flush(): Promise<void> {
    const part = this.getBytes().slice();
    this.index = 0;
    if (part.length > 0) await this.#channel.push(part);
  }

  override async finish(): Promise<void> {
    const bytes = this.getBytes();
    const tail = bytes.length - 8;
    seal(bytes.subarray(tail - this.view.getUint32(tail, true)));
    await this.flush();
  }
}
