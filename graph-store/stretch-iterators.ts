import type { KeyRange } from './stretches.ts';

/** Of keys and values; values are texts where they were not asked for. */
export type LevelRow<Value> = [key: Buffer, value: Value];

/** What is used of a LevelDB iterator. Rows and chunks are the caller's. */
export interface RowIterator<Value> extends AsyncDisposable, AsyncIterable<LevelRow<Value>> {
  /** None means that there are no more. Fewer than `size` also where they are many bytes. */
  nextv(size: number): Promise<readonly LevelRow<Value>[]>;
  all(): Promise<readonly LevelRow<Value>[]>;
  /** Goes on at the first key that is not before this one, within the range. */
  seek(key: Buffer): void;
}

export interface RangeOptions extends KeyRange {
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly highWaterMarkBytes?: number | undefined;
}

/** One stretch's rows of a range, in the order of their keys, keys as all stretches have them. */
export interface StretchSource<Value> {
  readonly rows: RowIterator<Value>;
  /** A key as it is in this stretch. */
  readonly stored: (key: Buffer) => Buffer;
}

const graphByte = 0x67;
const allAtOnce = 1000;
/** Of one stretch, where rows of several are put in order: for a hundred of them some megabytes. */
const mergedChunkRows = 256;
/** As LevelDB's binding has it. */
const highWaterMarkDefault = 16 * 1024;

abstract class StretchedRows<Value> implements RowIterator<Value> {
  #left: number;

  constructor({ limit }: RangeOptions) {
    this.#left = limit === undefined || limit < 0 ? Number.POSITIVE_INFINITY : limit;
  }

