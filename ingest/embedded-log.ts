import { randomUUID } from 'node:crypto';
import { type BatchOperation, ClassicLevel } from 'classic-level';
import { must, RefusedError, StopError } from '../foundation/index.ts';
import { closedError, damaged, openFailure, writeFailure } from './embedded-log-error.ts';
import {
  baseOf,
  chunkHeader,
  chunkKey,
  type LogRecord,
  logFormatVersion,
  offsetMax,
  packChunk,
  recordBytes,
  unpackChunk,
} from './embedded-log-format.ts';
import type { SourceRecord } from './event-source.ts';

type Level = ClassicLevel<Buffer, Buffer>;

export interface EmbeddedLogSettings {
  readonly folder: string;
  /** Records are cut into rows of about so many bytes. */
  readonly chunkBytesMax: number;
  /** Oldest chunks beyond so many bytes a partition are deleted; the newest chunk always stays. */
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

export interface LogTopic {
  readonly topic: string;
  /** Another one each time the topic is created. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface LogRead {
  readonly records: readonly SourceRecord[];
  /** The offset to read from next. */
  readonly next: bigint;
  readonly end: bigint;
}

interface Partition {
  /** Low watermark: the first offset that is still there. */
  low: bigint;
  end: bigint;
  lowBytes: number;
  endBytes: number;
}

interface Topic extends LogTopic {
  readonly state: Partition[];
  version: number;
  waiters: (() => void)[];
}

interface Append {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly resolve: (base: bigint) => void;
  readonly reject: (error: Error) => void;
}

const formatKey = Buffer.from('!format');
const clusterKey = Buffer.from('!cluster');
/** Chunks of one partition deleted by retention with one write. */
const retentionChunksMax = 64;

/** Opens the log, or makes a new one in an empty folder. Throws StopError (LOG_LOCKED, LOG_FORMAT, LOG_CORRUPT) or OutageError. */
export async function openEmbeddedLog(settings: EmbeddedLogSettings): Promise<EmbeddedLog> {
  const db: Level = new ClassicLevel(settings.folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: settings.cacheBytes,
    // Rows are large and mostly not compressible twice: producers compress, or do not care.
    compression: false,
  });
  try {
    await db.open();
  } catch (error) {
    throw openFailure(settings.folder, error);
  }
  try {
    const cluster = await checkFormat(db, settings.folder);
    const log = new EmbeddedLog(db, settings, cluster);
    await log.load();
    return log;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * A durable, append-only log of topics and partitions in one LevelDB, for one process: producers and consumers share this object.
 * One row holds a chunk of records, so that reading a partition is a few large sequential reads.
 *
 * Appends commit in groups: while one group is being synced to disk, the next gathers. Offsets are given when a group is
 * written, so a failed group leaves no hole. Readers see records only once they are durable.
 */
export class EmbeddedLog {
  readonly cluster: string;
  readonly #db: Level;
  readonly #settings: EmbeddedLogSettings;
  readonly #topics = new Map<string, Topic>();
  #pending: Append[] = [];
  #pendingBytes = 0;
  #room: (() => void)[] = [];
  #writing: Promise<void> | null = null;
  #retentionFailure: Error | null = null;
  #closed = false;

  constructor(db: Level, settings: EmbeddedLogSettings, cluster: string) {
    this.#db = db;
    this.#settings = settings;
    this.cluster = cluster;
  }

  /** Called once, by {@link openEmbeddedLog}. */
  async load(): Promise<void> {
    for await (const key of this.#db.keys({ gte: Buffer.from('d'), lt: Buffer.from('e') })) {
      await this.#clearTopic(key.toString('utf8', 1), key);
    }
    for await (const [key, row] of this.#db.iterator({ gte: Buffer.from('t'), lt: Buffer.from('u') })) {
      const { id, partitions }: { id: string; partitions: number } = JSON.parse(row.toString());
      const name = key.toString('utf8', 1);
      const topic = newTopic(name, id, partitions);
      for (const partition of topic.state.keys())
        topic.state[partition] = await this.#loadPartition(topic, partition);
      this.#topics.set(name, topic);
    }
  }

  topics(): readonly LogTopic[] {
    return [...this.#topics.values()].map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions,
    }));
  }

  /** Returns the topic as it is when it exists already. */
  async createTopic(name: string, partitions: number): Promise<LogTopic> {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    must(Number.isInteger(partitions) && partitions > 0 ? name : null, 'a topic has 1 partition or more');
    const topic = newTopic(name, randomUUID(), partitions);
    // Before the write: a second call meanwhile must find this one and not make another id.
    this.#topics.set(name, topic);
    const row = Buffer.from(JSON.stringify({ id: topic.topicId, partitions }));
    try {
      await this.#db.put(topicKey(name), row, { sync: true });
    } catch (error) {
      this.#topics.delete(name);
      throw writeFailure(error);
    }
    return topic;
  }

