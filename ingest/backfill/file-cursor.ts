import type {
  ArchiveBatch,
  ArchiveFilter,
  ArchivePlace,
  ArchiveReader,
  ArchiveRow,
  PlannedFile,
} from '../../archive/index.ts';
import { must } from '../../foundation/index.ts';
import { outOfBounds, readFault, rowsDiffer, unordered } from './archive-fault.ts';

/** One file's rows in the order of their offsets, one looked at: `row` is it, null before the first `load` and behind the last row. */
export class FileCursor {
  readonly file: PlannedFile;
  readonly #from: bigint;
  readonly #filter: ArchiveFilter;
  readonly #batches: AsyncIterator<ArchiveBatch>;
  #rows: readonly ArchiveRow[] = [];
  #index = 0;
  #place: ArchivePlace | null = null;
  #placeBefore: ArchivePlace | null = null;
  #indexBefore = 0;
  #before: bigint;
  #passed = 0;
  #outside = 0;
  #outsideUntold = 0;
  row: ArchiveRow | null = null;

  constructor(
    file: PlannedFile,
    from: bigint,
    filter: ArchiveFilter,
    reader: ArchiveReader,
    signal: AbortSignal,
  ) {
    this.file = file;
    this.#from = from;
    this.#filter = filter;
    this.#before = file.firstOffset - 1n;
    this.#batches = reader.rows(file, from, filter, signal)[Symbol.asyncIterator]();
  }

  /** Of the row, as far as readers tell: the group is its own. */
  get place(): ArchivePlace {
    const place = must(this.#place, 'a row was read');
    return { ...place, row: place.row + this.#index };
  }

  /** Of the row that was stepped over last. */
  get placeBefore(): ArchivePlace {
    const place = must(this.#placeBefore, 'a row was stepped over');
    return { ...place, row: place.row + this.#indexBefore };
  }

  /** Rows that the filter left out since this was asked last. */
  takeOutside(): number {
    const untold = this.#outsideUntold;
    this.#outsideUntold = 0;
    return untold;
  }

  /** Goes on to the next row; false when there is none before the next `load`. */
  advance(): boolean {
    this.#placeBefore = this.#place;
    this.#indexBefore = this.#index;
    this.#index += 1;
    return this.#look();
  }

  /** Reads on until there is a row; false at the end of the file. */
  async load(): Promise<boolean> {
    for (;;) {
      const read = await this.#read();
      if (read === null) {
        this.row = null;
        this.#checkRows();
        return false;
      }
      this.#rows = read.rows;
      this.#place = read.place;
      this.#index = 0;
      this.#outside += read.outside;
      this.#outsideUntold += read.outside;
      if (this.#look()) return true;
    }
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  #look(): boolean {
    this.row = this.#rows[this.#index] ?? null;
    if (this.row === null) return false;
    const { offset } = this.row;
    if (offset < this.#before) throw unordered(this.file.partition, offset, this.#before, this.place);
    if (offset < this.file.firstOffset || offset > this.file.lastOffset)
      throw outOfBounds(this.file, offset, this.place);
    this.#before = offset;
    this.#passed += 1;
    return true;
  }

  async #read(): Promise<ArchiveBatch | null> {
    try {
      const read = await this.#batches.next();
      return read.done === true ? null : read.value;
    } catch (error) {
      throw readFault(error, this.file, this.#place);
    }
  }

  /** Only who read it from its first row can tell whether some are missing. */
  #checkRows(): void {
    const found = this.#passed + this.#outside;
    const wasReadWhole = this.#from <= this.file.firstOffset && this.#filter.fromOffset === undefined;
    if (wasReadWhole ? found !== this.file.rows : found > this.file.rows)
      throw rowsDiffer(this.file, found, this.#place);
  }
}
