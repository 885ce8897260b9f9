import { type Admin, Kafka, KafkaJSProtocolError, logLevel, type Message, Partitioners } from 'kafkajs';
import {
  FencedError,
  JourneyGraphError,
  type Log,
  must,
  seededRandom,
  silentLog,
  systemClock,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import { runKafkaProgram } from '../test/services/index.ts';
import type { SourceBatch, SourceHandler } from './event-source.ts';
import { createKafkaClient, type KafkaConnectionSettings, loadKafkaConnection } from './kafka-client.ts';
import { type KafkaConsumeSettings, kafkaConsumeDefaults } from './kafka-consume-settings.ts';
import { KafkaSource } from './kafka-source.ts';
import { KafkaTopicIds } from './kafka-topic-ids.ts';

/** What the integration tests of this room share: positions as a store keeps them, and a source on a real broker. */

/** Shared by the handlers of one store: what a test waits for may be brought about by any of them. */
class News {
  readonly #watchers = new Set<() => void>();

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

  tell(): void {
    for (const watch of this.#watchers) watch();
  }
}

/** Positions with epochs, fenced as the real stores do it. Two sources may share one. */
export class FakePositions {
  readonly #rows = new Map<string, { epoch: number; next: bigint | null }>();
  readonly #usurped = new Set<string>();
  readonly news = new News();
  readonly applied: { readonly key: string; readonly offset: bigint; readonly text: string }[] = [];

  claim(source: SourcePartition): { readonly epoch: number; readonly next: bigint | null } {
    const row = this.#rows.get(keyOf(source)) ?? { epoch: 0, next: null };
    row.epoch += 1;
    this.#rows.set(keyOf(source), row);
    return { ...row };
  }

  /** Somebody else claims the partition just before the next batch of it is applied, whoever owns it by then. */
  usurpNext(source: SourcePartition): void {
    this.#usurped.add(keyOf(source));
  }

  apply(batch: SourceBatch, epoch: number): void {
    const key = keyOf(batch.source);
    if (this.#usurped.delete(key)) this.claim(batch.source);
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

  /**
   * Resolves as soon as the condition holds, which is looked at whenever a handler of these positions says something. The test's
   * own timeout ends it otherwise.
   */
  until(condition: () => boolean): Promise<void> {
    return this.#positions.news.until(condition);
  }

  #say(what: string): void {
    this.said.push(what);
    this.#positions.news.tell();
  }
}

type LogLevel = keyof Log;

/** Keeps what it is told. */
export class LogRecorder implements Log {
  readonly lines: { readonly level: LogLevel; readonly fields: object; readonly message: string }[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }

  messages(...levels: readonly LogLevel[]): readonly string[] {
    return this.lines.filter(({ level }) => levels.includes(level)).map(({ message }) => message);
  }
}

export interface RunningSource {
  readonly source: KafkaSource;
  /** What it ended with, by itself or after `stop`: an error, or null. Never rejects, so nobody is obliged to wait for it. */
  readonly ended: Promise<unknown>;
  /** Rejects with what it ended with. */
  stop(): Promise<void>;
}

/** Jitter of the pauses after a failure: the same in every run. */
const backoffSeed = 1;

export async function createSource(
  topic: string,
  connection: Partial<KafkaConnectionSettings> & Pick<KafkaConnectionSettings, 'bootstrap.servers'>,
  settings: Partial<KafkaConsumeSettings> = {},
  log: Log = silentLog,
): Promise<KafkaSource> {
  const loaded = await loadKafkaConnection({
    'client.id': 'journey-graph-test',
    'security.protocol': 'PLAINTEXT',
    ...connection,
  });
  return new KafkaSource({
    client: (sockets) => createKafkaClient(loaded, log, sockets),
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
    random: seededRandom(backoffSeed),
  });
}

export async function startSource(
  topic: string,
  handler: SourceHandler,
  connection: Parameters<typeof createSource>[1],
  settings: Partial<KafkaConsumeSettings> = {},
  log: Log = silentLog,
): Promise<RunningSource> {
  const source = await createSource(topic, connection, settings, log);
  const abort = new AbortController();
  const ended = source.run(handler, abort.signal).then(
    () => null,
    (error: unknown) => error,
  );
  const stop = async (): Promise<void> => {
    abort.abort();
    const error = await ended;
    if (error !== null) throw error;
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
  // Kafkajs's own waiting gives up at a broker that has not heard of the topic yet.
  await admin.createTopics({
    topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }],
    waitForLeaders: false,
  });
  await untilLed(admin, topic, numPartitions);
  await admin.disconnect();
}

const ledWithinMs = 30_000;

async function untilLed(admin: Admin, topic: string, numPartitions: number): Promise<void> {
  for (const deadline = Date.now() + ledWithinMs; ; await systemClock.sleep(50)) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const led = topics[0]?.partitions.filter(({ leader }) => leader >= 0) ?? [];
      if (led.length === numPartitions) return;
    } catch (error) {
      if (!(error instanceof KafkaJSProtocolError) || !error.retriable || Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline)
      throw new Error(`not every partition of ${topic} had a leader within ${ledWithinMs} ms`);
  }
}

export async function produce(
  bootstrapServers: string,
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  // A new topic's leaders, or those of a broker that came back, do not all take records at once, and kafkajs repeats a whole
  // request when one of its partitions refused: without sequence numbers the others would hold their records twice.
  const producer = plainKafka(bootstrapServers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: true,
  });
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
}

/** The broker names a static member by its instance and a random rest. */
export async function staticMembers(bootstrapServers: string, groupId: string): Promise<readonly string[]> {
  const admin = plainKafka(bootstrapServers).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([groupId]);
  await admin.disconnect();
  const random = '-00000000-0000-0000-0000-000000000000'.length;
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId.slice(0, -random))).sort();
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
  await runKafkaProgram('kafka-foreign-producer.java', [bootstrapServers, topic, ...parts]);
}
