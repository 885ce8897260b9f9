import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OutageError } from '../foundation/index.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows in a file of their own, for a database that has no view of itself at one moment. */
export interface SpooledRows extends AsyncDisposable {
  rows(): AsyncGenerator<Row>;
}

/**
 * Reads all of them now; the caller removes the file by disposing of the answer.
 *
 * @throws {OutageError} SNAPSHOT_SPOOL_FAILED when the folder for temporary files does not take them; whatever reading the rows throws.
 */
export async function spoolRows(rows: AsyncIterable<Row>): Promise<SpooledRows> {
  const parent = tmpdir();
  const folder = await mkdtemp(join(parent, 'journey-graph-snapshot-')).catch((cause: unknown) => {
    throw spoolFailed(parent, cause);
  });
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'rows');
  const read = new WatchedRows(rows);
  try {
    await pipeline(Readable.from(framesOf(read.all())), createWriteStream(file));
    return { rows: () => rowsIn(file), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw read.failed(error) ? error : spoolFailed(parent, error);
  }
}

/** Tells what reading the rows threw from what writing them did. */
class WatchedRows {
  readonly #rows: AsyncIterable<Row>;
  readonly #thrown = new Set<unknown>();

  constructor(rows: AsyncIterable<Row>) {
    this.#rows = rows;
  }

  async *all(): AsyncGenerator<Row> {
    try {
      yield* this.#rows;
    } catch (error) {
      this.#thrown.add(error);
      throw error;
    }
  }

  failed(error: unknown): boolean {
    return this.#thrown.has(error);
  }
}

function spoolFailed(folder: string, cause: unknown): OutageError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OutageError(
    'SNAPSHOT_SPOOL_FAILED',
    `The rows of a snapshot cannot be kept in ${folder} meanwhile (${why}); free some space there, or name another folder by TMPDIR, then ask again.`,
    { cause },
  );
}

async function* framesOf(rows: AsyncIterable<Row>): AsyncGenerator<Buffer> {
  for await (const [key, value] of rows) {
    const lengths = Buffer.allocUnsafe(8);
    lengths.writeUInt32BE(key.length);
    lengths.writeUInt32BE(value.length, 4);
    yield Buffer.concat([lengths, key, value]);
  }
}

async function* rowsIn(file: string): AsyncGenerator<Row> {
  let rest = Buffer.alloc(0);
  const chunks: AsyncIterable<Buffer> = createReadStream(file);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 8) {
      const keyEnd = at + 8 + bytes.readUInt32BE(at);
      const end = keyEnd + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      yield [bytes.subarray(at + 8, keyEnd), bytes.subarray(keyEnd, end)];
      at = end;
    }
    rest = bytes.subarray(at);
  }
}
