import type {
  Consumer,
  ConsumerCrashEvent,
  ConsumerGroupJoinEvent,
  ConsumerStartBatchProcessEvent,
  EachBatchPayload,
  ISocketFactory,
  Kafka,
} from 'kafkajs';
import {
  assert,
  type Clock,
  JourneyGraphError,
  type Log,
  OutageError,
  StopError,
} from '../foundation/index.ts';
import type { SourceHandler } from './event-source.ts';
import type { StuckPartitions } from './kafka-client-faults.ts';
import type { KafkaConsumeSettings } from './kafka-consume-settings.ts';
import { kafkaError } from './kafka-error.ts';
import { KafkaGroupShares } from './kafka-group-shares.ts';
import { KafkaPartition, type PartitionControl } from './kafka-partition.ts';
import { sourceRecords } from './kafka-record.ts';
import { StaticMember } from './kafka-static-member.ts';
import type { TopicIdentity, TopicLookup } from './kafka-topic-ids.ts';

/** A client for consumers. With `sockets` it is the session's own, and connects by them. */
export type ConsumerClient = (sockets: ISocketFactory | null) => Kafka;

export interface SessionParts {
  readonly client: ConsumerClient;
  readonly topic: string;
  readonly settings: KafkaConsumeSettings;
  readonly identity: TopicIdentity;
  readonly lookup: TopicLookup;
  readonly handler: SourceHandler;
  readonly log: Log;
  readonly clock: Clock;
  /** Called when partitions are read from (or none is ours): the log is reachable. */
  readonly onReading: () => void;
}

/** Why a session is over without an error; `regrouped`: it gave its place up, to have the partitions shared out anew. */
export type SessionEnd = 'aborted' | 'recreated' | 'regrouped';

/** Partitions whose batches are handled at the same time; more would only deepen the pipeline's own queue. */
const partitionsAtOnce = 4;
/** kafkajs waits for requests under way when it disconnects; a dead broker must not hold us longer than this. */
const closeMs = 10_000;

/**
 * One life of one kafkajs consumer, from connecting to the first failure. kafkajs never restarts it: every crash comes here
 * and ends the session, so there is one loop that retries, and it is ours.
 */
