import type {
  ArchiveFilter,
  ArchiveHeader,
  ArchivePlace,
  ArchiveReader,
  ArchiveRow,
  PlannedFile,
} from '../../archive/index.ts';
import { must } from '../../foundation/index.ts';
import type { SourceRecord } from '../event-source.ts';
import { conflict } from './archive-fault.ts';
import { FileCursor } from './file-cursor.ts';

export interface MergedBatch {
  readonly records: readonly SourceRecord[];
  /** One past the last offset that it covers. */
  readonly next: bigint;
  /** Rows taken, duplicates included. */
  readonly read: number;
  readonly duplicates: number;
  /** Rows that the filter left out; some may lie behind `next`. */
  readonly outside: number;
  /** Of its first row. */
  readonly place: ArchivePlace | null;
}

interface Taken {
  readonly records: SourceRecord[];
  bytes: number;
  read: number;
  duplicates: number;
}

/** What a record costs beside its bytes. */
const recordBytes = 64;

/**
 * All files of one partition as one sequence of offsets. A file is opened when the sequence comes to it, so at most as many are
 * open as share offsets, which the planner bounds.
 *
 * Rows of one offset are taken together, whatever the files: equal ones collapse into one, others are a conflict. So a batch
 * never ends between two of them, and what is counted up to its end is the same wherever the reading began.
 */
export class MergedRows {
  readonly #reader: ArchiveReader;
  readonly #filter: ArchiveFilter;
  readonly #from: bigint;
  readonly #end: bigint;
  readonly #signal: AbortSignal;
  readonly #bytesMax: number;
  #open: FileCursor[] = [];
  /** By first offset, last first. */
  readonly #later: PlannedFile[];
  #outsideOfClosed = 0;
  #ended = false;

  constructor(
    files: readonly PlannedFile[],
    from: bigint,
    filter: ArchiveFilter,
    reader: ArchiveReader,
    signal: AbortSignal,
    bytesMax: number,
  ) {
    this.#reader = reader;
    this.#filter = filter;
    this.#from = from;
    this.#signal = signal;
    this.#bytesMax = bytesMax;
    this.#end = endOf(files);
    this.#later = files.filter(({ lastOffset }) => lastOffset >= from).reverse();
  }

  /** Null when all has been given; no row at `until` or behind it. The last batch reaches to the end, whether or not there are rows. */
  async next(rowsMax: number, until: bigint | null = null): Promise<MergedBatch | null> {
    if (this.#ended) return null;
    const taken: Taken = { records: [], bytes: 0, read: 0, duplicates: 0 };
    let place: ArchivePlace | null = null;
    let next: bigint | null = null;
    while (taken.records.length < rowsMax && taken.bytes < this.#bytesMax) {
      const first = await this.#first();
      if (first === null) {
        this.#ended = true;
        next = this.#end;
        break;
      }
      if (until !== null && offsetOf(first) >= until) {
        next = until;
        break;
      }
      place ??= first.place;
      if (this.#open.length === 1) await this.#takeAlone(first, taken, rowsMax, until);
      else await this.#takeOne(first, taken);
    }
    const { records, read, duplicates } = taken;
    next ??= must(records.at(-1), 'it ends or has rows').offset + 1n;
    return { records, next, read, duplicates, outside: this.#takeOutside(), place };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(open.map((cursor) => cursor.close()));
  }

  /** The cursor of the least offset, with all files open that may have it. */
  async #first(): Promise<FileCursor | null> {
    for (;;) {
      let first: FileCursor | null = null;
      for (const cursor of this.#open)
        if (first === null || offsetOf(cursor) < offsetOf(first)) first = cursor;
      const file = this.#later.at(-1);
      if (file === undefined || (first !== null && file.firstOffset > offsetOf(first))) return first;
      this.#later.pop();
      const cursor = new FileCursor(file, this.#from, this.#filter, this.#reader, this.#signal);
      this.#open.push(cursor);
      await this.#load(cursor);
    }
  }

  /** As far as no other file comes in, which most of the time is all the way: nothing is awaited between two rows of a batch. */
  async #takeAlone(cursor: FileCursor, taken: Taken, rowsMax: number, limit: bigint | null): Promise<void> {
    const other = this.#later.at(-1)?.firstOffset ?? null;
    const until = limit === null || (other !== null && other < limit) ? other : limit;
    for (;;) {
      const row = must(cursor.row, 'an open file has a row');
      if (until !== null && row.offset >= until) return;
      if (taken.records.length >= rowsMax || taken.bytes >= this.#bytesMax) return;
      add(taken, row);
      if (!cursor.advance() && !(await this.#load(cursor))) return;
      if (
        cursor.row?.offset === row.offset &&
        !(await this.#takeSame(cursor, row, cursor.placeBefore, taken))
      )
        return;
    }
  }

  /** One offset, of all files that have it. */
  async #takeOne(first: FileCursor, taken: Taken): Promise<void> {
    const row = must(first.row, 'an open file has a row');
    const { place } = first;
    add(taken, row);
    if (first.advance() || (await this.#load(first))) await this.#takeSame(first, row, place, taken);
    for (const cursor of [...this.#open])
      if (cursor !== first) await this.#takeSame(cursor, row, place, taken);
  }

  /** Steps over rows of the offset that was taken. False when the file has ended. */
  async #takeSame(cursor: FileCursor, row: ArchiveRow, place: ArchivePlace, taken: Taken): Promise<boolean> {
    while (cursor.row?.offset === row.offset) {
      if (!isSame(row, cursor.row)) throw conflict(cursor.file.partition, row.offset, place, cursor.place);
      taken.read += 1;
      taken.duplicates += 1;
      if (!cursor.advance() && !(await this.#load(cursor))) return false;
    }
    return true;
  }

  async #load(cursor: FileCursor): Promise<boolean> {
    if (await cursor.load()) return true;
    this.#outsideOfClosed += cursor.takeOutside();
    this.#open = this.#open.filter((one) => one !== cursor);
    return false;
  }

  #takeOutside(): number {
    const closed = this.#outsideOfClosed;
    this.#outsideOfClosed = 0;
    return this.#open.reduce((sum, cursor) => sum + cursor.takeOutside(), closed);
  }
}

/** One past the last offset of any of them. */
export function endOf(files: readonly PlannedFile[]): bigint {
  return files.reduce((end, { lastOffset }) => (lastOffset >= end ? lastOffset + 1n : end), 0n);
}

function offsetOf(cursor: FileCursor): bigint {
  return must(cursor.row, 'an open file has a row').offset;
}

function add(taken: Taken, row: ArchiveRow): void {
  const { offset, timestampMs, key, value, headers } = row;
  taken.records.push({ offset, timestampMs, key, value, headers: headers.length === 0 ? null : headers });
  taken.bytes += recordBytes + (key?.length ?? 0) + (value?.length ?? 0);
  taken.read += 1;
}

/** Whether they were one record: what a record means is in its value, its key and its headers. */
function isSame(a: ArchiveRow, b: ArchiveRow): boolean {
  return (
    areSame(a.value, b.value) &&
    areSame(a.key, b.key) &&
    a.headers.length === b.headers.length &&
    a.headers.every((header, i) => isSameHeader(header, b.headers[i]))
  );
}

function isSameHeader(a: ArchiveHeader, b: ArchiveHeader | undefined): boolean {
  return b !== undefined && a.key === b.key && areSame(a.value, b.value);
}

function areSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(a, b) === 0;
}
