/**
 * How a topic is consumed, in librdkafka's names.
 *
 * Memory: a broker's response holds at most `max.partition.fetch.bytes` x its assigned partitions, and at most
 * `fetch.max.bytes` (a single larger batch is still sent, to make progress). One response a broker is in memory at a time, decoded as far as
 * `decompressed.bytes.max` goes: about 500 bytes of JavaScript objects a record beside its bytes, which unfold. So for records of 80 bytes,
 * 16 MiB is about 200,000 records or 130 MiB; each further broker that leads partitions of the topic adds as much.
 */
export interface KafkaConsumeSettings {
  /** Each topic has a group of its own, `<group.id>.<topic>`: one topic's trouble never rebalances another. */
  readonly 'group.id': string;
  /** The name under which this process is a static member of each group; null: it is a new member at each start. */
  readonly 'group.instance.id': string | null;
  readonly 'session.timeout.ms': number;
  readonly 'heartbeat.interval.ms': number;
  readonly 'max.partition.fetch.bytes': number;
  readonly 'fetch.max.bytes': number;
  readonly 'fetch.wait.max.ms': number;
  /** So long may partitions that were added to the topic stay unnoticed. */
  readonly 'metadata.max.age.ms': number;
  /** How often the topic's id and its log's bounds are looked at while all goes well. */
  readonly watchIntervalMs: number;
  /** A consumer that gave no sign of life for this long is replaced. */
  readonly stallMs: number;
}

export const kafkaConsumeDefaults = {
  'group.instance.id': null,
  'session.timeout.ms': 10_000,
  'heartbeat.interval.ms': 3_000,
  'max.partition.fetch.bytes': 1_048_576,
  'fetch.max.bytes': 16_777_216,
  'fetch.wait.max.ms': 500,
  'metadata.max.age.ms': 60_000,
  watchIntervalMs: 10_000,
  stallMs: 120_000,
} as const satisfies Omit<KafkaConsumeSettings, 'group.id'>;
