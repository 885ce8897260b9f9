import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows in a file of their own, for a database that has no view of itself at one moment. */
export interface SpooledRows extends AsyncDisposable {
  rows(): AsyncGenerator<Row>;
}

/** Reads all of them now; the caller removes the file by disposing of the answer. */
export async function spoolRows(rows: AsyncIterable<Row>): Promise<SpooledRows> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-snapshot-'));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'rows');
  try {
    await pipeline(Readable.from(framesOf(rows)), createWriteStream(file));
    return { rows: () => rowsIn(file), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
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
