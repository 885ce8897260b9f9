import type { ChainedBatch, Snapshot } from 'classic-level';
import type { LevelDatabase } from './level-database.ts';
import { LevelRows } from './level-rows.ts';
import { graphRange, metaKey } from './rows.ts';
import {
  FollowingRanges,
  FollowingStretches,
  MergedStretches,
  type RangeOptions,
  type RowIterator,
  type StretchSource,
} from './stretch-iterators.ts';
import { isOfGraph, type KeyRange, Stretches } from './stretches.ts';

type Database = LevelDatabase;

export interface ReadOptions {
  readonly snapshot?: Snapshot | undefined;
  readonly fillCache?: boolean | undefined;
}

export type ScanOptions = RangeOptions & ReadOptions;

/**
 * One thread's handle on a store's database, which shows the rows of all stretches under the keys that `rows.ts` writes. While there is one stretch it
 * is LevelDB and nothing else.
 *
 * Where stretches begin is read with each snapshot, unless `shared` says that no other began since: whoever writes says so there before a row of the new one can be seen.
 */
export class Level {
  /** LevelDB itself: all stretches' rows of nodes, tombstones and what is about the store lie there as they are asked for. */
  readonly raw: Database;
  readonly #shared: Int32Array | null;
  #stretches = new Stretches();
  #saysStretches = false;

  constructor(raw: Database, shared: SharedArrayBuffer | null) {
    this.raw = raw;
    this.#shared = shared === null ? null : new Int32Array(shared);
  }

  get stretches(): Stretches {
    return this.#stretches;
  }

  /** False of a store of the format before, until its first claim: its stretches are one, of which the newest event is not known. */
  get saysStretches(): boolean {
    return this.#saysStretches;
  }