  async deleteTopic(name: string): Promise<void> {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    const mark = Buffer.from(`d${topic.topicId}`);
    // The mark outlives a crash in the middle; opening finishes the job.
    await this.#db.batch(
      [
        { type: 'del', key: topicKey(name) },
        { type: 'put', key: mark, value: Buffer.alloc(0) },
      ],
      { sync: true },
    );
    await this.#writing;
    await this.#clearTopic(topic.topicId, mark);
    notify(topic);
  }

  /** Resolves with the first record's offset once all are durable. Throws RefusedError LOG_NO_TOPIC, OutageError LOG_WRITE_FAILED. */
  async append(name: string, partition: number, records: readonly LogRecord[]): Promise<bigint> {
    const topic = this.#topic(name);
    const state = stateOf(topic, partition);
    if (records.length === 0) return state.end;
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    while (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#settings.pendingBytesMax) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    if (this.#closed) throw closedError();
    const failure = this.#retentionFailure;
    this.#retentionFailure = null;
    if (failure !== null) throw failure;
    return await new Promise((resolve, reject) => {
      this.#pending.push({ topic, partition, records, bytes, resolve, reject });
      this.#pendingBytes += bytes;
      this.#writing ??= this.#write();
    });
  }

  /** Whole chunks until `bytesMax` is reached, one at least; no records at the end of the log. */
  async read(name: string, partition: number, from: bigint, bytesMax: number): Promise<LogRead> {
    const topic = this.#topic(name);
    const { low, end } = stateOf(topic, partition);
    if (from < low || from > end) {
      throw new RefusedError(
        'LOG_OFFSET_OUT_OF_RANGE',
        `Partition ${partition} of topic ${name} holds offsets ${low} to ${end}, not ${from}.`,
        { context: { topic: name, partition, offset: from } },
      );
    }
    const records: SourceRecord[] = [];
    if (from === end) return { records, next: end, end };
    const base = await this.#baseBelow(topic, partition, from);
    let next = from;
    let bytes = 0;
    const range = {
      gte: chunkKey(topic.topicId, partition, base),
      lt: chunkKey(topic.topicId, partition, end),
    };
    for await (const [key, chunk] of this.#db.iterator({ ...range, highWaterMarkBytes: bytesMax })) {
      const chunkBase = baseOf(key);
      const header = chunkHeader(chunk);
      if (header === null || chunkBase > next) throw damaged(topic, partition, chunkBase);
      unpackChunk(chunk, chunkBase, from, records);
      next = chunkBase + BigInt(header.count);
      bytes += chunk.length;
      if (bytes >= bytesMax) break;
    }
    if (records.length === 0) throw damaged(topic, partition, from);
    return { records, next, end };
  }

  /** Low watermark and end of each partition, by its number. */
  ends(name: string): readonly { readonly low: bigint; readonly end: bigint }[] {
    return this.#topic(name).state.map(({ low, end }) => ({ low, end }));
  }

  /** Grows with every append to the topic. */
  version(name: string): number {
    return this.#topic(name).version;
  }

  /** Resolves when the topic's version is beyond `version`, when the topic is deleted, or when `signal` aborts. */
  async changed(name: string, version: number, signal: AbortSignal): Promise<void> {
    const topic = this.#topic(name);
    if (topic.version > version || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        topic.waiters = topic.waiters.filter((waiter) => waiter !== wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      topic.waiters.push(wake);
    });
  }

  /** Waits for appends, then closes. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#writing !== null) await this.#writing;
    await this.#db.close();
  }

  async #write(): Promise<void> {
    // The next turn, so that all appends of this one share the sync.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      await this.#writeGroup(group);
      for (const { bytes } of group) this.#pendingBytes -= bytes;
      const room = this.#room;
      this.#room = [];
      for (const wake of room) wake();
    }
    this.#writing = null;
  }

  async #writeGroup(group: readonly Append[]): Promise<void> {
    const after = new Map<Partition, Partition>();
    const operations: BatchOperation<Level, Buffer, Buffer>[] = [];
    const acknowledged: (() => void)[] = [];
    for (const [state, appends] of byPartition(group)) {
      const now = { ...state };
      after.set(state, now);
      const records: LogRecord[] = [];
      for (const append of appends) {
        const base = now.end + BigInt(records.length);
        for (const record of append.records) records.push(record);
        acknowledged.push(() => append.resolve(base));
      }
      const { topic, partition } = must(appends[0], 'a partition is here because of an append');
      for (const chunk of cut(records, this.#settings.chunkBytesMax)) {
        const value = packChunk(chunk, now.endBytes);
        operations.push({ type: 'put', key: chunkKey(topic.topicId, partition, now.end), value });
        now.end += BigInt(chunk.length);
        now.endBytes += value.length;
      }
    }
    try {
      await this.#db.batch(operations, { sync: true });
    } catch (error) {
      for (const { reject } of group) reject(writeFailure(error));
      return;
    }
    for (const [state, now] of after) Object.assign(state, now);
    for (const acknowledge of acknowledged) acknowledge();
    for (const topic of new Set(group.map((append) => append.topic))) notify(topic);
    try {
      await this.#retain(group);
    } catch (error) {
      // These records are durable and acknowledged; the producer hears of the disk's trouble with its next append.
      this.#retentionFailure = writeFailure(error);
    }
  }

  /** A failure here loses no record: rows below the low watermark stay until the log is opened again. */
  async #retain(group: readonly Append[]): Promise<void> {
    for (const [state, [append]] of byPartition(group)) {
      if (append === undefined || state.endBytes - state.lowBytes <= this.#settings.retentionBytesMax)
        continue;
      const { topic, partition } = append;
      const gte = chunkKey(topic.topicId, partition, state.low);
      const lt = chunkKey(topic.topicId, partition, state.end);
      const deletes: { type: 'del'; key: Buffer }[] = [];
      let { low, lowBytes } = state;
      for await (const [key, chunk] of this.#db.iterator({ gte, lt, limit: retentionChunksMax })) {
        const next = baseOf(key) + BigInt(chunk.readUInt32BE(4));
        if (state.endBytes - lowBytes <= this.#settings.retentionBytesMax || next >= state.end) break;
        deletes.push({ type: 'del', key });
        low = next;
        lowBytes += chunk.length;
      }
      // Readers are turned away before the rows go.
      Object.assign(state, { low, lowBytes });
      await this.#db.batch(deletes);
    }
  }

  async #loadPartition(topic: Topic, partition: number): Promise<Partition> {
    const range = {
      gte: chunkKey(topic.topicId, partition, 0n),
      lte: chunkKey(topic.topicId, partition, offsetMax),
      limit: 1,
    };
    const [first] = await this.#db.iterator(range).all();
    const [last] = await this.#db.iterator({ ...range, reverse: true }).all();
    if (first === undefined || last === undefined) return { low: 0n, end: 0n, lowBytes: 0, endBytes: 0 };
    const firstHeader = chunkHeader(first[1]);
    const lastHeader = chunkHeader(last[1]);
    if (firstHeader === null) throw damaged(topic, partition, baseOf(first[0]));
    if (lastHeader === null) throw damaged(topic, partition, baseOf(last[0]));
    return {
      low: baseOf(first[0]),
      end: baseOf(last[0]) + BigInt(lastHeader.count),
      lowBytes: firstHeader.bytesBefore,
      endBytes: lastHeader.bytesBefore + last[1].length,
    };
  }

  async #baseBelow(topic: Topic, partition: number, offset: bigint): Promise<bigint> {
    const gte = chunkKey(topic.topicId, partition, 0n);
    const lte = chunkKey(topic.topicId, partition, offset);
    const [key] = await this.#db.keys({ gte, lte, reverse: true, limit: 1 }).all();
    if (key === undefined) throw damaged(topic, partition, offset);
    return baseOf(key);
  }

  async #clearTopic(topicId: string, mark: Buffer): Promise<void> {
    const gte = chunkKey(topicId, 0, 0n);
    const lte = chunkKey(topicId, 2 ** 32 - 1, offsetMax);
    await this.#db.clear({ gte, lte });
    await this.#db.del(mark, { sync: true });
  }

  #topic(name: string): Topic {
    if (this.#closed) throw closedError();
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new RefusedError('LOG_NO_TOPIC', `The log has no topic ${name}; create it first.`, {
      context: { topic: name },
    });
  }
}

