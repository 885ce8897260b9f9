import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import { type Log, OutageError, SingleFlight, StopError } from '../foundation/index.ts';
import type { DeadLetter, DeadLetterWriter } from './dead-letters.ts';
import { deadLetterMessage } from './kafka-dead-letter-message.ts';
import { kafkaError, protocolErrorsOf } from './kafka-error.ts';
import type { TopicLookup } from './kafka-topic-ids.ts';

export interface KafkaDeadLetterSettings {
  /** Goes into `__connect.errors.connector.name`: the pipeline's name, such as its consumer group. */
  readonly connectorName: string;
  /** Goes into `__connect.errors.task.id`: which process it was. */
  readonly taskId: string;
  /** Partitions of a dead letter topic that we create; null for as many as the source topic has. */
  readonly partitions: number | null;
  /** `max.message.bytes` of a topic that we create: a letter is larger than its record by its headers. */
  readonly messageBytesMax: number;
  /**
   * `retention.bytes` of a topic that we create, for each of its partitions: beyond it the oldest segment of letters is deleted.
   *
   * Kafka counts `retention.ms` from a letter's timestamp, which is its record's: the letter of a record that is older than that,
   * as a backfill reads it, would be deleted within minutes. So age deletes nothing, and size does, in the order of writing.
   * `message.timestamp.type=LogAppendTime` would have made age work, but overwrites the record's timestamp.
   */
  readonly retentionBytes: number;
}

export const kafkaDeadLetterDefaults = {
  partitions: null,
  messageBytesMax: 2_097_152,
  retentionBytes: 1_073_741_824,
} as const satisfies Omit<KafkaDeadLetterSettings, 'connectorName' | 'taskId'>;

export interface KafkaDeadLetterParts {
  readonly kafka: Kafka;
  /** This writer's own: it is closed with it. */
  readonly lookup: TopicLookup;
  readonly settings: KafkaDeadLetterSettings;
  readonly log: Log;
}

/** Letters sent with one request. Kafka's size limit is for all letters of a partition in a request, not for each alone. */
const requestBytesMax = 524_288;
const requestLettersMax = 1_000;
const ackTimeoutMs = 15_000;
/** Kafka deletes whole segments: what is kept beyond `retention.bytes` is one of them at most. */
const segmentBytes = 134_217_728;

/**
 * Dead letters in `<topic>.dlq`, acknowledged by all in-sync replicas. A topic that is missing is created such that age deletes no
 * letter, only size; one that is there keeps the retention it has. A letter goes to the partition of its record (modulo
 * the partitions there are), one request at a time, so letters of a key keep their order.
 *
 * kafkajs's idempotent producer is not used: it is marked experimental there, it needs unbounded retries that would hide an
 * outage from the pipeline, and the port allows a letter to be written twice after a failure.
 *
 * A letter that Kafka refuses as too large is never dropped or cut: the write ends in a `StopError` that names the record, and
 * its position does not move until somebody raised `max.message.bytes`.
 */
export class KafkaDeadLetters implements DeadLetterWriter {
  readonly #parts: KafkaDeadLetterParts;
  /** Partitions write at the same time: what they wait for is asked once, and asked again only after it failed. */
  readonly #producer = new SingleFlight(() => this.#connect());
  /** How many partitions each dead letter topic has, as it was answered or is still being asked, by name: one a source topic. */
  readonly #topics = new Map<string, SingleFlight<number>>();

  constructor(parts: KafkaDeadLetterParts) {
    this.#parts = parts;
  }

  async write(letters: readonly DeadLetter[]): Promise<void> {
    const byTopic = Map.groupBy(letters, ({ source }) => source.topic);
    for (const [topic, some] of byTopic) {
      const target = deadLetterTopic(topic);
      const partitions = await this.#ready(topic, target);
      for (const chunk of chunks(some)) await this.#send(target, partitions, chunk);
    }
  }

  async close(): Promise<void> {
    const connecting = this.#producer.take();
    await this.#parts.lookup.close();
    try {
      const producer = await connecting;
      await producer?.disconnect();
    } catch (error) {
      this.#parts.log.debug({ error: String(error) }, 'disconnecting the dead letter producer failed');
    }
  }

