import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import type { Broadcast } from '../../device/index.ts';
import {
  type BackoffLimits,
  type Clock,
  type Log,
  type Random,
  SingleFlight,
} from '../../foundation/index.ts';
import type { BroadcastLog } from '../ports.ts';
import { topicUnreachable } from './kafka-broadcast-failure.ts';
import { KafkaBroadcastReader } from './kafka-broadcast-reader.ts';

export interface KafkaBroadcastLimits {
  /** Of a topic that this makes. */
  readonly partitions: number;
  /** Of a topic that this makes. Readers begin with the newest; what they missed they ask the owner of the journal for. */
  readonly retentionMs: number;
  /** A consumer that gave no sign of life for so long is replaced. */
  readonly stallMs: number;
  readonly backoff: BackoffLimits;
}

export const kafkaBroadcastLimitsDefault: KafkaBroadcastLimits = {
  partitions: 6,
  retentionMs: 86_400_000,
  stallMs: 60_000,
  backoff: { baseMs: 100, maxMs: 5000 },
};

export interface KafkaBroadcastParts {
  /** With few repetitions of its own: those that count are here and in the producer. */
  readonly kafka: Kafka;
  readonly topic: string;
  /** Of this process alone: every reader gets every broadcast. A group without members and commits leaves nothing behind in Kafka. */
  readonly groupId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: KafkaBroadcastLimits;
}

const ackTimeoutMs = 10_000;

/**
 * Broadcasts in a topic of Kafka, acknowledged by all replicas that are in sync; the key is the event's id, so those of one event are in one partition. A request that ran into a
 * timeout may be written behind the one that followed it; whoever reads drops what has a lower sequence.
 */
export class KafkaBroadcastLog implements BroadcastLog {
  readonly #parts: KafkaBroadcastParts;
  readonly #closing = new AbortController();
  readonly #readers = new Set<KafkaBroadcastReader>();
  readonly #producer = new SingleFlight(() => this.#connect());

  constructor(parts: KafkaBroadcastParts) {
    this.#parts = parts;
  }

  /** Throws OutageError LIVE_TOPIC_UNREACHABLE. */
  async publish(broadcast: Broadcast): Promise<void> {
    const { topic } = this.#parts;
    try {
      const producer = await this.#producer.get();
      const messages = [{ key: broadcast.event, value: JSON.stringify(broadcast) }];
      await producer.send({ topic, acks: -1, timeout: ackTimeoutMs, messages });
    } catch (error) {
      throw topicUnreachable(`write to topic "${topic}"`, error);
    }
  }

  /** Waits until the topic can be read; all that is published from then on comes to the handler. Throws OutageError LIVE_TOPIC_UNREACHABLE when it is closed before. */
  async subscribe(handler: (broadcast: Broadcast) => Promise<void>): Promise<() => Promise<void>> {
    const reader = new KafkaBroadcastReader(this.#parts, () => this.#makeTopic(), handler);
    this.#readers.add(reader);
    const stop = async (): Promise<void> => {
      this.#readers.delete(reader);
      await reader.stop();
    };
    if (this.#closing.signal.aborted) await stop();
    await reader.reading;
    return stop;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#readers].map((reader) => reader.stop()));
    this.#readers.clear();
    const connecting = this.#producer.take();
    try {
      await (await connecting)?.disconnect();
    } catch (error) {
      this.#parts.log.debug({ error: String(error) }, 'The producer of broadcasts was never connected.');
    }
  }

  async #connect(): Promise<Producer> {
    await this.#makeTopic();
    const producer = this.#parts.kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  /** Where it is missing, with the broker's own replication factor. */
  async #makeTopic(): Promise<void> {
    const { kafka, topic, limits, log } = this.#parts;
    const admin = kafka.admin();
    try {
      await admin.connect();
      if ((await admin.listTopics()).includes(topic)) return;
      const configEntries = [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: String(limits.retentionMs) },
      ];
      // False when another process was faster.
      const isMade = await admin.createTopics({
        topics: [{ topic, numPartitions: limits.partitions, replicationFactor: -1, configEntries }],
        waitForLeaders: true,
      });
      if (isMade) log.info({ topic, partitions: limits.partitions }, 'Made the topic of broadcasts.');
    } finally {
      await admin.disconnect();
    }
  }
}
