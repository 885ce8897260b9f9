import { AssertionError } from 'node:assert';
import { compressionRegistry, RecordBatchReader } from 'apache-arrow';
import { BadDataError, JourneyGraphError } from '../foundation/index.ts';
import type { ArchiveBatch, ArchiveFilter, ArchiveReader, PlannedFile } from './archive-reader.ts';
import type { ArchiveRow } from './archive-row.ts';
import { registerArrowCodecs } from './arrow-codecs.ts';
import { type ArrowMessage, arrowMessages } from './arrow-messages.ts';
import { type ArrowRows, arrowRows } from './arrow-rows.ts';
import { type FoundRows, type ListedArchive, listFiles } from './listed-files.ts';
import { RowBatches } from './row-batches.ts';

export type ArrowReaderParts = ListedArchive;

const extensions = ['.arrow', '.arrows', '.feather', '.ipc'];
/** All of a file's dictionaries together, as they lie there. */
const dictionaryBytesMax = 268_435_456;

/**
 * Arrow IPC files and streams below a prefix whose columns are named as an archive's: `value` of bytes, and where they are
 * there `offset`, `timestamp`, `schema_id`, `key`, `headers` and `partition`. Without offsets a row's is its place in the file;
 * without partitions each file counts as one, numbered in the order of keys.
 */
export class ArrowReader implements ArchiveReader {
  readonly #parts: ArrowReaderParts;

  constructor(parts: ArrowReaderParts) {
    this.#parts = parts;
  }

  async files(filter: ArchiveFilter, signal?: AbortSignal): Promise<readonly PlannedFile[]> {
    const look = async (key: string, bytes: number, number: number): Promise<FoundRows> => {
      const { partition, ...seen } = await this.#look(key, bytes, signal);
      return { ...seen, partition: partition ?? number };
    };
    const isOurs = (key: string): boolean => extensions.some((extension) => key.endsWith(extension));
    return await listFiles(this.#parts, isOurs, look, filter, signal);
  }

  async *rows(
    file: PlannedFile,
    from: bigint,
    filter: ArchiveFilter,
    signal?: AbortSignal,
  ): AsyncGenerator<ArchiveBatch> {
    const batches = new RowBatches(file.key, filter);
    let before = -1n;
    for await (const { group, rowStart, rows } of this.#batches(file.key, file.bytes, signal)) {
      for (let index = 0; index < rows.rows; index += 1) {
        const row = this.#row(file.key, group, rows, index, rowStart + index);
        if (row.offset <= before)
          throw this.#damaged(file.key, group, `row ${rowStart + index} is not behind the one before it`);
        before = row.offset;
        if (row.offset < from) continue;
        const full = batches.add(row, { group, row: rowStart + index });
        if (full !== null) yield full;
      }
    }
    const rest = batches.rest();
    if (rest !== null) yield rest;
  }

  /** Counts by what messages say; of rows only the first and the last are looked at. */
  async #look(key: string, bytes: number, signal: AbortSignal | undefined): Promise<Seen> {
    let seen: Seen = { rows: 0, partition: null, firstOffset: 0n, lastOffset: -1n };
    for await (const { group, rowStart, rows } of this.#batches(key, bytes, signal)) {
      if (rows.rows === 0) continue;
      const last = rows.rows - 1;
      const [first, end] = [0, last].map(
        (index) => this.#row(key, group, rows, index, rowStart + index).offset,
      );
      const firstOffset = seen.rows === 0 ? (first ?? 0n) : seen.firstOffset;
      seen = { rows: rowStart + rows.rows, partition: rows.partition, firstOffset, lastOffset: end ?? 0n };
    }
    return seen;
  }

  async *#batches(key: string, bytes: number, signal: AbortSignal | undefined): AsyncGenerator<Group> {
    registerArrowCodecs(compressionRegistry);
    const { store } = this.#parts;
    const before: Uint8Array[] = [];
    let dictionaryBytes = 0;
    let group = 0;
    let rowStart = 0;
    const messages = arrowMessages(store, key, bytes, signal);
    try {
      for (;;) {
        const next = await this.#named(key, group, () => messages.next());
        if (next.done === true) break;
        const message = next.value;
        if (message.kind !== 'schema' && before.length === 0)
          throw this.#damaged(key, group, 'it does not begin with a schema');
        const whole = await this.#named(key, group, () => this.#whole(key, message, signal));
        if (message.kind !== 'batch') {
          dictionaryBytes += whole.length;
          if (dictionaryBytes > dictionaryBytesMax)
            throw this.#damaged(key, group, `its dictionaries have more than ${dictionaryBytesMax} bytes`);
          before.push(whole);
          continue;
        }
        const rows = await this.#named(key, group, async () => decoded([...before, whole], message.rows));
        if (rows === null)
          throw new BadDataError(
            'ARROW_SCHEMA_DIFFERS',
            `${store.location}/${key} has no column "value" of bytes.`,
          );
        yield { group, rowStart, rows };
        group += 1;
        rowStart += message.rows;
      }
    } finally {
      await messages.return(undefined);
    }
  }

  async #whole(key: string, message: ArrowMessage, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const end = message.bodyAt + message.bodyBytes;
    const body = await this.#parts.store.read(key, message.bodyAt, end, signal);
    if (body.length !== message.bodyBytes) throw new Error(`it ends before byte ${end}: it is cut`);
    return Buffer.concat([message.head, body]);
  }

  #row(key: string, group: number, rows: ArrowRows, index: number, at: number): ArchiveRow {
    try {
      return rows.row(index, at);
    } catch (error) {
      throw this.#damaged(key, group, error instanceof Error ? error.message : String(error), error);
    }
  }

  async #named<Value>(key: string, group: number, act: () => Promise<Value>): Promise<Value> {
    try {
      return await act();
    } catch (error) {
      const isOurs = error instanceof JourneyGraphError || error instanceof AssertionError;
      if (isOurs || !(error instanceof Error) || error.name === 'AbortError') throw error;
      throw this.#damaged(key, group, error.message.slice(0, 200), error);
    }
  }

  #damaged(key: string, group: number, why: string, cause?: unknown): BadDataError {
    const message = `${this.#parts.store.location}/${key}, batch ${group}: ${why}.`;
    return new BadDataError('ARROW_DAMAGED', message, { cause });
  }
}

interface Seen extends Omit<FoundRows, 'partition'> {
  readonly partition: number | null;
}

interface Group {
  readonly group: number;
  readonly rowStart: number;
  readonly rows: ArrowRows;
}

/** One batch as a stream of its own: the schema and the dictionaries so far, then the batch. */
function decoded(parts: readonly Uint8Array[], rows: number): ArrowRows | null {
  const reader = RecordBatchReader.from(Buffer.concat(parts));
  for (const batch of reader) {
    if (batch.numRows !== rows) throw new Error(`a batch has ${batch.numRows} rows, not ${rows}`);
    return arrowRows(batch);
  }
  throw new Error('a batch without a schema');
}
