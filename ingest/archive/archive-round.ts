import { type DataFile, dayText, partitionDay } from '../../archive/index.ts';
import { type Clock, must } from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import type { SourceRecord } from '../event-source.ts';
import { around, type Progress, positionKey } from './archive-positions.ts';
import type { ReadEvent } from './event-schemas.ts';
import { OpenDataFile } from './open-data-file.ts';
import { hasDay } from './row-buffer.ts';
import type { TopicTable } from './topic-table.ts';

export interface RoundLimits {
  readonly rowGroupRows: number;
  /** Rows of all its files that wait for their groups, in bytes; then the largest group is written early. */
  readonly bufferBytesMax: number;
  /** Then the oldest is closed. */
  readonly openFilesMax: number;
}

/** What is written between two commits: all of it becomes part of the table at once, or none. */
export class ArchiveRound {
  readonly #table: TopicTable;
  readonly #limits: RoundLimits;
  readonly #newUuid: () => string;
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenDataFile>();
  readonly #finished: DataFile[] = [];
  readonly #progress = new Map<string, Progress>();
  #startedMs: number | null = null;
  #bufferedBytes = 0;
  #finishedBytes = 0;
  #rows = 0;

  constructor(table: TopicTable, limits: RoundLimits, newUuid: () => string, clock: Clock) {
    this.#table = table;
    this.#limits = limits;
    this.#newUuid = newUuid;
    this.#clock = clock;
  }

  /** When its first file was opened; null before. A round may wait for days for its first row, and an expiry takes files by their age. */
  get startedMs(): number | null {
    return this.#startedMs;
  }

  get rows(): number {
    return this.#rows;
  }

  get files(): number {
    return this.#open.size + this.#finished.length;
  }

  get bytes(): number {
    let bytes = this.#finishedBytes;
    for (const file of this.#open.values()) bytes += file.bytes;
    return bytes;
  }

  get progress(): readonly Progress[] {
    return [...this.#progress.values()];
  }

  has(source: SourcePartition): boolean {
    return this.#progress.has(positionKey(source));
  }

  /** Null: the record was taken; else there is work to be done first, by whoever can wait for it. */
  add(source: SourcePartition, record: SourceRecord, read: ReadEvent): (() => Promise<void>) | null {
    const day = hasDay(record.timestampMs) ? partitionDay(record.timestampMs) : null;
    const name = `${positionKey(source)}/${day}`;
    const file = this.#open.get(name);
    if (file === undefined || file.version !== this.#table.version)
      return async () => await this.#openFile(name, source, record.offset, day);
    if (file.buffered >= this.#limits.rowGroupRows) return async () => await this.#writeGroup(file);
    if (this.#bufferedBytes >= this.#limits.bufferBytesMax)
      return async () => await this.#writeGroup(this.#largest());
    this.#bufferedBytes += file.add(record, read);
    this.#rows += 1;
    return null;
  }

  /** The partition was read up to `next`; `from` is the table's position when its first rows came. */
  advance({ source, from, next, newestMs, skipped }: Progress): void {
    const key = positionKey(source);
    const before = this.#progress.get(key);
    this.#progress.set(key, {
      source,
      from: before === undefined ? from : before.from,
      next,
      newestMs: Math.max(newestMs, before?.newestMs ?? -1),
      skipped: around(skipped, before?.skipped ?? null),
    });
  }

  async finish(): Promise<readonly DataFile[]> {
    for (const name of [...this.#open.keys()]) await this.#close(name);
    return this.#finished;
  }

  /** Gives up files that are being written; those that were finished may be in the table, or wait for an expiry. */
  async abort(): Promise<void> {
    for (const file of this.#open.values()) await file.abort();
    this.#open.clear();
  }

  async #openFile(name: string, source: SourcePartition, offset: bigint, day: number | null): Promise<void> {
    if (this.#open.has(name)) await this.#close(name);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= this.#limits.openFilesMax) await this.#close(oldest);
    this.#startedMs ??= this.#clock.now();
    const { folder } = this.#table;
    const base = `${source.partition}-${offset}-${this.#newUuid()}.parquet`;
    const key = `${folder}/data/timestamp_day=${dayText(day)}/${base}`;
    this.#open.set(name, new OpenDataFile(this.#table, { source, day, key }, this.#limits.rowGroupRows));
  }

  async #writeGroup(file: OpenDataFile): Promise<void> {
    this.#bufferedBytes -= file.bufferedBytes;
    await file.writeGroup();
  }

  /** It leaves the open ones only when it is whole, so that a failure aborts it. */
  async #close(name: string): Promise<void> {
    const file = must(this.#open.get(name), 'an open file is closed once');
    this.#bufferedBytes -= file.bufferedBytes;
    const finished = await file.finish();
    this.#open.delete(name);
    this.#finishedBytes += finished.bytes;
    this.#finished.push(finished);
  }

  #largest(): OpenDataFile {
    let largest: OpenDataFile | null = null;
    for (const file of this.#open.values())
      if (largest === null || file.bufferedBytes > largest.bufferedBytes) largest = file;
    return must(largest, 'what is buffered lies in open files');
  }
}
