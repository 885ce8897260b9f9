import { randomUUID } from 'node:crypto';
import { must, RefusedError } from '../foundation/index.ts';
import { closedError, noTopic } from './embedded-log-error.ts';
import { checkedBytes, chunkKey, type LogRecord, packChunk, recordBytes } from './embedded-log-format.ts';
import { type LogOperation, LogRows } from './embedded-log-rows.ts';
import { type LogTopic, type PartitionState, TopicState } from './embedded-log-topic.ts';
import { classify } from './error-classifier.ts';
import type { SourceRecord } from './event-source.ts';

export interface EmbeddedLogSettings {
  readonly folder: string;
  /** Records are cut into rows of about so many bytes. */
  readonly chunkBytesMax: number;
  /** Oldest chunks beyond so many bytes a partition are deleted with the next append; what an append brings always stays. */
  readonly retentionBytesMax: number;
  /** Appended bytes that wait to become durable; more of them wait. */
  readonly pendingBytesMax: number;
  readonly cacheBytes: number;
}

export const defaultEmbeddedLogSettings = {
  chunkBytesMax: 256 * 1024,
  retentionBytesMax: 4 * 2 ** 30,
  pendingBytesMax: 64 * 2 ** 20,
  cacheBytes: 8 * 2 ** 20,
} as const satisfies Omit<EmbeddedLogSettings, 'folder'>;

export interface LogRead {
  readonly records: readonly SourceRecord[];
  /** The offset to read from next. */
  readonly next: bigint;
  readonly end: bigint;
}

