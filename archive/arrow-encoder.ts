import { makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import { arrowData, arrowField } from './arrow-columns.ts';
import type { Column } from './columns.ts';
import type { ExportRow, TableEncoder, TableNotes } from './table-encoder.ts';

/** Arrow's mark of the end of a stream: an empty message. */
const endOfStream = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/**
 * Arrow IPC as a stream: a batch a page, so a page is what memory holds. Not compressed: apache-arrow 21 writes the length of
 * the compressed bytes where the format has that of the plain ones, and PyArrow refuses to read it.
 */
export function arrowStreamEncoder(): TableEncoder {
  return {
    mime: 'application/vnd.apache.arrow.stream',
    encode: encoded,
  };
}

async function* encoded(
  columns: readonly Column[],
  pages: AsyncIterable<readonly ExportRow[]>,
  about: TableNotes = {},
): AsyncGenerator<Uint8Array> {
  const schema = new Schema(columns.map(arrowField), new Map(Object.entries(about)));
  const head = messages(schema, null);
  yield head;
  for await (const page of pages) {
    if (page.length === 0) continue;
    // Each writer begins with the same schema, which only the stream's beginning has.
    yield messages(schema, batchOf(schema, columns, page)).subarray(head.length);
  }
  yield endOfStream;
}

function batchOf(schema: Schema, columns: readonly Column[], page: readonly ExportRow[]): RecordBatch {
  const children = columns.map((column, index) =>
    arrowData(
      column,
      page.map((row) => row[index] ?? null),
    ),
  );
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: page.length, nullCount: 0, children }));
}

/** A schema's message, and a batch's; without the end of a stream. */
function messages(schema: Schema, batch: RecordBatch | null): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  if (batch !== null) writer.write(batch);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  return bytes.subarray(0, bytes.length - endOfStream.length);
}
