import type { Column, ColumnBatch, ColumnValue, ColumnValues } from '../columns.ts';

/** Values looked at to estimate the size of a column's. */
const sampledMax = 32;

export function sliced(batch: ColumnBatch, from: number, until: number): ColumnBatch {
  if (from === 0 && until === batch.rows) return batch;
  const columns = new Map<number, ColumnValues>();
  for (const [id, values] of batch.columns)
    columns.set(id, ArrayBuffer.isView(values) ? values.subarray(from, until) : values.slice(from, until));
  return { rows: until - from, columns };
}

/** One batch of several, with these columns. */
export function joined(batches: readonly ColumnBatch[], columns: readonly Column[]): ColumnBatch {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const together = columns.map(
    ({ id }) => [id, joinedValues(batches.map((batch) => batch.columns.get(id) ?? []))] as const,
  );
  return { rows, columns: new Map(together) };
}

/** One column's, of several pieces. */
export function joinedValues(parts: readonly ColumnValues[]): ColumnValues {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  if (parts.length > 0 && parts.every((part) => part instanceof BigInt64Array)) {
    const longs = new BigInt64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      longs.set(part, at);
      at += part.length;
    }
    return longs;
  }
  const all: ColumnValue[] = [];
  for (const part of parts) for (const value of part) all.push(value);
  return all;
}

/** An estimate of what these values take in memory and, before compression, in a file. */
export function columnBytes(values: ColumnValues): number {
  if (ArrayBuffer.isView(values)) return values.byteLength;
  const step = Math.max(1, Math.floor(values.length / sampledMax));
  let sampled = 0;
  let bytes = 0;
  for (let at = 0; at < values.length; at += step) {
    bytes += valueBytes(values[at] ?? null);
    sampled += 1;
  }
  return sampled === 0 ? 0 : Math.ceil((bytes / sampled) * values.length);
}

export function columnNulls(values: ColumnValues): number {
  if (ArrayBuffer.isView(values)) return 0;
  let nulls = 0;
  for (const value of values) if (value === null) nulls += 1;
  return nulls;
}

function valueBytes(value: ColumnValue): number {
  if (value === null) return 1;
  if (typeof value === 'string') return value.length + 4;
  if (typeof value !== 'object') return 8;
  if (value instanceof Uint8Array) return value.length + 4;
  let bytes = 4;
  for (const inner of Object.values(value)) bytes += valueBytes(inner);
  return bytes;
}