function newTopic(topic: string, topicId: string, partitions: number): Topic {
  const state = Array.from({ length: partitions }, () => ({ low: 0n, end: 0n, lowBytes: 0, endBytes: 0 }));
  return { topic, topicId, partitions, state, version: 0, waiters: [] };
}

function stateOf(topic: Topic, partition: number): Partition {
  const state = topic.state[partition];
  if (state !== undefined) return state;
  throw new RefusedError('LOG_NO_TOPIC', `Topic ${topic.topic} has no partition ${partition}.`, {
    context: { topic: topic.topic, partition },
  });
}

function topicKey(name: string): Buffer {
  return Buffer.from(`t${name}`);
}

function notify(topic: Topic): void {
  topic.version += 1;
  for (const wake of [...topic.waiters]) wake();
}

function byPartition(group: readonly Append[]): Map<Partition, Append[]> {
  const partitions = new Map<Partition, Append[]>();
  for (const append of group) {
    const state = stateOf(append.topic, append.partition);
    const appends = partitions.get(state);
    if (appends === undefined) partitions.set(state, [append]);
    else appends.push(append);
  }
  return partitions;
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

/** The cluster id of the log; marks an empty folder as ours. */
async function checkFormat(db: Level, folder: string): Promise<string> {
  const [format, cluster] = await db.getMany([formatKey, clusterKey]);
  if (format?.toString() === logFormatVersion && cluster !== undefined) return cluster.toString();
  const [firstKey] = await db.keys({ limit: 1 }).all();
  if (firstKey !== undefined) {
    throw new StopError(
      'LOG_FORMAT',
      `The log in ${folder} has format ${format?.toString() ?? 'unknown'} and this version reads format ${logFormatVersion}; ` +
        'start with another folder, or with the version that wrote it.',
    );
  }
  const id = randomUUID();
  await db.batch(
    [
      { type: 'put', key: formatKey, value: Buffer.from(logFormatVersion) },
      { type: 'put', key: clusterKey, value: Buffer.from(id) },
    ],
    { sync: true },
  );
  return id;
}
