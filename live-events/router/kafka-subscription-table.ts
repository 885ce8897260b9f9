import { type Consumer, type Kafka, type KafkaMessage, Partitioners, type Producer } from 'kafkajs';
import { isKey } from '../../device/index.ts';
import { type Clock, type Log, OutageError, SingleFlight, StopError } from '../../foundation/index.ts';
import {
  type Subscription,
  type SubscriptionChange,
  type SubscriptionTable,
  subscriptionKey,
} from './subscription-table.ts';

export interface KafkaSubscriptionTableParts {
  readonly kafka: Kafka;
  readonly topic: string;
  /** Of a topic that we create; -1: the broker's own. */
  readonly replicationFactor: number;
  readonly loadMs: number;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

const ackTimeoutMs = 15_000;
/** A row is small and there are few: old ones shall not wait for a gigabyte before they are compacted. */
const topicConfig = {
  'cleanup.policy': 'compact',
  'segment.bytes': '16777216',
  'max.compaction.lag.ms': '3600000',
} as const;

/**
 * The table as a compacted topic of one partition: key `EVENT/GATEWAY`, value what people want to know, a tombstone when the gateway has left.
 *
 * To know when all has been read, a tombstone with a key of its own is written first, and reading ends with it: the end offset of a
 * compacted topic may be that of a record that is not there any more, for which a reader would wait for ever.
 */
export class KafkaSubscriptionTable implements SubscriptionTable {
  readonly #parts: KafkaSubscriptionTableParts;
  readonly #producer = new SingleFlight(() => this.#connect());

  constructor(parts: KafkaSubscriptionTableParts) {
    this.#parts = parts;
  }

  async load(): Promise<readonly Subscription[]> {
    const { kafka, topic, newId } = this.#parts;
    return await this.#attempt('read', async () => {
      await this.#ensureTopic();
      const id = newId();
      const end = await this.#send([{ key: `load/${id}`, value: null }]);
      const groupId = `${topic}-load-${id}`;
      const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false });
      try {
        return await this.#readTo(consumer, end);
      } finally {
        await consumer.disconnect();
        await this.#forgetGroup(groupId);
      }
    });
  }

  async write(changes: readonly SubscriptionChange[]): Promise<void> {
    const messages = changes.map((change) => {
      const { subscription } = change;
      const value =
        subscription === null ? null : { address: subscription.address, sinceMs: subscription.sinceMs };
      return { key: subscriptionKey(change), value: value === null ? null : JSON.stringify(value) };
    });
    await this.#attempt('write', () => this.#send(messages));
  }

  async close(): Promise<void> {
    const connecting = this.#producer.take();
    try {
      await (await connecting)?.disconnect();
    } catch (error) {
      this.#parts.log.debug(
        { error: String(error) },
        'The producer of the subscription table could not be disconnected.',
      );
    }
  }

  async #readTo(consumer: Consumer, end: bigint): Promise<readonly Subscription[]> {
    const { topic, loadMs, clock } = this.#parts;
    const rows = new Map<string, Subscription>();
    const done = Promise.withResolvers<void>();
    const over = new AbortController();
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    // A crash that kafkajs does not restart from is told to nobody else.
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) done.reject(payload.error);
    });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        this.#read(message, rows);
        if (BigInt(message.offset) >= end) done.resolve();
      },
    });
    const late = clock.sleep(loadMs, over.signal).then(() => {
      if (!over.signal.aborted) throw new Error(`the rows could not be read within ${loadMs} ms`);
    });
    try {
      await Promise.race([done.promise, late]);
    } finally {
      over.abort();
    }
    return [...rows.values()];
  }

  #read({ key, value }: KafkaMessage, rows: Map<string, Subscription>): void {
    const name = key?.toString() ?? '';
    if (value === null) {
      rows.delete(name);
      return;
    }
    const row = readRow(name, value.toString());
    if (row === null)
      this.#parts.log.warn(
        { topic: this.#parts.topic, key: name },
        'A row of the subscription table was written by somebody else.',
      );
    else rows.set(name, row);
  }

  /** The offset of the last one. */
  async #send(messages: readonly { readonly key: string; readonly value: string | null }[]): Promise<bigint> {
    const producer = await this.#producer.get();
    const [sent] = await producer.send({
      topic: this.#parts.topic,
      acks: -1,
      timeout: ackTimeoutMs,
      messages: messages.map((message) => ({ ...message, partition: 0 })),
    });
    return BigInt(sent?.baseOffset ?? '0') + BigInt(messages.length - 1);
  }

  async #connect(): Promise<Producer> {
    const producer = this.#parts.kafka.producer({
      allowAutoTopicCreation: false,
      // One at a time, or a repeated request would overtake the next one.
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  async #ensureTopic(): Promise<void> {
    const { kafka, topic, replicationFactor, log } = this.#parts;
    const admin = kafka.admin();
    await admin.connect();
    try {
      const configEntries = Object.entries(topicConfig).map(([name, value]) => ({ name, value }));
      const topics = [{ topic, numPartitions: 1, replicationFactor, configEntries }];
      const created = await admin.createTopics({ topics, waitForLeaders: true });
      if (created) log.info({ topic }, 'Made the topic of the subscription table.');
      else await this.#checkTopic(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async #checkTopic(admin: ReturnType<Kafka['admin']>): Promise<void> {
    const { topic } = this.#parts;
    // ConfigResourceTypes.TOPIC is 2; the enum is declared, but not exported as a value everywhere.
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic, configNames: ['cleanup.policy'] }],
    });
    const policy = resources[0]?.configEntries.find(({ configName }) => configName === 'cleanup.policy');
    if (policy?.configValue.includes('compact')) return;
    const message = `The topic "${topic}" keeps the table of subscriptions and is not compacted; set its cleanup.policy to compact.`;
    throw new StopError('LIVE_SUBSCRIPTIONS_TOPIC', message, { context: { topic } });
  }

  async #forgetGroup(groupId: string): Promise<void> {
    const admin = this.#parts.kafka.admin();
    try {
      await admin.connect();
      await admin.deleteGroups([groupId]);
    } catch (error) {
      // It holds no offsets, and the broker forgets it by itself.
      this.#parts.log.debug(
        { groupId, error: String(error) },
        'The group of the reader of the subscription table could not be deleted.',
      );
    } finally {
      await admin.disconnect();
    }
  }

  async #attempt<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { topic } = this.#parts;
    try {
      return await run();
    } catch (error) {
      if (error instanceof StopError) throw error;
      const message = `The table of subscriptions in the topic "${topic}" cannot be ${what === 'read' ? 'read' : 'written'}; check the brokers and that we may use the topic.`;
      throw new OutageError('LIVE_SUBSCRIPTIONS_UNREACHABLE', message, { cause: error, context: { topic } });
    }
  }
}

function readRow(key: string, text: string): Subscription | null {
  const [event, gateway, more] = key.split('/');
  if (!isKey(event) || !isKey(gateway) || more !== undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('address' in value) || !('sinceMs' in value))
      return null;
    const { address, sinceMs } = value;
    return typeof address === 'string' && typeof sinceMs === 'number'
      ? { event, gateway, address, sinceMs }
      : null;
  } catch {
    return null;
  }
}
