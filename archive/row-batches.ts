import type { ArchiveBatch, ArchiveFilter } from './archive-reader.ts';
import type { ArchiveRow } from './archive-row.ts';

const rowsMax = 2_000;
const bytesMax = 8_388_608;

/** Gathers rows into batches of a bounded number and size, and counts those that the filter leaves out. */
export class RowBatches {
  readonly #file: string;
  readonly #filter: ArchiveFilter;
  #rows: ArchiveRow[] = [];
  #bytes = 0;
  #outside = 0;
  #begin: { readonly group: number; readonly row: number } | null = null;

  constructor(file: string, filter: ArchiveFilter) {
    this.#file = file;
    this.#filter = filter;
  }

  /** A batch when it is full with this row. `always`: whatever the filter says. */
  add(
    row: ArchiveRow,
    place: { readonly group: number; readonly row: number },
    always = false,
  ): ArchiveBatch | null {
    this.#begin ??= place;
    if (always || isWanted(row, this.#filter)) {
      this.#rows.push(row);
      this.#bytes += (row.key?.length ?? 0) + (row.value?.length ?? 0);
      for (const header of row.headers) this.#bytes += header.key.length + (header.value?.length ?? 0);
    } else this.#outside += 1;
    const isFull = this.#rows.length + this.#outside >= rowsMax || this.#bytes >= bytesMax;
    return isFull ? this.rest() : null;
  }

  /** What is left, if anything. */
  rest(): ArchiveBatch | null {
    if (this.#begin === null) return null;
    const place = { file: this.#file, ...this.#begin };
    const batch = { rows: this.#rows, outside: this.#outside, place };
    this.#rows = [];
    this.#bytes = 0;
    this.#outside = 0;
    this.#begin = null;
    return batch;
  }
}

/** A row without a time lies in no range of time. */
export function isWanted(row: ArchiveRow, { fromMs, untilMs }: ArchiveFilter): boolean {
  if (fromMs === null && untilMs === null) return true;
  if (row.timestampMs < 0) return false;
  return (fromMs === null || row.timestampMs >= fromMs) && (untilMs === null || row.timestampMs < untilMs);
}
