import { randomUUID } from 'node:crypto';
import { type BatchOperation, ClassicLevel } from 'classic-level';
import { StopError } from '../foundation/index.ts';
import { damaged, openFailure, readFailure, writeFailure } from './embedded-log-error.ts';
import {
  baseOf,
  chunkHeader,
  chunkKey,
  logFormatVersion,
  offsetMax,
  unpackChunk,
} from './embedded-log-format.ts';
import type { LogTopic, PartitionState } from './embedded-log-topic.ts';
import type { SourceRecord } from './event-source.ts';

type Level = ClassicLevel<Buffer, Buffer>;
export type LogOperation = BatchOperation<Level, Buffer, Buffer>;

export interface ReadRows {
  readonly records: readonly SourceRecord[];
  readonly next: bigint;
}

/** What retention takes away with one write. */
export interface ExpiredRows {
  readonly deletes: readonly LogOperation[];
  readonly low: bigint;
  readonly lowBytes: number;
}

const formatKey = Buffer.from('!format');
const clusterKey = Buffer.from('!cluster');
/** Bounds the memory of one write; what is left goes with the next one. */
const expiredRowsMax = 16_384;

/**
 * The log's rows: `t<topic>` names a topic's id, `d<topic id>` marks rows that are still to be deleted, `c…` holds a chunk of records.
 * Errors of the database come out as ours: OutageError LOG_READ_FAILED or LOG_WRITE_FAILED, StopError LOG_CORRUPT.
 */
export class LogRows {
  readonly #db: Level;
  readonly #folder: string;