  async nextv(size: number): Promise<readonly LevelRow<Value>[]> {
    const wanted = Math.min(size, this.#left);
    if (wanted <= 0) return [];
    const rows = await this.take(wanted);
    this.#left -= rows.length;
    return rows;
  }

  async all(): Promise<readonly LevelRow<Value>[]> {
    const found: LevelRow<Value>[] = [];
    try {
      for (;;) {
        const rows = await this.nextv(allAtOnce);
        if (rows.length === 0) return found;
        for (const row of rows) found.push(row);
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LevelRow<Value>> {
    try {
      for (;;) {
        const rows = await this.nextv(allAtOnce);
        if (rows.length === 0) return;
        yield* rows;
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  abstract seek(key: Buffer): void;
  abstract [Symbol.asyncDispose](): Promise<void>;
  protected abstract take(size: number): Promise<LevelRow<Value>[]>;
}

/**
 * Stretches whose rows of this range follow each other as the stretches do. One is opened when the one before has ended: most answers are full by then.
 */
export class FollowingStretches<Value> extends StretchedRows<Value> {
  readonly #open: readonly (() => StretchSource<Value>)[];
  readonly #bytesMax: number;
  #next = 0;
  #source: StretchSource<Value> | null = null;

  /** In the order of their rows. */
  constructor(options: RangeOptions, open: readonly (() => StretchSource<Value>)[]) {
    super(options);
    this.#open = open;
    this.#bytesMax = options.highWaterMarkBytes ?? highWaterMarkDefault;
  }

  protected async take(size: number): Promise<LevelRow<Value>[]> {
    let found: LevelRow<Value>[] = [];
    for (let bytes = 0; found.length < size && bytes <= this.#bytesMax; ) {
      this.#source ??= this.#open[this.#next++]?.() ?? null;
      if (this.#source === null) return found;
      const rows = await this.#source.rows.nextv(size - found.length);
      if (rows.length === 0) {
        await this.#source.rows[Symbol.asyncDispose]();
        this.#source = null;
        continue;
      }
      bytes += asGraphRows(rows);
      if (found.length === 0) found = [...rows];
      else for (const row of rows) found.push(row);
    }
    return found;
  }

  seek(): never {
    throw new TypeError('Nobody moves within the rows of one kind at one node.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const source = this.#source;
    this.#source = null;
    this.#next = this.#open.length;
    await source?.rows[Symbol.asyncDispose]();
  }
}

/** What is at hand of one stretch. */
class Merged<Value> {
  readonly source: StretchSource<Value>;
  #rows: readonly LevelRow<Value>[] = [];
  #at = 0;
  #isOver = false;

  constructor(source: StretchSource<Value>) {
    this.source = source;
  }

  get row(): LevelRow<Value> | undefined {
    return this.#rows[this.#at];
  }

  get lacksRows(): boolean {
    return this.#at >= this.#rows.length && !this.#isOver;
  }

  advance(): void {
    this.#at += 1;
  }

  async read(size: number): Promise<void> {
    this.#rows = await this.source.rows.nextv(Math.min(size, mergedChunkRows));
    this.#at = 0;
    this.#isOver = this.#rows.length === 0;
    asGraphRows(this.#rows);
  }

  /** What was read already is not read again: who moves on passes over some rows at a time. */
  seek(key: Buffer, isReverse: boolean): void {
    const { row } = this;
    if (!isReverse && row !== undefined && key.compare(row[0]) >= 0) {
      while (this.row !== undefined && this.row[0].compare(key) < 0) this.#at += 1;
      if (this.row !== undefined) return;
    }
    this.source.rows.seek(this.source.stored(key));
    this.#rows = [];
    this.#at = 0;
    this.#isOver = false;
  }
}

/** All stretches side by side, put in the order of their keys. */
export class MergedStretches<Value> extends StretchedRows<Value> {
  readonly #stretches: readonly Merged<Value>[];
  readonly #isReverse: boolean;
  readonly #bytesMax: number;

  constructor(options: RangeOptions, sources: readonly StretchSource<Value>[]) {
    super(options);
    this.#stretches = sources.map((source) => new Merged(source));
    this.#isReverse = options.reverse === true;
    this.#bytesMax = options.highWaterMarkBytes ?? highWaterMarkDefault;
  }

  protected async take(size: number): Promise<LevelRow<Value>[]> {
    const found: LevelRow<Value>[] = [];
    for (let bytes = 0; found.length < size && bytes <= this.#bytesMax; ) {
      const lacking = this.#stretches.filter(({ lacksRows }) => lacksRows);
      if (lacking.length > 0) await Promise.all(lacking.map((stretch) => stretch.read(size)));
      const next = this.#first();
      if (next === null) return found;
      // Rows of one node follow each other in a stretch: as long as they go before all others nothing is compared with more than one.
      const bound = this.#first(next)?.row?.[0] ?? null;
      for (let row = next.row; row !== undefined && found.length < size; row = next.row) {
        // Not even of two that are the same, which only damage makes: it is for whoever reads them to say so.
        if (bound !== null && this.#isBefore(bound, row[0])) break;
        found.push(row);
        bytes += sizeOf(row);
        next.advance();
      }
    }
    return found;
  }

  seek(key: Buffer): void {
    for (const stretch of this.#stretches) stretch.seek(key, this.#isReverse);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stretches.map(({ source }) => source.rows[Symbol.asyncDispose]()));
  }

  /** Whose row comes first; of the others where one is left out. */
  #first(but: Merged<Value> | null = null): Merged<Value> | null {
    let first: Merged<Value> | null = null;
    for (const stretch of this.#stretches) {
      const { row } = stretch;
      if (row === undefined || stretch === but) continue;
      if (first?.row === undefined || this.#isBefore(row[0], first.row[0])) first = stretch;
    }
    return first;
  }

  #isBefore(a: Buffer, b: Buffer): boolean {
    const order = a.compare(b);
    return this.#isReverse ? order > 0 : order < 0;
  }
}

/** Ranges of keys one behind the other. */
export class FollowingRanges<Value> extends StretchedRows<Value> {
  readonly #ranges: readonly RowIterator<Value>[];
  #at = 0;

  constructor(options: RangeOptions, ranges: readonly RowIterator<Value>[]) {
    super(options);
    this.#ranges = ranges;
  }

  protected async take(size: number): Promise<LevelRow<Value>[]> {
    for (; this.#at < this.#ranges.length; this.#at += 1) {
      const rows = (await this.#ranges[this.#at]?.nextv(size)) ?? [];
      if (rows.length > 0) return [...rows];
    }
    return [];
  }

  seek(): never {
    throw new TypeError('Nobody moves within all keys of a store.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ranges.map((range) => range[Symbol.asyncDispose]()));
  }
}

/** Keys as `rows.ts` writes them: the buffers are this iterator's own. Gives how many bytes the rows have. */
function asGraphRows<Value>(rows: readonly LevelRow<Value>[]): number {
  let bytes = 0;
  for (const row of rows) {
    row[0][0] = graphByte;
    bytes += sizeOf(row);
  }
  return bytes;
}

function sizeOf<Value>([key, value]: LevelRow<Value>): number {
  return key.length + (Buffer.isBuffer(value) ? value.length : 0);
}
