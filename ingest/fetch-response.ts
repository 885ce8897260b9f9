import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions.ts';
import {
  type BatchMessage,
  hiddenMessage,
  magicOf,
  type RecordBatch,
  readBatch,
  readRecords,
} from './record-batch.ts';
import { RecordBytes } from './record-bytes.ts';

/** A fetch's answer, as kafkajs shows it. What was aborted is among `messages` as hidden, so that `abortedTransactions` says nothing more. */
export interface FetchResponse {
  /** What the broker has waited already, milliseconds. */
  readonly throttleTime: number;
  /** What the client is to wait. */
  readonly clientSideThrottleTime?: number;
  readonly errorCode?: number;
  readonly sessionId?: number;
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset?: string;
  readonly abortedTransactions: readonly never[];
  readonly preferredReadReplica?: number;
  readonly messages: readonly unknown[];
}

/** Versions of the answer that this reads: those before it have no transactions, those behind it kafkajs never asks for. */
export const fetchVersions = [4, 5, 6, 7, 8, 9, 10, 11] as const;
export type FetchVersion = (typeof fetchVersions)[number];

export interface FetchDecoding {
  /** An answer is read no further once as much was unfolded. */
  readonly bytesMax: number;
  /** Of one batch; an answer is read no further once there are as many. */
  readonly recordsMax: number;
  /** By the number in the batch. Throws StopError. */
  readonly unfold: (compression: number, compressed: Buffer) => Promise<Buffer>;
  /** What is written in a format before 2: kafkajs reads that. */
  readonly readOldMessages: (bytes: Buffer) => Promise<readonly unknown[]>;
}

/**
 * Reads the answer to a fetch. Of what a broker sends beyond the bounds nothing is read: it is asked for again behind what was.
 * Source: https://kafka.apache.org/protocol#The_Messages_Fetch
 *
 * Throws StopError (KAFKA_BATCH_BROKEN, KAFKA_BATCH_TOO_LARGE).
 */
export async function readFetchResponse(
  version: FetchVersion,
  payload: Buffer,
  decoding: FetchDecoding,
): Promise<FetchResponse> {
  const reader = new RecordBytes(payload);
  const waitMs = reader.int32();
  // From version 8 on the broker answers at once and leaves it to the client to wait.
  const throttle =
    version < 8 ? { throttleTime: waitMs } : { throttleTime: 0, clientSideThrottleTime: waitMs };
  const session = version < 7 ? {} : { errorCode: reader.int16(), sessionId: reader.int32() };
  const answer = new AnswerReader(version, reader, decoding);
  const responses = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) responses.push(await answer.topic());
  return { ...throttle, ...session, responses };
}

class AnswerReader {
  readonly #version: FetchVersion;
  readonly #reader: RecordBytes;
  readonly #decoding: FetchDecoding;
  #bytesLeft: number;
  #recordsLeft: number;

  constructor(version: FetchVersion, reader: RecordBytes, decoding: FetchDecoding) {
    this.#version = version;
    this.#reader = reader;
    this.#decoding = decoding;
    this.#bytesLeft = decoding.bytesMax;
    this.#recordsLeft = decoding.recordsMax;
  }

  async topic(): Promise<FetchResponse['responses'][number]> {
    const topicName = this.#reader.text();
    const partitions = [];
    for (let count = this.#reader.int32(); count > 0; count -= 1) partitions.push(await this.#partition());
    return { topicName, partitions };
  }

  async #partition(): Promise<FetchedPartition> {
    const reader = this.#reader;
    const about = {
      partition: reader.int32(),
      errorCode: reader.int16(),
      highWatermark: String(reader.int64()),
      lastStableOffset: String(reader.int64()),
      ...(this.#version < 5 ? {} : { lastStartOffset: String(reader.int64()) }),
    };
    const aborted: AbortedTransaction[] = [];
    for (let count = reader.int32(); count > 0; count -= 1)
      aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() });
    const replica = this.#version < 11 ? {} : { preferredReadReplica: reader.int32() };
    const messages = await this.#messages(reader.block(), new AbortedTransactions(aborted));
    return { ...about, abortedTransactions: [], ...replica, messages };
  }

  async #messages(bytes: Buffer, aborted: AbortedTransactions): Promise<readonly unknown[]> {
    if (bytes.length === 0) return [];
    if (magicOf(bytes, 0) !== 2) return await this.#decoding.readOldMessages(bytes);
    const messages: BatchMessage[] = [];
    for (let at = 0; magicOf(bytes, at) === 2 && this.#bytesLeft > 0 && this.#recordsLeft > 0; ) {
      const read = readBatch(bytes, at);
      if (read === null) break;
      at = read.end;
      for (const message of await this.#batch(read.batch, aborted)) messages.push(message);
    }
    return messages;
  }

  async #batch(batch: RecordBatch, aborted: AbortedTransactions): Promise<readonly BatchMessage[]> {
    const { baseOffset, lastOffset } = batch;
    if (aborted.hides(batch) || batch.isControl)
      return baseOffset === lastOffset
        ? [hiddenMessage(lastOffset)]
        : [hiddenMessage(baseOffset), hiddenMessage(lastOffset)];
    const { unfold, recordsMax } = this.#decoding;
    const plain = batch.compression === 0 ? batch.records : await unfold(batch.compression, batch.records);
    const { messages, cost } = readRecords(batch, plain, recordsMax);
    this.#bytesLeft -= plain.length;
    this.#recordsLeft -= cost;
    // Where compaction took the last ones away: else kafkajs asks for them an offset at a time.
    if (messages.at(-1)?.offset !== String(lastOffset)) messages.push(hiddenMessage(lastOffset));
    return messages;
  }
}
