import { type DataType, type RecordBatch, TimeUnit, Type, Vector } from 'apache-arrow';
import type { ArchiveHeader, ArchiveRow } from './archive-row.ts';

/** Reads rows of the archive out of a batch whose columns are named as an archive's are. */
export interface ArrowRows {
  readonly rows: number;
  /** The partition in the batch's first row; null when it has no such column. */
  readonly partition: number | null;
  /** `at` is the row's place in the file, its offset where no column says one. */
  row(index: number, at: number): ArchiveRow;
}

/** Null when the batch has no column `value` of bytes. */
export function arrowRows(batch: RecordBatch): ArrowRows | null {
  const column = (name: string): Vector | null => batch.getChild(name);
  const value = column('value');
  if (value === null || !isBytes(value.type)) return null;
  const [key, offset, schemaId, headers] = [
    column('key'),
    column('offset'),
    column('schema_id'),
    column('headers'),
  ];
  const timeOf = timeReader(column('timestamp'));
  for (const bytes of [value, key]) if (bytes !== null) checkOffsets(bytes);
  const partition = column('partition');
  const partitionAt = (index: number): number | null =>
    partition === null ? null : Number(partition.get(index));
  const first = batch.numRows === 0 ? null : partitionAt(0);
  return {
    rows: batch.numRows,
    partition: first,
    row: (index, at) => {
      if (partitionAt(index) !== first)
        throw new Error(
          `row ${at} is of partition ${partitionAt(index)} and others are of ${first}: write a file each`,
        );
      return {
        offset: offset === null ? BigInt(at) : wholeOf(offset.get(index), 'offset', at),
        timestampMs: timeOf(index, at),
        schemaId: schemaId === null ? null : numberOrNull(schemaId.get(index)),
        key: key === null ? null : bytesOf(key.get(index), at),
        value: bytesOf(value.get(index), at),
        headers: headers === null ? [] : headersOf(headers.get(index), at),
      };
    },
  };
}

const byteTypes: readonly Type[] = [
  Type.Binary,
  Type.LargeBinary,
  Type.BinaryView,
  Type.FixedSizeBinary,
  Type.Dictionary,
];

function isBytes(type: DataType): boolean {
  return byteTypes.includes(type.typeId);
}

/** Hostile offsets would give parts of other values. */
function checkOffsets(vector: Vector): void {
  for (const data of vector.data) {
    const offsets: unknown = data.valueOffsets;
    if (!(offsets instanceof Int32Array) && !(offsets instanceof BigInt64Array)) continue;
    let before = 0;
    for (let index = 0; index <= data.length; index += 1) {
      const next = Number(offsets[index] ?? -1);
      if (next < before || next > data.values.length)
        throw new Error('a column has values outside of its bytes');
      before = next;
    }
  }
}

type TimeOf = (index: number, at: number) => number;

/** The library gives times as doubles of milliseconds; these are read as they lie there. */
function timeReader(vector: Vector | null): TimeOf {
  if (vector === null) return () => -1;
  const { type } = vector;
  if (type.typeId !== Type.Timestamp)
    return (index, at) => {
      const value: unknown = vector.get(index);
      return value === null ? -1 : Number(wholeOf(value, 'timestamp', at));
    };
  const [data] = vector.data;
  const values: unknown = data?.values;
  if (!(values instanceof BigInt64Array)) throw new Error('its times are no whole numbers');
  const unit: TimeUnit = type.unit;
  return (index) => {
    if (!vector.isValid(index)) return -1;
    const whole = values[index] ?? -1n;
    if (unit === TimeUnit.SECOND) return Number(whole * 1_000n);
    return Number(
      unit === TimeUnit.MILLISECOND ? whole : whole / (unit === TimeUnit.MICROSECOND ? 1_000n : 1_000_000n),
    );
  };
}

function wholeOf(value: unknown, name: string, at: number): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new Error(`row ${at} has no whole number in ${name}`);
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function bytesOf(value: unknown, at: number): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  throw new Error(`row ${at} has no bytes where some should be`);
}

function headersOf(value: unknown, at: number): readonly ArchiveHeader[] {
  if (value === null || value === undefined) return [];
  if (!(value instanceof Vector)) throw new Error(`row ${at} has headers that are no list`);
  const headers: ArchiveHeader[] = [];
  for (const header of value) {
    if (typeof header !== 'object' || header === null || !('key' in header) || !('value' in header))
      throw new Error(`row ${at} has a header without key and value`);
    headers.push({ key: String(header.key), value: bytesOf(header.value, at) });
  }
  return headers;
}
