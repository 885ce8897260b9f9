import type { ColumnValue, ColumnValues } from '../../archive/index.ts';
import type { SourceRecord } from '../event-source.ts';

/** Beyond it there is no date, and no day to file a record under; what is negative but for -1 has one. */
const timestampMsMax = 8_640_000_000_000_000;
const millisecond = 1_000n;
const rowsFirst = 256;
const bytesFirst = 16_384;
const noId = -1;

export function hasDay(timestampMs: number): boolean {
  return timestampMs !== -1 && Math.abs(timestampMs) <= timestampMsMax;
}

/**
 * Records that wait for their row group, packed: what they came in goes away at once, which spares the collector most of its work,
 * and the bytes of a batch are not held because of one record. Used again for the next group.
 */
export class RowBuffer {
  readonly #keys = new PackedBytes();
  readonly #values = new PackedBytes();
  #offsets = new BigInt64Array(rowsFirst);
  #timestampsMs = new Float64Array(rowsFirst);
  #schemaIds = new Int32Array(rowsFirst);
  #headers: ColumnValue[] = [];
  #rows = 0;
  #isTimed = true;
  #isFramed = true;

  get rows(): number {
    return this.#rows;
  }

  add({ offset, timestampMs, key, value, headers }: SourceRecord, schemaId: number | null): void {
    const row = this.#rows;
    if (row === this.#offsets.length) this.#grow();
    this.#offsets[row] = offset;
    this.#timestampsMs[row] = timestampMs;
    this.#schemaIds[row] = schemaId ?? noId;
    this.#isTimed &&= hasDay(timestampMs);
    this.#isFramed &&= schemaId !== null;
    this.#keys.push(key);
    this.#values.push(value);
    this.#headers.push(headers === null ? [] : headers.map((each) => ({ key: each.key, value: each.value })));
    this.#rows += 1;
  }

  offsets(): ColumnValues {
    return this.#offsets.slice(0, this.#rows);
  }

  /** Microseconds. */
  timestamps(): ColumnValues {
    const all = this.#timestampsMs.subarray(0, this.#rows);
    if (this.#isTimed) return BigInt64Array.from(all, (ms) => BigInt(ms) * millisecond);
    return Array.from(all, (ms) => (hasDay(ms) ? BigInt(ms) * millisecond : null));
  }

  schemaIds(): ColumnValues {
    const all = this.#schemaIds.subarray(0, this.#rows);
    return this.#isFramed ? all.slice() : Array.from(all, (id) => (id === noId ? null : id));
  }

  /** Views of what the next group overwrites. */
  keys(): ColumnValues {
    return this.#keys.all();
  }

  /** As {@link keys}. */
  values(): ColumnValues {
    return this.#values.all();
  }

  headers(): ColumnValues {
    return this.#headers;
  }

  clear(): void {
    this.#rows = 0;
    this.#isTimed = true;
    this.#isFramed = true;
    this.#headers = [];
    this.#keys.clear();
    this.#values.clear();
  }

  #grow(): void {
    const rows = this.#rows * 2;
    this.#offsets = copied(this.#offsets, new BigInt64Array(rows));
    this.#timestampsMs = copied(this.#timestampsMs, new Float64Array(rows));
    this.#schemaIds = copied(this.#schemaIds, new Int32Array(rows));
  }
}

/** Values of one column behind each other; null ones have no bytes and are marked. */
class PackedBytes {
  #bytes = Buffer.allocUnsafe(bytesFirst);
  #used = 0;
  #ends = new Float64Array(rowsFirst);
  #nulls = new Uint8Array(rowsFirst);
  #rows = 0;

  push(value: Uint8Array | null): void {
    if (this.#rows === this.#ends.length) {
      this.#ends = copied(this.#ends, new Float64Array(this.#rows * 2));
      this.#nulls = copied(this.#nulls, new Uint8Array(this.#rows * 2));
    }
    this.#nulls[this.#rows] = value === null ? 1 : 0;
    if (value !== null) {
      const end = this.#used + value.length;
      if (end > this.#bytes.length)
        this.#bytes = copied(this.#bytes, Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2)));
      this.#bytes.set(value, this.#used);
      this.#used = end;
    }
    this.#ends[this.#rows] = this.#used;
    this.#rows += 1;
  }

  all(): readonly (Uint8Array | null)[] {
    const values: (Uint8Array | null)[] = [];
    let start = 0;
    for (let row = 0; row < this.#rows; row += 1) {
      const end = this.#ends[row] ?? start;
      values.push(this.#nulls[row] === 1 ? null : this.#bytes.subarray(start, end));
      start = end;
    }
    return values;
  }

  clear(): void {
    this.#used = 0;
    this.#rows = 0;
  }
}

function copied<T extends { set(values: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