interface Append {
  readonly topic: TopicState;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly resolve: (base: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/** What one write does to one partition. */
interface PartitionWrite {
  readonly topic: TopicState;
  readonly partition: number;
  readonly appends: readonly { readonly append: Append; readonly base: bigint }[];
  readonly operations: readonly LogOperation[];
  readonly after: PartitionState;
}

/** Opens the log, or makes a new one in an empty folder. Throws StopError (LOG_LOCKED, LOG_FORMAT, LOG_CORRUPT) or OutageError. */
export async function openEmbeddedLog(settings: EmbeddedLogSettings): Promise<EmbeddedLog> {
  const rows = new LogRows(settings.folder, settings.cacheBytes);
  const log = new EmbeddedLog(rows, settings, await rows.open());
  try {
    await log.load();
    return log;
  } catch (error) {
    await rows.close();
    throw error;
  }
}

/**
 * A durable, append-only log of topics and partitions in one LevelDB, for one process: producers and consumers share this object.
 * One row holds a chunk of records, so that reading a partition is a few large sequential reads.
 *
 * All writes come one after another out of one loop: creating and deleting topics, and appends, which commit in groups (while one
 * group is being synced to disk, the next gathers). Offsets are given when a group is written, so a failed group leaves
 * no hole. Retention deletes with the same atomic write that appends. Readers see records only once they are durable.
 *
 * After a failed write LevelDB cannot tell what reached the disk, and refuses or garbles what comes after; so the database is
 * opened again, and the log's state read anew, before the next write. Records of a failed append may be there then, as after a crash.
 */
export class EmbeddedLog {
  readonly cluster: string;
  readonly #rows: LogRows;
  readonly #settings: EmbeddedLogSettings;
  readonly #topics = new Map<string, TopicState>();
  /** Each waits for its caller, who awaits it. Never rejects. */
  readonly #jobs: (() => Promise<void>)[] = [];
  #pending: Append[] = [];
  #pendingBytes = 0;
  /** Appends that wait for room, in their order. */
  readonly #room: { readonly bytes: number; readonly enter: () => void }[] = [];
  /** Null when nothing is to be written. */
  #writing: Promise<void> | null = null;
  /** Resolves when the write under way is settled; never rejects. */
  #step: Promise<void> = Promise.resolve();
  #broken = false;
  /** True while the database is closed because it could not be opened again. */
  #shut = false;
  #closed = false;

  constructor(rows: LogRows, settings: EmbeddedLogSettings, cluster: string) {
    this.#rows = rows;
    this.#settings = settings;
    this.cluster = cluster;
  }

  /** Takes over what is on disk. Called by {@link openEmbeddedLog}, and here after a failed write. */
  async load(): Promise<void> {
    const found = await this.#rows.topics();
    for (const one of found) {
      const known = this.#topics.get(one.topic);
      const topic = known?.topicId === one.topicId ? known : new TopicState(one);
      for (let partition = 0; partition < topic.partitions; partition += 1) {
        topic.move(partition, await this.#rows.partition(topic, partition));
      }
      this.#topics.set(topic.topic, topic);
      topic.notify();
    }
    const names = new Set(found.map(({ topic }) => topic));
    for (const topic of this.#topics.values()) if (!names.has(topic.topic)) this.#forget(topic);
  }

  topics(): readonly LogTopic[] {
    return [...this.#topics.values()].map(({ description }) => description);
  }

  /** Returns the topic as it is when it exists already. Throws OutageError LOG_WRITE_FAILED. */
  async createTopic(name: string, partitions: number): Promise<LogTopic> {
    must(Number.isInteger(partitions) && partitions > 0 ? name : null, 'a topic has 1 partition or more');
    // A topic is listed once it is durable.
    const known = this.#topics.get(name);
    if (known !== undefined) return known.description;
    return await this.#job(async () => {
      const meanwhile = this.#topics.get(name);
      if (meanwhile !== undefined) return meanwhile.description;
      const topic = new TopicState({ topic: name, topicId: randomUUID(), partitions });
      await this.#rows.putTopic(topic);
      this.#topics.set(name, topic);
      return topic.description;
    });
  }

  /** Appends that wait are refused. Throws OutageError LOG_WRITE_FAILED: the topic is still there, or what it held goes with the next opening. */
  async deleteTopic(name: string): Promise<void> {
    await this.#job(async () => {
      const topic = this.#topics.get(name);
      if (topic === undefined) return;
      await this.#rows.markDeleted(topic);
      this.#forget(topic);
      await this.#rows.clearTopic(topic.topicId);
    });
  }

  /**
   * Resolves with the first record's offset once all are durable. Throws RefusedError (LOG_NO_TOPIC, LOG_RECORD_TOO_LARGE:
   * nothing was appended), OutageError LOG_WRITE_FAILED or LOG_READ_FAILED, StopError LOG_CORRUPT.
   */
  async append(name: string, partition: number, records: readonly LogRecord[]): Promise<bigint> {
    const topic = this.#topic(name);
    const { end } = topic.state(partition);
    if (records.length === 0) return end;
    const where = { topic: name, partition };
    const bytes = records.reduce((sum, record) => sum + checkedBytes(record, where), 0);
    await this.#enter(bytes);
    if (this.#closed) {
      this.#leave(bytes);
      throw closedError();
    }
    return await new Promise((resolve, reject) => {
      this.#pending.push({ topic, partition, records, bytes, resolve, reject });
      this.#work();
    });
  }

  /**
   * Whole chunks until `bytesMax` is reached, one at least; no records at the end of the log. Throws RefusedError (LOG_NO_TOPIC,
   * LOG_OFFSET_OUT_OF_RANGE), OutageError LOG_READ_FAILED, StopError LOG_CORRUPT.
   */
  async read(name: string, partition: number, from: bigint, bytesMax: number): Promise<LogRead> {
    // Whoever writes may have given up: readers must not wait for the next append to have the log opened again.
    if (this.#shut) await this.#job(async () => undefined);
    const topic = this.#topic(name);
    checkRange(topic, partition, from);
    const { end } = topic.state(partition);
    if (from === end) return { records: [], next: end, end };
    try {
      return { ...(await this.#rows.read(topic, partition, from, end, bytesMax)), end };
    } catch (error) {
      // The write under way may have taken the rows away and not said so yet.
      await this.#step;
      if (topic.deleted) throw noTopic(name);
      checkRange(topic, partition, from);
      throw error;
    }
  }

  /** Low watermark and end of each partition, by its number. */
  ends(name: string): readonly { readonly low: bigint; readonly end: bigint }[] {
    return this.#topic(name).states.map(({ low, end }) => ({ low, end }));
  }

  /** Grows with every append to the topic. */
  version(name: string): number {
    return this.#topic(name).version;
  }

  /** Resolves when the topic's version is beyond `version`, when the topic is deleted, or when `signal` aborts. */
  async changed(name: string, version: number, signal: AbortSignal): Promise<void> {
    await this.#topic(name).changed(version, signal);
  }

  /** Waits for appends, then closes. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#writing !== null) await this.#writing;
    await this.#rows.close();
  }

  /** Runs between two groups. */
  #job<T>(job: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    return new Promise((resolve, reject) => {
      this.#jobs.push(async () => {
        try {
          await this.#repair();
          resolve(await job());
        } catch (error) {
          this.#notice(error);
          reject(error);
        }
      });
      this.#work();
    });
  }

  #work(): void {
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    // The next turn, so that all appends of this one share the sync.
    await Promise.resolve();
    while (this.#jobs.length > 0 || this.#pending.length > 0) {
      const job = this.#jobs.shift();
      this.#step = job === undefined ? this.#writeGroup() : job();
      await this.#step;
    }
    this.#writing = null;
  }

  /** Never rejects: whatever fails goes to those who appended. */
  async #writeGroup(): Promise<void> {
    const group = this.#pending;
    this.#pending = [];
    const waiting = new Set(group);
    const reject = (appends: Iterable<Append>, error: unknown): void => {
      this.#notice(error);
      for (const append of appends) {
        append.reject(error);
        waiting.delete(append);
      }
    };
    try {
      await this.#repair();
      const writes: PartitionWrite[] = [];
      for (const appends of byPartition(group)) {
        // What is wrong with one partition stays its own.
        try {
          writes.push(await this.#plan(appends));
        } catch (error) {
          reject(appends, error);
        }
      }
      await this.#commit(writes);
      for (const { append, base } of writes.flatMap(({ appends }) => appends)) append.resolve(base);
    } catch (error) {
      reject([...waiting], error);
    }
    for (const { bytes } of group) this.#leave(bytes);
  }

  async #plan(appends: readonly Append[]): Promise<PartitionWrite> {
    const { topic, partition } = must(appends[0], 'a partition is here because of an append');
    if (topic.deleted) throw noTopic(topic.topic);
    const state = topic.state(partition);
    const records: LogRecord[] = [];
    const placed = appends.map((append) => {
      const base = state.end + BigInt(records.length);
      for (const record of append.records) records.push(record);
      return { append, base };
    });
    const operations: LogOperation[] = [];
    let { end, endBytes } = state;
    for (const chunk of cut(records, this.#settings.chunkBytesMax)) {
      const value = packChunk(chunk, endBytes);
      operations.push({ type: 'put', key: chunkKey(topic.topicId, partition, end), value });
      end += BigInt(chunk.length);
      endBytes += value.length;
    }
    const { retentionBytesMax } = this.#settings;
    const expired = await this.#rows.expired(topic, partition, state, endBytes, retentionBytesMax);
    const { deletes, low, lowBytes } = expired;
    const after = { low, end, lowBytes, endBytes };
    return { topic, partition, appends: placed, operations: [...deletes, ...operations], after };
  }

  async #commit(writes: readonly PartitionWrite[]): Promise<void> {
    const [first] = writes;
    if (first === undefined) return;
    const { topic, partition } = first;
    const place = { topic: topic.topic, partition, offset: topic.state(partition).end };
    await this.#rows.write(
      writes.flatMap(({ operations }) => operations),
      place,
    );
    for (const { topic, partition, after } of writes) topic.move(partition, after);
    for (const topic of new Set(writes.map((write) => write.topic))) topic.notify();
  }

  #notice(error: unknown): void {
    if (classify(error) === 'outage') this.#broken = true;
  }

  async #repair(): Promise<void> {
    if (!this.#broken) return;
    this.#shut = true;
    await this.#rows.close();
    await this.#rows.open();
    await this.load();
    this.#shut = false;
    this.#broken = false;
  }

  /** Waits until there is room; one append larger than all room enters alone. */
  async #enter(bytes: number): Promise<void> {
    if (this.#room.length > 0 || !this.#hasRoom(bytes)) {
      // Whoever lets it in has counted its bytes.
      await new Promise<void>((enter) => this.#room.push({ bytes, enter }));
      return;
    }
    this.#pendingBytes += bytes;
  }

  #leave(bytes: number): void {
    this.#pendingBytes -= bytes;
    for (;;) {
      const [first] = this.#room;
      if (first === undefined || !this.#hasRoom(first.bytes)) return;
      this.#room.shift();
      this.#pendingBytes += first.bytes;
      first.enter();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#pendingBytes === 0 || this.#pendingBytes + bytes <= this.#settings.pendingBytesMax;
  }

  #forget(topic: TopicState): void {
    this.#topics.delete(topic.topic);
    topic.deleted = true;
    topic.notify();
  }

  #topic(name: string): TopicState {
    if (this.#closed) throw closedError();
    const topic = this.#topics.get(name);
    if (topic === undefined) throw noTopic(name);
    return topic;
  }
}

function checkRange(topic: TopicState, partition: number, from: bigint): void {
  const { low, end } = topic.state(partition);
  if (from >= low && from <= end) return;
  throw new RefusedError(
    'LOG_OFFSET_OUT_OF_RANGE',
    `Partition ${partition} of topic ${topic.topic} holds offsets ${low} to ${end}, not ${from}.`,
    { context: { topic: topic.topic, partition, offset: from } },
  );
}

function byPartition(group: readonly Append[]): readonly (readonly Append[])[] {
  const topics = Map.groupBy(group, ({ topic }) => topic);
  return [...topics.values()].flatMap((appends) => [
    ...Map.groupBy(appends, ({ partition }) => partition).values(),
  ]);
}

function* cut(records: readonly LogRecord[], bytesMax: number): Generator<readonly LogRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const size = recordBytes(record);
    if (index > start && bytes + size > bytesMax) {
      yield records.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  yield records.slice(start);
}
