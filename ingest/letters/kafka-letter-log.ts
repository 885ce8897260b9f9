import { type Log, OutageError } from '../../foundation/index.ts';
import type { SourceRecord } from '../event-source.ts';
import type { KafkaConnection } from '../kafka-client.ts';
import { deadLetterTopic } from '../kafka-dead-letters.ts';
import { kafkaError } from '../kafka-error.ts';
import { fetchFrom, isOpen, type OpenPartition } from '../kafka-samples.ts';
import { clientOptions, KafkaTopicIds } from '../kafka-topic-ids.ts';
import type { LetterLog, LetterPartition } from './letter-log.ts';

/** Letters in Kafka, read straight from the partitions' leaders: no group is joined and nothing is committed. */
export class KafkaLetterLog implements LetterLog {
  readonly #connection: KafkaConnection;
  readonly #lookup: KafkaTopicIds;

  constructor(connection: KafkaConnection, log: Log) {
    this.#connection = connection;
    this.#lookup = new KafkaTopicIds(connection, log);
  }

  async partitions(topic: string): Promise<readonly LetterPartition[]> {
    const name = deadLetterTopic(topic);
    try {
      const { cluster, topicId, partitions } = await this.#lookup.identify(name);
      const numbers = Array.from({ length: partitions }, (_, partition) => partition);
      const bounds = await this.#lookup.bounds(name, numbers);
      return numbers.flatMap((partition) => {
        const found = bounds.get(partition);
        return found === undefined
          ? []
          : [{ source: { cluster, topic: name, topicId, partition }, ...found }];
      });
    } catch (error) {
      if (error instanceof OutageError && error.code === 'KAFKA_UNKNOWN_TOPIC') return [];
      throw error;
    }
  }

  async *read(
    { source, low, end }: LetterPartition,
    from: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceRecord[]> {
    const next = from < low ? low : from;
    if (next >= end) return;
    const { topic, topicId, partition } = source;
    const { Consumer } = await import('@platformatic/kafka');
    // The client never joins its group: the library merely wants to know a name.
    const groupId = `${this.#connection.clientId}-letters`;
    const consumer = new Consumer({ ...clientOptions(this.#connection), groupId });
    try {
      const metadata = await consumer.metadata({ topics: [topic], autocreateTopics: false });
      const leader = metadata.topics.get(topic)?.partitions[partition]?.leader;
      if (leader === undefined) {
        throw new OutageError(
          'KAFKA_UNKNOWN_TOPIC',
          `Partition ${partition} of topic "${topic}" has no leader.`,
        );
      }
      const left = Number.MAX_SAFE_INTEGER;
      const open: OpenPartition = { partition, leader, next, end, left, emptyFetches: 0 };
      while (isOpen(open) && !signal.aborted) {
        const records: SourceRecord[] = [];
        const take = async (record: SourceRecord): Promise<void> => {
          records.push(record);
        };
        await fetchFrom(consumer, leader, topicId, [open], take, signal);
        yield records;
      }
    } catch (error) {
      throw kafkaError(error, `read the dead letters in "${topic}"`, { topic, partition });
    } finally {
      await consumer.close(true);
    }
  }

  async close(): Promise<void> {
    await this.#lookup.close();
  }
}
