import type { ArchiveFilter } from '../archive-reader.ts';
import type { ArchiveHeader, ArchiveRow } from '../archive-row.ts';
import type { Column, ColumnBatch, ColumnValue, ColumnValues } from '../columns.ts';
import type { RecordColumns } from './raw-columns.ts';

const microsecondsOfMillisecond = 1_000;
/** As Kafka says that a record has none. */
const noTimestampMs = -1;
const noHeaders: readonly ArchiveHeader[] = [];

/** The columns of some rows, as records of a topic. */
export class RecordBatch {
  readonly #offsets: ColumnValues;
  readonly #partitions: ColumnValues | null;
  readonly #timestamps: ColumnValues | null;
  readonly #schemaIds: ColumnValues | null;
  readonly #keys: ColumnValues | null;
  readonly #values: ColumnValues | null;
  readonly #headers: ColumnValues | null;

  constructor(batch: ColumnBatch, columns: RecordColumns) {
    const of = (column: Column | null): ColumnValues | null =>
      column === null ? null : (batch.columns.get(column.id) ?? null);
    this.#offsets = of(columns.offset) ?? [];
    this.#partitions = of(columns.partition);
    this.#timestamps = of(columns.timestamp);
    this.#schemaIds = of(columns.schemaId);
    this.#keys = of(columns.key);
    this.#values = of(columns.value);
    this.#headers = of(columns.headers);
  }

  offset(row: number): bigint {
    return whole(this.#offsets[row]) ?? 0n;
  }

  /** Null: the column was not read, because all rows have the same. */
  partition(row: number): number | null {
    const value = whole(this.#partitions?.[row]);
    return value === null ? null : Number(value);
  }

  isWithin(row: number, filter: ArchiveFilter): boolean {
    if (filter.fromOffset !== undefined && this.offset(row) < filter.fromOffset) return false;
    if (filter.fromMs === null && filter.untilMs === null) return true;
    const timestampMs = this.#timestampMs(row);
    if (timestampMs === noTimestampMs) return false;
    if (filter.fromMs !== null && timestampMs < filter.fromMs) return false;
    return filter.untilMs === null || timestampMs < filter.untilMs;
  }

  row(row: number): ArchiveRow {
    const schemaId = this.#schemaIds?.[row];
    return {
      offset: this.offset(row),
      timestampMs: this.#timestampMs(row),
      schemaId: typeof schemaId === 'number' || typeof schemaId === 'bigint' ? Number(schemaId) : null,
      key: bytes(this.#keys?.[row]),
      value: bytes(this.#values?.[row]),
      headers: headers(this.#headers?.[row]),
    };
  }

  #timestampMs(row: number): number {
    const micros = this.#timestamps?.[row];
    if (typeof micros !== 'bigint' && typeof micros !== 'number') return noTimestampMs;
    const number = Number(micros);
    // The error of the quotient of a safe integer is less than a thousandth, so it never reaches the next whole one.
    if (Number.isSafeInteger(number)) return Math.floor(number / microsecondsOfMillisecond);
    return Number(floorMillis(BigInt(micros)));
  }
}

function floorMillis(micros: bigint): bigint {
  const unit = BigInt(microsecondsOfMillisecond);
  return micros < 0n && micros % unit !== 0n ? micros / unit - 1n : micros / unit;
}

function whole(value: ColumnValue | undefined): bigint | null {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' ? BigInt(value) : null;
}

/** Other writers may have texts for keys and values. */
function bytes(value: ColumnValue | undefined): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'string' ? Buffer.from(value) : null;
}

function headers(value: ColumnValue | undefined): readonly ArchiveHeader[] {
  if (!Array.isArray(value)) return noHeaders;
  const found: ArchiveHeader[] = [];
  for (const each of value) {
    if (typeof each !== 'object' || each === null || !('key' in each)) continue;
    const key: unknown = each.key;
    const of: unknown = each.value;
    found.push({ key: String(key), value: of instanceof Uint8Array ? of : null });
  }
  return found;
}