  /** To be told to threads that are given `shared`, before anything is put there. */
  tellStretches(): void {
    if (this.#shared !== null) Atomics.store(this.#shared, 0, this.#stretches.count);
  }

  /** Of the last state of the store. Throws AssertionError or SyntaxError where the row is none of ours, and what LevelDB throws. */
  async readStretches(): Promise<void> {
    this.#take(await this.raw.get(metaKey.stretches));
  }

  /** The same, by whoever cannot wait. */
  readStretchesNow(): void {
    this.#take(this.raw.getSync(metaKey.stretches));
  }

  snapshot(): Snapshot {
    const snapshot = this.raw.snapshot();
    if (this.#shared === null || Atomics.load(this.#shared, 0) !== this.#stretches.count)
      this.#take(this.raw.getSync(metaKey.stretches, { snapshot }));
    return snapshot;
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.raw.get(key);
  }

  /** Of a node, a tombstone, or what is about the store: not of steps and occurrences, see {@link getOccurrences}. */
  getSync(key: Buffer, options: ReadOptions = {}): Buffer | undefined {
    return this.raw.getSync(key, options);
  }

  /** Of the same as `getSync`. */
  getMany(keys: Buffer[], options: ReadOptions = {}): Promise<readonly (Buffer | undefined)[]> {
    return this.raw.getMany(keys, options);
  }

  getOccurrences(
    keys: readonly Buffer[],
    options: ReadOptions = {},
  ): Promise<readonly (Buffer | undefined)[]> {
    return this.raw.getMany(
      keys.map((key) => this.#stretches.storedKey(key)),
      options,
    );
  }

  put(key: Buffer, value: Buffer, options: { readonly sync: boolean } = { sync: false }): Promise<void> {
    return this.raw.put(key, value, options);
  }

  /** What is put goes where its key says: into the first stretch. */
  batch(): ChainedBatch<Database, Buffer, Buffer> {
    return this.raw.batch();
  }

  iterator(options: ScanOptions): RowIterator<Buffer> {
    return this.#rows(options, (range) => new LevelRows(onSnapshot(range, () => this.raw.iterator(range))));
  }

  /**
   * Rows whose values nobody looks at, each with an empty text in its place. LevelDB's `keys` makes an empty buffer for each, which is a third of what a
   * row costs the thread that reads; a text that is empty costs nothing.
   */
  keysAlone(options: ScanOptions): RowIterator<string> {
    const textless = { values: false, valueEncoding: 'utf8' } as const;
    return this.#rows(
      options,
      (range) =>
        new LevelRows(onSnapshot(range, () => this.raw.iterator<Buffer, string>({ ...range, ...textless }))),
    );
  }

  async keys(options: ScanOptions): Promise<readonly Buffer[]> {
    return (await this.keysAlone(options).all()).map(([key]) => key);
  }

  /** On disk, compressed, of all levels; to a block, which is 4 KiB before compression. */
  async approximateSize(gte: Buffer, lt: Buffer): Promise<number> {
    const range = { gte, lt };
    if (this.#stretches.count === 1 || !isOfGraph(range)) return await this.raw.approximateSize(gte, lt);
    const sizes = this.#stretchesOf(range).map((stretch) => {
      const within = this.#within(range, stretch);
      return this.raw.approximateSize(within.gte, within.lt);
    });
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  getProperty(name: 'leveldb.stats' | 'leveldb.approximate-memory-usage'): string {
    return this.raw.getProperty(name);
  }

  compactRange(start: Buffer, end: Buffer): Promise<void> {
    return this.raw.compactRange(start, end);
  }

  close(): Promise<void> {
    return this.raw.close();
  }

  #take(stored: Buffer | undefined): void {
    if (stored === undefined) return;
    this.#stretches = Stretches.decode(stored);
    this.#saysStretches = true;
  }

  #rows<Value>(options: ScanOptions, open: (range: ScanOptions) => RowIterator<Value>): RowIterator<Value> {
    if (this.#stretches.count === 1 || !touchesGraph(options)) return open(options);
    if (!isOfGraph(options)) return this.#everything(options, open);
    const run = this.#stretches.ofRun(options);
    const source = (stretch: number): StretchSource<Value> => ({
      rows: open({ ...options, ...this.#within(options, stretch) }),
      stored: (key) => this.#stretches.inStretch(key, stretch),
    });
    if (run === null) {
      const all = Array.from({ length: this.#stretches.count }, (_, stretch) => stretch);
      return new MergedStretches(options, all.map(source));
    }
    const inOrder = options.reverse === true ? run.toReversed() : run;
    return new FollowingStretches(
      options,
      inOrder.map((stretch) => () => source(stretch)),
    );
  }

  /** The graph among all other keys, and behind the last stretch what is nobody's. */
  #everything<Value>(
    options: ScanOptions,
    open: (range: ScanOptions) => RowIterator<Value>,
  ): RowIterator<Value> {
    const { count } = this.#stretches;
    const behind = Buffer.of(this.#stretches.firstByteOf(count - 1) + 1);
    const parts: KeyRange[] = [
      { gte: options.gte, lt: graphRange.gte },
      { gte: later(options.gte, graphRange.gte), lt: earlier(options.lt, graphRange.lt) },
      { gte: graphRange.lt, lt: earlier(options.lt, Buffer.of(this.#stretches.firstByteOf(1))) },
      { gte: behind, lt: options.lt },
    ];
    const filled = parts.filter(({ gte, lt }) => gte.compare(lt) < 0);
    return new FollowingRanges(
      options,
      filled.map((part) => this.#rows({ ...options, ...part }, open)),
    );
  }

  #stretchesOf(range: KeyRange): readonly number[] {
    const all = Array.from({ length: this.#stretches.count }, (_, stretch) => stretch);
    return this.#stretches.ofRun(range) ?? all;
  }

  #within({ gte, lt }: KeyRange, stretch: number): KeyRange {
    if (stretch === 0) return { gte, lt };
    // The bound behind the whole graph is not among its keys: it is the first byte alone, one further.
    const end = lt.equals(graphRange.lt)
      ? Buffer.of(this.#stretches.firstByteOf(stretch) + 1)
      : this.#stretches.inStretch(lt, stretch);
    return { gte: this.#stretches.inStretch(gte, stretch), lt: end };
  }
}

function touchesGraph({ gte, lt }: KeyRange): boolean {
  return gte.compare(graphRange.lt) < 0 && lt.compare(graphRange.gte) > 0;
}

function later(a: Buffer, b: Buffer): Buffer {
  return a.compare(b) >= 0 ? a : b;
}

function earlier(a: Buffer, b: Buffer): Buffer {
  return a.compare(b) <= 0 ? a : b;
}

/**
 * Throws what LevelDB throws of a snapshot that was closed, as a store that closes while it is read does: `abstract-level` looks with the first read
 * only, and the binding would read one that is freed.
 */
function onSnapshot<T>({ snapshot }: ScanOptions, open: () => T): T {
  snapshot?.ref();
  try {
    return open();
  } finally {
    snapshot?.unref();
  }
}
