import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs';
import {
  FencedError,
  JourneyGraphError,
  type Log,
  must,
  silentLog,
  systemClock,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { findJavaTools } from '../test/services/java-tools.ts';
import { fetchPackage } from '../test/services/packages.ts';
import type { SourceBatch, SourceHandler } from './event-source.ts';
import { createKafkaClient, type KafkaConnectionSettings, loadKafkaConnection } from './kafka-client.ts';
import { type KafkaConsumeSettings, kafkaConsumeDefaults } from './kafka-session.ts';
import { KafkaSource } from './kafka-source.ts';
import { KafkaTopicIds } from './kafka-topic-ids.ts';

/** What the integration tests of this room share: positions as a store keeps them, and a source on a real broker. */

/** Positions with epochs, fenced as the real stores do it. Two sources may share one. */
export class FakePositions {
  readonly #rows = new Map<string, { epoch: number; next: bigint | null }>();
  readonly applied: { readonly key: string; readonly offset: bigint; readonly text: string }[] = [];

  claim(source: SourcePartition): { readonly epoch: number; readonly next: bigint | null } {
    const row = this.#rows.get(keyOf(source)) ?? { epoch: 0, next: null };
    row.epoch += 1;
    this.#rows.set(keyOf(source), row);
    return { ...row };
  }

  apply(batch: SourceBatch, epoch: number): void {
    const key = keyOf(batch.source);
    const row = must(this.#rows.get(key), 'claimed');
    if (row.epoch !== epoch || (row.next !== null && batch.from < row.next))
      throw new FencedError(`fenced ${key}`);
    for (const record of batch.records) {
      this.applied.push({ key, offset: record.offset, text: Buffer.from(record.value ?? []).toString() });
    }
    row.next = batch.next;
  }

  next(source: SourcePartition): bigint | null {
    return this.#rows.get(keyOf(source))?.next ?? null;
  }

  set(source: SourcePartition, next: bigint): void {
    this.#rows.set(keyOf(source), { epoch: 0, next });
  }
}

export function keyOf({ topicId, partition }: SourcePartition): string {
  return `${topicId}/${partition}`;
}

/** Applies at once, and tells everything that the source said. */
export class FakeHandler implements SourceHandler {
  readonly said: string[] = [];
  readonly batches: SourceBatch[] = [];
  readonly #positions: FakePositions;
  readonly #epochs = new Map<string, number>();
  readonly #owned = new Map<string, SourcePartition>();
  readonly #gapAnswer: 'stop' | 'skip';
  readonly #watchers = new Set<() => void>();

  constructor(positions: FakePositions, gapAnswer: 'stop' | 'skip' = 'stop') {
    this.#positions = positions;
    this.#gapAnswer = gapAnswer;
  }

  get owned(): readonly SourcePartition[] {
    return [...this.#owned.values()];
  }

  async assigned(source: SourcePartition): Promise<bigint | null> {
    const { epoch, next } = this.#positions.claim(source);
    this.#epochs.set(keyOf(source), epoch);
    this.#owned.set(keyOf(source), source);
    this.#say(`assigned ${source.partition}`);
    return next;
  }

  revoked(source: SourcePartition): void {
    this.#owned.delete(keyOf(source));
    this.#say(`revoked ${source.partition}`);
  }

  async batch(batch: SourceBatch): Promise<void> {
    try {
      this.#positions.apply(batch, this.#epochs.get(keyOf(batch.source)) ?? -1);
    } catch (error) {
      this.#say('fenced');
      throw error;
    }
    this.batches.push(batch);
    this.#say(`batch ${batch.source.partition}`);
  }

  gap(source: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip' {
    this.#say(`gap ${source.partition} ${expected} ${found}`);
    return this.#gapAnswer;
  }

  outage(error: Error | null): void {
    this.#say(error instanceof JourneyGraphError ? `outage ${error.code}` : `outage ${error}`);
  }

  /** Resolves as soon as the condition holds after something was said; the test's own timeout ends it otherwise. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const watch = (): void => {
        if (!condition()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }

  #say(what: string): void {
    this.said.push(what);
    for (const watch of this.#watchers) watch();
  }
}

export interface RunningSource {
  readonly source: KafkaSource;
  /** Settles when the source ended by itself, or after `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export async function startSource(
  topic: string,
  handler: SourceHandler,
  connection: Partial<KafkaConnectionSettings> & Pick<KafkaConnectionSettings, 'bootstrap.servers'>,
  settings: Partial<KafkaConsumeSettings> = {},
  log: Log = silentLog,
): Promise<RunningSource> {
  const loaded = await loadKafkaConnection({
    'client.id': 'journey-graph-test',
    'security.protocol': 'PLAINTEXT',
    ...connection,
  });
  const source = new KafkaSource({
    kafka: createKafkaClient(loaded, log),
    lookup: new KafkaTopicIds(loaded, log),
    topic,
    settings: {
      ...kafkaConsumeDefaults,
      'group.id': 'test',
      'session.timeout.ms': 10_000,
      'heartbeat.interval.ms': 500,
      'fetch.wait.max.ms': 100,
      watchIntervalMs: 500,
      ...settings,
    },
    log,
    clock: systemClock,
    random: Math.random,
  });
  const abort = new AbortController();
  const ended = source.run(handler, abort.signal);
  // Whoever waits for it sees the rejection; until then it must not count as unhandled.
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  return { source, ended, stop };
}

export function plainKafka(bootstrapServers: string): Kafka {
  return new Kafka({
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 8 },
  });
}

export async function createTopic(
  bootstrapServers: string,
  topic: string,
  numPartitions = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = plainKafka(bootstrapServers).admin();
  await admin.connect();
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] });
  await admin.disconnect();
}

export async function produce(
  bootstrapServers: string,
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  const producer = plainKafka(bootstrapServers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
}

/** Messages `text-0` … for one partition. */
export function numbered(text: string, count: number, partition = 0): readonly Message[] {
  return Array.from({ length: count }, (_, index) => ({ value: `${text}-${index}`, partition }));
}

/** Runs Kafka's own Java producer; see `kafka-foreign-producer.java` for the parts. */
export async function produceForeign(
  bootstrapServers: string,
  topic: string,
  parts: readonly string[],
): Promise<void> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new Error(`Kafka's own producer needs ${java.lacking}`);
  const lib = await fetchPackage('kafka', java.tools, environment.cacheDirectory);
  const program = join(import.meta.dirname, 'kafka-foreign-producer.java');
  await promisify(execFile)(java.tools.java, [
    '-Xmx256m',
    '-cp',
    join(lib, '*'),
    program,
    bootstrapServers,
    topic,
    ...parts,
  ]);
}
