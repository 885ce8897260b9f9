import { isIP } from 'node:net';
import type { Admin, AdminOptions } from '@platformatic/kafka';
import { type Log, OutageError } from '../foundation/index.ts';
import type { SourceEnd } from './event-source.ts';
import type { KafkaConnection } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';
import type { LogRetention } from './log-retention.ts';

/** Kafka's ListOffsets protocol: instead of a time, the ends of the log. */
export const earliestTimestamp = -2n;
export const latestTimestamp = -1n;

/** Kafka's number for configuration of a topic. */
const topicResource = 2 as const;

/** Which topic this is, across deletions and recreations of its name. */
export interface TopicIdentity {
  readonly cluster: string;
  /** The UUID that Kafka gave this life of the topic. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface PartitionBounds {
  /** The first offset that the log still has. */
  readonly low: bigint;
  /** One past its last record. */
  readonly end: bigint;
}

/** What a source asks the cluster beside fetching. All calls throw `OutageError` or `StopError`. */
export interface TopicLookup {
  /** Asks the cluster, never a cache. Throws `OutageError` with code `KAFKA_UNKNOWN_TOPIC` while there is no such topic. */
  identify(topic: string): Promise<TopicIdentity>;
  bounds(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, PartitionBounds>>;
  close(): Promise<void>;
}

/** How far the log of each partition reaches. Throws what both questions do. */
export async function topicEnds(lookup: TopicLookup, topic: string): Promise<readonly SourceEnd[]> {
  const { cluster, topicId, partitions } = await lookup.identify(topic);
  const bounds = await lookup.bounds(topic, [...Array(partitions).keys()]);
  return [...bounds].map(([partition, { low, end }]) => ({
    source: { cluster, topic, topicId, partition },
    low,
    end,
  }));
}

/** A connection that failed is thrown away with its client: the next question makes a new one. */
export class KafkaTopicIds implements TopicLookup {
  readonly #connection: KafkaConnection;
  readonly #log: Log;
  /** A promise, so that questions asked at once share one client. */
  #admin: Promise<Admin> | null = null;

  constructor(connection: KafkaConnection, log: Log) {
    this.#connection = connection;
    this.#log = log;
  }

  async identify(topic: string): Promise<TopicIdentity> {
    return this.#ask(`look up topic "${topic}"`, topic, async (admin) => {
      const metadata = await admin.metadata({ topics: [topic], forceUpdate: true, autocreateTopics: false });
      const found = metadata.topics.get(topic);
      if (found === undefined) {
        throw new OutageError('KAFKA_UNKNOWN_TOPIC', `Topic "${topic}" does not exist in this cluster.`, {
          context: { topic },
        });
      }
      return { cluster: metadata.id, topicId: found.id, partitions: found.partitionsCount };
    });
  }

  async bounds(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, PartitionBounds>> {
    if (partitions.length === 0) return new Map();
    return this.#ask(`ask how far topic "${topic}" reaches`, topic, async (admin) => {
      const [lows, ends] = await Promise.all([
        offsetsAt(admin, topic, partitions, earliestTimestamp),
        offsetsAt(admin, topic, partitions, latestTimestamp),
      ]);
      const bounds = new Map<number, PartitionBounds>();
      for (const partition of partitions) {
        const low = lows.get(partition);
        const end = ends.get(partition);
        if (low !== undefined && end !== undefined) bounds.set(partition, { low, end });
      }
      return bounds;
    });
  }

  /** How long the cluster keeps the topic's records. Needs the right to describe its configuration. */
  async retention(topic: string): Promise<LogRetention> {
    return await this.#ask(`ask how long topic "${topic}" is kept`, topic, async (admin) => {
      const resource = {
        resourceType: topicResource,
        resourceName: topic,
        configurationKeys: ['retention.ms', 'retention.bytes', 'cleanup.policy'],
      };
      const [described] = await admin.describeConfigs({ resources: [resource] });
      const values = new Map((described?.configs ?? []).map(({ name, value }) => [name, value ?? '']));
      const policy = (values.get('cleanup.policy') ?? 'delete').split(',');
      const bound = (name: string): number | null => {
        const value = Number(values.get(name) ?? '-1');
        return policy.includes('delete') && Number.isSafeInteger(value) && value >= 0 ? value : null;
      };
      return {
        ms: bound('retention.ms'),
        bytes: bound('retention.bytes'),
        isCompacted: policy.includes('compact'),
      };
    });
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    if (admin === null) return;
    try {
      await (await admin).close();
    } catch (error) {
      this.#log.debug({ client: 'admin', error: String(error) }, 'closing the admin connection failed');
    }
  }

  async #ask<T>(attempt: string, topic: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= createAdmin(this.#connection);
    try {
      return await question(await this.#admin);
    } catch (error) {
      await this.close();
      throw kafkaError(error, attempt, { topic });
    }
  }
}

async function offsetsAt(
  admin: Admin,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<ReadonlyMap<number, bigint>> {
  const asked = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }));
  const answers = await admin.listOffsets({ topics: [{ name: topic, partitions: asked }] });
  return new Map(
    answers.flatMap((answer) =>
      answer.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]),
    ),
  );
}

/** The client is a fifth of all files that a start would read: loaded where Kafka is read, not where the embedded log is. */
async function createAdmin(connection: KafkaConnection): Promise<Admin> {
  const { Admin } = await import('@platformatic/kafka');
  return new Admin(clientOptions(connection));
}

/** What @platformatic/kafka's clients of this product have in common. */
export function clientOptions(connection: KafkaConnection): AdminOptions {
  return {
    clientId: connection.clientId,
    bootstrapBrokers: [...connection.brokers],
    connectTimeout: 5_000,
    requestTimeout: 10_000,
    retries: 2,
    retryDelay: 200,
    ...(connection.tls === null ? {} : { tls: connection.tls, tlsServerName: !usesAddresses(connection) }),
    ...(connection.sasl === null ? {} : { sasl: { ...connection.sasl } }),
  };
}

/**
 * A server name (SNI) may not be an address, but routers before a cluster need one where there are names. Certificates are
 * checked either way: against the server name, or else against the address that was connected to.
 */
function usesAddresses({ brokers }: KafkaConnection): boolean {
  return brokers.some(
    (broker) => isIP(broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '')) !== 0,
  );
}