export class KafkaSession {
  readonly #parts: SessionParts;
  readonly #consumer: Consumer;
  readonly #member: StaticMember | null;
  readonly #shares: KafkaGroupShares;
  readonly #partitions = new Map<number, KafkaPartition>();
  readonly #over = new AbortController();
  readonly #ended: Promise<SessionEnd>;
  #end: (end: SessionEnd) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #lastSignOfLifeMs: number;
  #joins = 0;
  #stuck: StuckPartitions = new Map();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#lastSignOfLifeMs = parts.clock.now();
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (end) => {
        this.#over.abort();
        resolve(end);
      };
      this.#fail = (error) => {
        this.#over.abort();
        reject(error);
      };
    });
    const { settings, topic, clock } = parts;
    const instanceId = settings['group.instance.id'];
    this.#member = instanceId === null ? null : new StaticMember(instanceId, (error) => this.#fail(error));
    this.#shares = new KafkaGroupShares(topic, settings['metadata.max.age.ms'], clock);
    this.#consumer = this.#createConsumer();
  }

  get identity(): TopicIdentity {
    return this.#parts.identity;
  }

  /** When it failed; of none before. */
  get stuck(): StuckPartitions {
    return this.#stuck;
  }

  /** Resolves when `signal` aborts or the topic was recreated; rejects with a `JourneyGraphError`, or with a bug. */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    const abort = (): void => this.#end('aborted');
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const starting = this.#start();
    const watching = this.#watch();
    try {
      return await this.#ended;
    } catch (error) {
      // Closing takes all partitions away.
      this.#stuck = new Map(
        [...this.#partitions].flatMap(([number, { stuckAt }]) =>
          stuckAt === null ? [] : [[number, stuckAt]],
        ),
      );
      throw this.#explain(error);
    } finally {
      signal.removeEventListener('abort', abort);
      await this.#close(starting);
      await watching;
    }
  }

  /**
   * Resolves when the handler holds no batch of this session any more, or `signal` aborts. A next session waits for it, so
   * that the calls for one partition do not overlap; the end of all does not: a handler that stops may leave its answer open.
   */
  async idle(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const idle = Promise.all([...this.#partitions.values()].map((partition) => partition.idle()));
    await new Promise<void>((resolve) => {
      const abort = (): void => resolve();
      signal.addEventListener('abort', abort, { once: true });
      void idle.then(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  /** Best effort, for lag tools. Rejects when it cannot be told now; of a partition that went elsewhere others tell. */
  async commit(partition: number, next: bigint): Promise<void> {
    if (this.#partitions.get(partition)?.owned !== true) return;
    await this.#consumer.commitOffsets([{ topic: this.#parts.topic, partition, offset: String(next) }]);
  }

  reclaim(partition: number): void {
    if (!this.#over.signal.aborted) this.#partitions.get(partition)?.reclaim();
  }

  #createConsumer(): Consumer {
    const { client, topic, settings } = this.#parts;
    const consumer = client(this.#member?.sockets ?? null).consumer({
      groupId: `${settings['group.id']}.${topic}`,
      sessionTimeout: settings['session.timeout.ms'],
      heartbeatInterval: settings['heartbeat.interval.ms'],
      maxBytesPerPartition: settings['max.partition.fetch.bytes'],
      maxBytes: settings['fetch.max.bytes'],
      maxWaitTimeInMs: settings['fetch.wait.max.ms'],
      metadataMaxAge: settings['metadata.max.age.ms'],
      // A topic that is missing must stay missing: by default kafkajs's metadata request would create it.
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        retries: 4,
        restartOnFailure: async () => false,
      },
    });
    const { GROUP_JOIN, START_BATCH_PROCESS, CRASH, FETCH, HEARTBEAT } = consumer.events;
    consumer.on(GROUP_JOIN, (event) => this.#joined(event));
    consumer.on(START_BATCH_PROCESS, (event) => this.#batchStarts(event));
    consumer.on(CRASH, (event: ConsumerCrashEvent) => this.#fail(event.payload.error));
    consumer.on(FETCH, () => this.#signOfLife());
    consumer.on(HEARTBEAT, () => this.#signOfLife());
    return consumer;
  }

  /** Never rejects: what goes wrong ends the session. */
  async #start(): Promise<void> {
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [this.#parts.topic], fromBeginning: true });
      if (this.#over.signal.aborted) return;
      await this.#consumer.run({
        autoCommit: false,
        // It would mark a batch as read that was dropped or fenced.
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitionsAtOnce,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * kafkajs has no rebalance listener, but it emits this event synchronously between joining and the first fetch. Pausing
   * here keeps it from fetching anything before the store has said where to read.
   */
  #joined({ payload }: ConsumerGroupJoinEvent): void {
    if (this.#over.signal.aborted) return;
    this.#signOfLife();
    const { topic } = this.#parts;
    const assigned = new Set(payload.memberAssignment[topic] ?? []);
    this.#consumer.pause([{ topic, partitions: [...assigned] }]);
    for (const [number, partition] of this.#partitions) {
      // Kept, for it may come back while the handler still holds a batch of it.
      if (!assigned.has(number)) partition.revoke();
    }
    if (assigned.size === 0) this.#parts.onReading();
    // A rebalance is also what a deleted topic looks like from here, so the name is looked up before anything is claimed.
    this.#joins += 1;
    void this.#assign([...assigned], this.#joins);
  }

  /** Never rejects: what goes wrong ends the session. */
  async #assign(numbers: readonly number[], join: number): Promise<void> {
    let partitions: number;
    try {
      ({ partitions } = await this.#checkIdentity());
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Another rebalance came meanwhile: its answer counts.
    if (this.#over.signal.aborted || join !== this.#joins) return;
    // A topic made anew with fewer: who comes back to its place is given the shares of the old one.
    if (this.#member !== null && numbers.some((number) => number >= partitions)) {
      this.#shareAnew(this.#member, 'partitions are given out that the topic does not have');
      return;
    }
    for (const number of numbers) {
      let partition = this.#partitions.get(number);
      if (partition === undefined) {
        partition = this.#createPartition(number);
        this.#partitions.set(number, partition);
      }
      partition.assign();
    }
  }

  #createPartition(partition: number): KafkaPartition {
    const { topic, identity, handler, lookup, log } = this.#parts;
    const steer = (act: () => void): void => {
      if (!this.#over.signal.aborted) act();
    };
    const control: PartitionControl = {
      seek: (number, offset) =>
        steer(() => this.#consumer.seek({ topic, partition: number, offset: String(offset) })),
      pause: (number) => steer(() => this.#consumer.pause([{ topic, partitions: [number] }])),
      resume: (number) => steer(() => this.#consumer.resume([{ topic, partitions: [number] }])),
      fail: (error) => this.#fail(error),
      checkIdentity: async () => {
        await this.#checkIdentity();
      },
      claimed: () => this.#parts.onReading(),
    };
    const source = { cluster: identity.cluster, topic, topicId: identity.topicId, partition };
    return new KafkaPartition(source, handler, lookup, control, log);
  }

  async #eachBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined || this.#over.signal.aborted) return;
    const last = batch.lastOffset();
    const wake = new AbortController();
    const wakeUp = (): void => wake.abort();
    this.#over.signal.addEventListener('abort', wakeUp, { once: true });
    let done = false;
    void partition
      .take({
        asked: BigInt(askedOffset(batch)),
        next: BigInt(last) + 1n,
        end: BigInt(batch.highWatermark),
        records: () => sourceRecords(batch.messages),
        taken: () => resolveOffset(last),
      })
      .then(() => {
        done = true;
        wakeUp();
      });
    try {
      // kafkajs has no heartbeat of its own while a batch is handled, and backpressure may last for hours.
      while (!done && !this.#over.signal.aborted) {
        await this.#parts.clock.sleep(this.#parts.settings['heartbeat.interval.ms'], wake.signal);
        if (!done && !this.#over.signal.aborted) await heartbeat();
      }
    } finally {
      this.#over.signal.removeEventListener('abort', wakeUp);
    }
  }

  /** The only trace of a batch without visible records: kafkajs moves past it without calling `eachBatch`. */
  #batchStarts({ payload }: ConsumerStartBatchProcessEvent): void {
    if (payload.batchSize > 0 || this.#over.signal.aborted) return;
    const next = BigInt(payload.lastOffset) + 1n;
    // No first offset: all it held lies before what was asked for, and kafkajs steps on by one.
    const first: unknown = payload.firstOffset;
    const begins = typeof first === 'string' ? BigInt(first) : next - 1n;
    this.#partitions.get(payload.partition)?.passedOver(begins, next, BigInt(payload.highWatermark));
  }

  /** Rejects, after having ended the session, when the name means another topic by now. */
  async #checkIdentity(): Promise<TopicIdentity> {
    const { topic, identity, lookup, log } = this.#parts;
    const now = await lookup.identify(topic);
    if (now.topicId === identity.topicId && now.cluster === identity.cluster) return now;
    if (!this.#over.signal.aborted) {
      log.error(
        { alarm: 'kafka-topic-recreated', topic, was: identity.topicId, is: now.topicId },
        `topic "${topic}" was recreated: reading the new one from its own position`,
      );
      this.#member?.leave();
    }
    this.#end('recreated');
    throw new OutageError('KAFKA_TOPIC_RECREATED', `Topic "${topic}" was recreated.`, { context: { topic } });
  }

  /** Looks now and then for what no fetch shows; also the watchdog of a consumer that hangs. */
  async #watch(): Promise<void> {
    const { clock, settings, topic, lookup, log } = this.#parts;
    while (!this.#over.signal.aborted) {
      await clock.sleep(settings.watchIntervalMs, this.#over.signal);
      if (this.#over.signal.aborted) return;
      const silentMs = clock.now() - this.#lastSignOfLifeMs;
      if (silentMs > settings.stallMs) {
        const message = `Kafka's consumer of topic "${topic}" gave no sign of life for ${silentMs} ms: starting a new one.`;
        this.#fail(new OutageError('KAFKA_STALLED', message, { context: { topic } }));
        return;
      }
      try {
        const { partitions } = await this.#checkIdentity();
        const bounds = await lookup.bounds(topic, [...this.#partitions.keys()]);
        for (const [number, bound] of bounds) this.#partitions.get(number)?.inspect(bound);
        if (this.#member !== null) await this.#regroup(this.#member, partitions);
      } catch (error) {
        if (!(error instanceof JourneyGraphError && error.retryable)) this.#fail(error);
        // An outage is noticed by the consumer too, which is what decides.
        else log.debug({ topic, code: error.code }, 'the topic could not be looked at');
      }
    }
  }

  /** Ends the session when partitions of the topic are nobody's and stay so. */
  async #regroup(member: StaticMember, partitions: number): Promise<void> {
    const { signal } = this.#over;
    // kafkajs would connect a consumer again that is being closed.
    if (signal.aborted) return;
    const lost = await this.#shares.lost(this.#consumer, this.#joins, partitions, signal);
    if (lost > 0 && !signal.aborted) this.#shareAnew(member, `${lost} partitions are read by nobody`);
  }

  #shareAnew(member: StaticMember, why: string): void {
    const { topic, log } = this.#parts;
    log.warn({ topic }, `${why}: the group shares the topic out anew`);
    member.leave();
    this.#end('regrouped');
  }

  #signOfLife(): void {
    this.#lastSignOfLifeMs = this.#parts.clock.now();
  }

  #explain(error: unknown): JourneyGraphError {
    const { topic } = this.#parts;
    const known = kafkaError(error, `read topic "${topic}"`, { topic });
    if (known.reaction !== 'stop' || known.context.offset !== undefined) return known;
    if (known.code !== 'KAFKA_BATCH_TOO_LARGE' && known.code !== 'KAFKA_BATCH_BROKEN') return known;
    // kafkajs decodes a whole response at once and does not say where it failed: at one of these.
    const reading = [...this.#partitions.values()].flatMap(({ source, expected }) =>
      expected === null ? [] : [{ partition: source.partition, offset: expected }],
    );
    const places = reading.slice(0, 16).map(({ partition, offset }) => `${partition} from ${offset}`);
    const only = reading.length === 1 ? reading[0] : undefined;
    return new StopError(
      known.code,
      `${known.message} Topic "${topic}", reading partition ${places.join(' or ')}.`,
      { cause: known, context: { ...known.context, topic, ...only } },
    );
  }

  async #close(starting: Promise<void>): Promise<void> {
    this.#over.abort();
    this.#member?.stop();
    for (const partition of this.#partitions.values()) partition.revoke();
    const { clock, log, topic } = this.#parts;
    const patience = new AbortController();
    let isClosed = false;
    const patient = clock.sleep(closeMs, patience.signal);
    const closing = (async () => {
      // A consumer that is stopped while it joins goes on joining, and would fetch for nobody.
      await starting;
      await Promise.race([this.#shares.idle(), patient]);
      await this.#consumer.disconnect();
      isClosed = true;
    })();
    try {
      await Promise.race([closing, patient]);
    } catch (error) {
      log.debug({ topic, error: String(error) }, 'disconnecting from Kafka failed');
    }
    patience.abort();
    this.#member?.destroy(isClosed ? null : new OutageError('KAFKA_UNAVAILABLE', 'The session is over.'));
    // Should it fail after our patience ended, nobody is left to hear of it but the log.
    closing.catch((error: unknown) => log.debug({ topic, error: String(error) }, 'late disconnect failed'));
  }
}

/** kafkajs keeps it on every batch but leaves it out of its types. */
function askedOffset(batch: object): string {
  const asked: unknown = Reflect.get(batch, 'fetchedOffset');
  assert(typeof asked === 'string', 'kafkajs tells which offset a fetch asked for');
  return asked;
}
