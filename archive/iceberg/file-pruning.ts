import type { ArchiveFilter } from '../archive-reader.ts';
import type { Column } from '../columns.ts';
import { decodeInteger } from './bounds.ts';
import type { DataFile } from './data-file.ts';
import type { ManifestFile } from './manifest-list.ts';
import { partitionDay } from './partition-day.ts';
import type { PartitionSpec } from './partition-spec.ts';
import type { RecordColumns } from './raw-columns.ts';

export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/** Which files cannot hold a row that a filter lets through. A file that does not say what it holds may hold anything. */
export class FilePruning {
  readonly #filter: ArchiveFilter;
  readonly #columns: RecordColumns;
  readonly #specs: ReadonlyMap<number, PartitionSpec>;
  readonly #fromDay: number;
  readonly #untilDay: number;

  constructor(filter: ArchiveFilter, columns: RecordColumns, specs: readonly PartitionSpec[]) {
    this.#filter = filter;
    this.#columns = columns;
    this.#specs = new Map(specs.map((spec) => [spec.id, spec]));
    this.#fromDay = filter.fromMs === null ? Number.NEGATIVE_INFINITY : (partitionDay(filter.fromMs) ?? 0);
    this.#untilDay =
      filter.untilMs === null ? Number.POSITIVE_INFINITY : Math.floor((filter.untilMs - 1) / 86_400_000);
  }

  mayHoldManifest(manifest: ManifestFile): boolean {
    const place = this.#dayField(manifest.specId)?.index;
    const summary = place === undefined ? undefined : manifest.partitions?.[place];
    if (summary === undefined || !this.#hasTime()) return true;
    // A record without a time lies in no range of time.
    if (summary.lower === null || summary.upper === null) return !summary.containsNull;
    return this.#holdsDay(decodeInteger(summary.lower), decodeInteger(summary.upper));
  }

  mayHoldFile(file: DataFile): boolean {
    return this.#mayHoldDay(file) && this.#mayHoldTime(file) && this.#mayHoldPlace(file);
  }

  #mayHoldDay(file: DataFile): boolean {
    const field = this.#dayField(file.specId);
    const day = field === null ? undefined : file.partition.get(field.id);
    if (day === undefined || !this.#hasTime()) return true;
    if (day === null) return false;
    if (typeof day !== 'number') return true;
    return this.#holdsDay(BigInt(day), BigInt(day));
  }

  #mayHoldTime(file: DataFile): boolean {
    const { timestamp } = this.#columns;
    const isTime = timestamp?.type.kind === 'timestamptz' || timestamp?.type.kind === 'timestamp';
    const range = timestamp !== null && isTime ? fileRange(file, timestamp) : null;
    return range === null || mayHoldMicros(range, this.#filter);
  }

  #mayHoldPlace(file: DataFile): boolean {
    const { partitions, fromOffset } = this.#filter;
    const offsets = fileRange(file, this.#columns.offset);
    if (fromOffset !== undefined && offsets !== null && offsets.max < fromOffset) return false;
    const range = fileRange(file, this.#columns.partition);
    if (partitions === null || range === null) return true;
    return partitions.some((partition) => range.min <= BigInt(partition) && BigInt(partition) <= range.max);
  }

  #holdsDay(first: bigint | null, last: bigint | null): boolean {
    if (first === null || last === null) return true;
    return Number(last) >= this.#fromDay && Number(first) <= this.#untilDay;
  }

  #hasTime(): boolean {
    return this.#filter.fromMs !== null || this.#filter.untilMs !== null;
  }

  #dayField(specId: number): { readonly id: number; readonly index: number } | null {
    const fields = this.#specs.get(specId)?.fields ?? [];
    const { timestamp } = this.#columns;
    const index = fields.findIndex((field) => field.sourceId === timestamp?.id && field.transform === 'day');
    const field = fields[index];
    return field === undefined ? null : { id: field.id, index };
  }
}

/** Of a column of whole numbers or times; null: the manifest does not say. */
export function fileRange(file: DataFile, column: Column): Range | null {
  const lower = file.lower?.get(column.id);
  const upper = file.upper?.get(column.id);
  const min = lower === undefined ? null : decodeInteger(lower);
  const max = upper === undefined ? null : decodeInteger(upper);
  return min === null || max === null ? null : { min, max };
}

/** `range` in microseconds. */
export function mayHoldMicros(range: Range, filter: ArchiveFilter): boolean {
  if (filter.fromMs !== null && range.max < BigInt(filter.fromMs) * 1_000n) return false;
  return filter.untilMs === null || range.min < BigInt(filter.untilMs) * 1_000n;
}