  async #send(target: string, partitions: number, letters: readonly DeadLetter[]): Promise<void> {
    const first = letters[0];
    if (first === undefined) return;
    const { settings } = this.#parts;
    const messages: Message[] = letters.map((letter) => ({
      ...deadLetterMessage(letter, settings),
      partition: letter.source.partition % partitions,
    }));
    try {
      const producer = await this.#producer.get();
      await producer.send({ topic: target, acks: -1, timeout: ackTimeoutMs, messages });
    } catch (error) {
      const refused = protocolErrorsOf(error);
      if (refused.includes('UNKNOWN_TOPIC_OR_PARTITION')) this.#topics.delete(target);
      if (!refused.some((name) => name === 'MESSAGE_TOO_LARGE' || name === 'RECORD_LIST_TOO_LARGE')) {
        throw kafkaError(error, `write dead letters to "${target}"`, { topic: target });
      }
      if (letters.length === 1) throw tooLarge(target, first, error);
      // Together they are too large: alone, only a letter that is so by itself is refused.
      for (const letter of letters) await this.#send(target, partitions, [letter]);
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#parts.kafka.producer({
      allowAutoTopicCreation: false,
      // One at a time, or a retried request would overtake the next one.
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  /** How many partitions the dead letter topic has; creates it when it is missing. */
  async #ready(topic: string, target: string): Promise<number> {
    const partitions = this.#topics.get(target) ?? new SingleFlight(() => this.#ask(topic, target));
    this.#topics.set(target, partitions);
    return await partitions.get();
  }

  async #ask(topic: string, target: string): Promise<number> {
    return (await this.#partitionsOf(target)) ?? (await this.#create(topic, target));
  }

  async #partitionsOf(target: string): Promise<number | null> {
    try {
      return (await this.#parts.lookup.identify(target)).partitions;
    } catch (error) {
      if (error instanceof OutageError && error.code === 'KAFKA_UNKNOWN_TOPIC') return null;
      throw error;
    }
  }

  async #create(topic: string, target: string): Promise<number> {
    const { kafka, lookup, settings, log } = this.#parts;
    const numPartitions = settings.partitions ?? (await lookup.identify(topic)).partitions;
    const admin = kafka.admin();
    try {
      await admin.connect();
      const configEntries = [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'max.message.bytes', value: String(settings.messageBytesMax) },
        { name: 'retention.ms', value: '-1' },
        { name: 'retention.bytes', value: String(settings.retentionBytes) },
        { name: 'segment.bytes', value: String(segmentBytes) },
      ];
      // The broker's own replication factor. False when another process was faster.
      const created = await admin.createTopics({
        topics: [{ topic: target, numPartitions, replicationFactor: -1, configEntries }],
        waitForLeaders: true,
      });
      if (created) log.info({ topic: target, partitions: numPartitions }, 'created the dead letter topic');
      return (await lookup.identify(target)).partitions;
    } catch (error) {
      if (protocolErrorsOf(error).some((name) => name.endsWith('_AUTHORIZATION_FAILED'))) {
        throw new StopError(
          'KAFKA_DEAD_LETTERS_NOT_AUTHORIZED',
          `The dead letter topic "${target}" does not exist and this user may not create it. Create it with ${numPartitions} partitions, or grant Create on it.`,
          { cause: error, context: { topic: target } },
        );
      }
      throw kafkaError(error, `create the dead letter topic "${target}"`, { topic: target });
    } finally {
      await admin.disconnect();
    }
  }
}

export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

function* chunks(letters: readonly DeadLetter[]): Generator<readonly DeadLetter[]> {
  let chunk: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = (letter.record.key?.byteLength ?? 0) + (letter.record.value?.byteLength ?? 0);
    if (chunk.length > 0 && (bytes + size > requestBytesMax || chunk.length >= requestLettersMax)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(letter);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function tooLarge(target: string, { source, record }: DeadLetter, cause: unknown): StopError {
  const { topic, partition } = source;
  return new StopError(
    'KAFKA_DEAD_LETTER_TOO_LARGE',
    `The dead letter of topic "${topic}", partition ${partition}, offset ${record.offset}, is larger than "${target}" takes. Raise that topic's max.message.bytes; nothing was skipped.`,
    { cause, context: { topic, partition, offset: record.offset } },
  );
}