  constructor(folder: string, cacheBytes: number) {
    this.#folder = folder;
    this.#db = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      cacheSize: cacheBytes,
      // Rows are large and mostly not compressible twice: producers compress, or do not care.
      compression: false,
      // Read from one end to the other: what lies behind need not stay mapped into memory.
      maxOpenFiles: 64,
    });
  }

  /** Opens, or opens again, and returns the log's cluster id. Throws StopError LOG_LOCKED, LOG_FORMAT or LOG_CORRUPT, or OutageError. */
  async open(): Promise<string> {
    try {
      await this.#db.open();
      return await this.#checkFormat();
    } catch (error) {
      await this.#db.close();
      throw openFailure(this.#folder, error);
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  /** Finishes interrupted deletions, then lists what is there. */
  async topics(): Promise<readonly LogTopic[]> {
    try {
      for await (const mark of this.#db.keys({ gte: Buffer.from('d'), lt: Buffer.from('e') })) {
        await this.clearTopic(mark.toString('utf8', 1));
      }
      const topics: LogTopic[] = [];
      for await (const [key, row] of this.#db.iterator({ gte: Buffer.from('t'), lt: Buffer.from('u') })) {
        const { id, partitions }: { id: string; partitions: number } = JSON.parse(row.toString());
        topics.push({ topic: key.toString('utf8', 1), topicId: id, partitions });
      }
      return topics;
    } catch (error) {
      throw openFailure(this.#folder, error);
    }
  }

  async putTopic({ topic, topicId, partitions }: LogTopic): Promise<void> {
    const row = Buffer.from(JSON.stringify({ id: topicId, partitions }));
    await this.write([{ type: 'put', key: topicKey(topic), value: row }], null);
  }

  /** From here on the topic is gone, also after a crash; its rows go with {@link clearTopic}. */
  async markDeleted({ topic, topicId }: LogTopic): Promise<void> {
    await this.write(
      [
        { type: 'del', key: topicKey(topic) },
        { type: 'put', key: deletionMark(topicId), value: Buffer.alloc(0) },
      ],
      null,
    );
  }

  async clearTopic(topicId: string): Promise<void> {
    try {
      const gte = chunkKey(topicId, 0, 0n);
      const lte = chunkKey(topicId, 2 ** 32 - 1, offsetMax);
      await this.#db.clear({ gte, lte });
      await this.#db.del(deletionMark(topicId), { sync: true });
    } catch (error) {
      throw writeFailure(error, null);
    }
  }

  async partition({ topic, topicId }: LogTopic, partition: number): Promise<PartitionState> {
    const place = { topic, partition, offset: 0n };
    const range = {
      gte: chunkKey(topicId, partition, 0n),
      lte: chunkKey(topicId, partition, offsetMax),
      limit: 1,
    };
    try {
      const [first] = await this.#db.iterator(range).all();
      const [last] = await this.#db.iterator({ ...range, reverse: true }).all();
      if (first === undefined || last === undefined) return { low: 0n, end: 0n, lowBytes: 0, endBytes: 0 };
      const firstHeader = chunkHeader(first[1]);
      const lastHeader = chunkHeader(last[1]);
      if (firstHeader === null) throw damaged({ ...place, offset: baseOf(first[0]) });
      if (lastHeader === null) throw damaged({ ...place, offset: baseOf(last[0]) });
      return {
        low: baseOf(first[0]),
        end: baseOf(last[0]) + BigInt(lastHeader.count),
        lowBytes: firstHeader.bytesBefore,
        endBytes: lastHeader.bytesBefore + last[1].length,
      };
    } catch (error) {
      throw readFailure(error, place);
    }
  }

  /** Records from `from` on, whole chunks until `bytesMax` is reached; `from` lies below `end`. */
  async read(
    { topic, topicId }: LogTopic,
    partition: number,
    from: bigint,
    end: bigint,
    bytesMax: number,
  ): Promise<ReadRows> {
    const place = { topic, partition, offset: from };
    try {
      const base = await this.#baseBelow(topicId, partition, from);
      if (base === null) throw damaged(place);
      const records: SourceRecord[] = [];
      let next = from;
      let bytes = 0;
      const range = { gte: chunkKey(topicId, partition, base), lt: chunkKey(topicId, partition, end) };
      for await (const [key, chunk] of this.#db.iterator({ ...range, highWaterMarkBytes: bytesMax })) {
        const chunkBase = baseOf(key);
        const header = chunkHeader(chunk);
        if (header === null || chunkBase > next) throw damaged({ ...place, offset: next });
        unpackChunk(chunk, chunkBase, from, records);
        next = chunkBase + BigInt(header.count);
        bytes += chunk.length;
        if (bytes >= bytesMax) break;
      }
      if (records.length === 0) throw damaged(place);
      return { records, next };
    } catch (error) {
      throw readFailure(error, place);
    }
  }

  /** The oldest of the rows durable so far, as many as lie beyond `bytesMax` when the partition ends at `endBytes`. */
  async expired(
    { topic, topicId }: LogTopic,
    partition: number,
    state: PartitionState,
    endBytes: number,
    bytesMax: number,
  ): Promise<ExpiredRows> {
    let { low, lowBytes } = state;
    const deletes: LogOperation[] = [];
    if (endBytes - lowBytes <= bytesMax) return { deletes, low, lowBytes };
    const range = { gte: chunkKey(topicId, partition, low), lt: chunkKey(topicId, partition, state.end) };
    try {
      for await (const [key, chunk] of this.#db.iterator(range)) {
        low = baseOf(key);
        if (endBytes - lowBytes <= bytesMax || deletes.length === expiredRowsMax) {
          return { deletes, low, lowBytes };
        }
        deletes.push({ type: 'del', key });
        lowBytes += chunk.length;
      }
      return { deletes, low: state.end, lowBytes };
    } catch (error) {
      throw readFailure(error, { topic, partition, offset: low });
    }
  }

  /** All or nothing, and durable. */
  async write(operations: LogOperation[], place: Parameters<typeof writeFailure>[1]): Promise<void> {
    try {
      await this.#db.batch(operations, { sync: true });
    } catch (error) {
      throw writeFailure(error, place);
    }
  }

  async #baseBelow(topicId: string, partition: number, offset: bigint): Promise<bigint | null> {
    const gte = chunkKey(topicId, partition, 0n);
    const lte = chunkKey(topicId, partition, offset);
    const [key] = await this.#db.keys({ gte, lte, reverse: true, limit: 1 }).all();
    return key === undefined ? null : baseOf(key);
  }

  /** The cluster id of the log; marks an empty folder as ours. */
  async #checkFormat(): Promise<string> {
    const [format, cluster] = await this.#db.getMany([formatKey, clusterKey]);
    if (format?.toString() === logFormatVersion && cluster !== undefined) return cluster.toString();
    const [firstKey] = await this.#db.keys({ limit: 1 }).all();
    if (firstKey !== undefined) {
      throw new StopError(
        'LOG_FORMAT',
        `The log in ${this.#folder} has format ${format?.toString() ?? 'unknown'} and this version reads format ${logFormatVersion}; ` +
          'start with another folder, or with the version that wrote it.',
      );
    }
    const id = randomUUID();
    await this.write(
      [
        { type: 'put', key: formatKey, value: Buffer.from(logFormatVersion) },
        { type: 'put', key: clusterKey, value: Buffer.from(id) },
      ],
      null,
    );
    return id;
  }
}

function topicKey(name: string): Buffer {
  return Buffer.from(`t${name}`);
}

function deletionMark(topicId: string): Buffer {
  return Buffer.from(`d${topicId}`);
}
