import type { Kafka } from 'kafkajs';
import type { Settings } from '../config/index.ts';
import { type Log, must } from '../foundation/index.ts';
import {
  createKafkaClient,
  type DeadLetterWriter,
  type EventSource,
  hideKafkajsTimeoutWarning,
  installKafkaDecoders,
  type KafkaConnection,
  KafkaDeadLetters,
  KafkaLetterLog,
  KafkaSource,
  KafkaTopicIds,
  kafkaConsumeDefaults,
  kafkaDeadLetterDefaults,
  type LetterLog,
  type LogState,
  loadKafkaConnection,
  type SourceEnd,
  topicEnds,
} from '../ingest/index.ts';
import {
  type BroadcastLog,
  KafkaBroadcastLog,
  KafkaSubscriptionTable,
  kafkaBroadcastLimitsDefault,
  type SubscriptionTable,
} from '../live-events/index.ts';
import type { CommandIo } from './command-io.ts';
import type { Events } from './events.ts';
import { kafkaConnectionSettings } from './kafka-connection-settings.ts';

/** What reading the table of subscriptions may take before it is tried again. */
const subscriptionsLoadMs = 30_000;

/** Events from a Kafka cluster, and dead letters back into it. */
export class KafkaEvents implements Events {
  readonly topics: readonly string[];
  readonly #kafka: Kafka;
  readonly #connection: KafkaConnection;
  readonly #settings: Settings;
  readonly #io: CommandIo;
  readonly #log: Log;
  readonly #lookup: KafkaTopicIds;

  private constructor(connection: KafkaConnection, settings: Settings, io: CommandIo, log: Log) {
    this.topics = settings.topics;
    this.#connection = connection;
    this.#kafka = createKafkaClient(connection, log);
    this.#settings = settings;
    this.#io = io;
    this.#log = log;
    this.#lookup = new KafkaTopicIds(connection, log);
  }

  /** Reads certificates; connects to nothing yet. */
  static async open(settings: Settings, io: CommandIo, log: Log): Promise<KafkaEvents> {
    const servers = must(settings['bootstrap.servers'], 'Kafka was chosen because brokers are named');
    const connection = await loadKafkaConnection(kafkaConnectionSettings(servers, settings));
    hideKafkajsTimeoutWarning(process);
    installKafkaDecoders({ decompressedBatchBytesMax: settings['decompressed.bytes.max'] });
    return new KafkaEvents(connection, settings, io, log);
  }

  get description(): string {
    const count = this.topics.length;
    return `Kafka at ${this.#connection.brokers.join(', ')}, ${count} ${count === 1 ? 'topic' : 'topics'}`;
  }

  source(topic: string): EventSource {
    return this.#source(topic, this.#settings['group.id'], this.#settings['group.instance.id']);
  }

  /** A group of one member gets all partitions. Nothing is committed in it, so the cluster forgets it once the process is gone. */
  tableSource(topic: string): EventSource {
    return this.#source(topic, `${this.#settings['group.id']}.table.${this.#io.newId()}`);
  }

  archiveSource(topic: string): EventSource {
    return this.#source(topic, `${this.#settings['group.id']}.archive`);
  }

  async logState(topic: string): Promise<LogState> {
    const lookup = new KafkaTopicIds(this.#connection, this.#log);
    try {
      const { cluster, topicId, partitions } = await lookup.identify(topic);
      const bounds = await lookup.bounds(topic, [...Array(partitions).keys()]);
      const ends = [...bounds].map(([partition, { low, end }]) => ({
        source: { cluster, topic, topicId, partition },
        low,
        end,
      }));
      return { ends, retention: await lookup.retention(topic) };
    } finally {
      await lookup.close();
    }
  }

  ends(topic: string): Promise<readonly SourceEnd[]> {
    return topicEnds(this.#lookup, topic);
  }

  broadcasts(log: Log): BroadcastLog {
    const { clock, random } = this.#io;
    const topic = this.#settings['live.broadcasts.topic'];
    // Of this process alone: each one gets every broadcast.
    const groupId = `${this.#settings['group.id']}.live.${this.#io.newId()}`;
    const limits = kafkaBroadcastLimitsDefault;
    return new KafkaBroadcastLog({ kafka: this.#kafka, topic, groupId, clock, random, log, limits });
  }

  subscriptions(log: Log): SubscriptionTable {
    return new KafkaSubscriptionTable({
      kafka: this.#kafka,
      topic: this.#settings['live.subscriptions.topic'],
      replicationFactor: -1,
      loadMs: subscriptionsLoadMs,
      newId: this.#io.newId,
      clock: this.#io.clock,
      log,
    });
  }

  #source(topic: string, groupId: string, instanceId: string | null = null): EventSource {
    const settings = this.#settings;
    return new KafkaSource({
      client: (sockets) =>
        sockets === null ? this.#kafka : createKafkaClient(this.#connection, this.#log, sockets),
      lookup: new KafkaTopicIds(this.#connection, this.#log),
      topic,
      settings: {
        ...kafkaConsumeDefaults,
        'group.id': groupId,
        'group.instance.id': instanceId,
        'session.timeout.ms': settings['session.timeout.ms'],
        'heartbeat.interval.ms': settings['heartbeat.interval.ms'],
        'max.partition.fetch.bytes': settings['max.partition.fetch.bytes'],
        'fetch.max.bytes': settings['fetch.max.bytes'],
        'fetch.wait.max.ms': settings['fetch.wait.max.ms'],
        'metadata.max.age.ms': settings['metadata.max.age.ms'],
      },
      log: this.#log,
      clock: this.#io.clock,
      random: this.#io.random,
    });
  }

  deadLetters(topic: string): DeadLetterWriter {
    return new KafkaDeadLetters({
      kafka: this.#kafka,
      lookup: new KafkaTopicIds(this.#connection, this.#log),
      settings: {
        ...kafkaDeadLetterDefaults,
        connectorName: `${this.#settings['group.id']}.${topic}`,
        taskId: this.#settings['client.id'],
      },
      log: this.#log,
    });
  }

  letters(): LetterLog {
    return new KafkaLetterLog(this.#connection, this.#log);
  }

  /** Sources and dead-letter writers close their own connections. */
  async close(): Promise<void> {
    await this.#lookup.close();
    this.#log.debug({}, 'Kafka connections are closed.');
  }
}
