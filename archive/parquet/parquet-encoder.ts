import type { Column, ColumnBatch } from '../columns.ts';
import type { ExportRow, TableEncoder, TableNotes } from '../table-encoder.ts';
import type { ParquetLimits } from './parquet-sink.ts';
import { createParquet } from './parquet-writer.ts';
import { PartChannel } from './part-channel.ts';

/** A Parquet file as its bytes come; one row group is what memory holds. */
export function parquetEncoder(limits: ParquetLimits): TableEncoder {
  return {
    mime: 'application/vnd.apache.parquet',
    encode: (columns, pages, about = {}) => encoded(columns, pages, { limits, about }),
  };
}

interface Kept {
  readonly limits: ParquetLimits;
  readonly about: TableNotes;
}

async function* encoded(
  columns: readonly Column[],
  pages: AsyncIterable<readonly ExportRow[]>,
  kept: Kept,
): AsyncGenerator<Uint8Array> {
  const output = new PartChannel();
  const written = writeAll(columns, pages, kept, output);
  // Whoever reads gets the failure; and who stops reading is no failure.
  const told = written.then(
    () => output.end(),
    (error: unknown) => output.fail(error),
  );
  try {
    yield* output;
  } finally {
    output.fail(new Error('nobody reads the Parquet file any more'));
    await told;
  }
}

async function writeAll(
  columns: readonly Column[],
  pages: AsyncIterable<readonly ExportRow[]>,
  { limits, about }: Kept,
  output: PartChannel,
): Promise<void> {
  const store = {
    write: async (_key: string, parts: AsyncIterable<Uint8Array>): Promise<number> => {
      let bytes = 0;
      for await (const part of parts) {
        bytes += part.length;
        await output.push(part);
      }
      return bytes;
    },
  };
  const sink = createParquet({ store, key: '', columns, limits, about });
  try {
    for await (const page of pages) await sink.append(transposed(columns, page));
    await sink.finish();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

function transposed(columns: readonly Column[], page: readonly ExportRow[]): ColumnBatch {
  const values = columns.map(({ id }, index) => [id, page.map((row) => row[index] ?? null)] as const);
  return { rows: page.length, columns: new Map(values) };
}
