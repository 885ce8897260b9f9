import type { Consumer, EachMessagePayload } from 'kafkajs';
import { type Broadcast, readServerMessage } from '../../device/index.ts';
import { Backoff, type JourneyGraphError } from '../../foundation/index.ts';
import { isRefusal, topicUnreachable } from './kafka-broadcast-failure.ts';
import type { KafkaBroadcastParts } from './kafka-broadcast-log.ts';

const sessionTimeoutMs = 10_000;
const heartbeatIntervalMs = 3000;
/** How long a fetch waits in Kafka for something new. */
const fetchWaitMs = 500;
/** Who serves a group, and who leads a topic that was just made, is settled within seconds: only what lasts longer is told to people, and a refusal. */
const patienceMs = 10_000;

/**
 * Reads the topic from where its end was when reading began, through any number of consumers: each that fails is replaced by one that goes on where handling was. A group's own
 * offsets are of no use for that: nothing is committed, so after a rebalance the group would begin with what is newest then.
 */
export class KafkaBroadcastReader {
  readonly #parts: KafkaBroadcastParts;
  readonly #makeTopic: () => Promise<void>;
  readonly #handler: (broadcast: Broadcast) => Promise<void>;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** Where to go on, by partition; null before the topic's end was asked for. */
  #next: Map<number, bigint> | null = null;
  #begun: () => void = () => undefined;
  #neverBegun: (error: JourneyGraphError) => void = () => undefined;
  #lastSignMs = 0;

  /** Resolves when every broadcast that is published from then on will be handled; throws OutageError LIVE_TOPIC_UNREACHABLE when it was stopped before. */
  readonly reading: Promise<void>;

  constructor(
    parts: KafkaBroadcastParts,
    makeTopic: () => Promise<void>,
    handler: (broadcast: Broadcast) => Promise<void>,
  ) {
    this.#parts = parts;
    this.#makeTopic = makeTopic;
    this.#handler = handler;
    this.reading = new Promise((resolve, reject) => {
      this.#begun = resolve;
      this.#neverBegun = reject;
    });
    this.#running = this.#run();
  }

  /** Waits for the broadcast that is being handled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log, limits, topic } = this.#parts;
    const { signal } = this.#stopping;
    const backoff = new Backoff(limits.backoff, clock, random);
    const attempt = `read topic "${topic}"`;
    // Said once for each time that it cannot be read, not for each attempt.
    let isSaid = false;
    let failingSinceMs: number | null = null;
    while (!signal.aborted) {
      try {
        await this.#live(() => {
          isSaid = false;
          failingSinceMs = null;
          backoff.reset();
        });
      } catch (cause) {
        if (signal.aborted) break;
        const error = topicUnreachable(attempt, cause);
        const fields = { alarm: 'LIVE_TOPIC_UNREACHABLE', topic, error };
        failingSinceMs ??= clock.now();
        if (isSaid || (!isRefusal(cause) && clock.now() - failingSinceMs < patienceMs)) {
          log.debug(fields, 'Broadcasts cannot be read.');
        } else {
          log.warn(fields, 'Broadcasts cannot be read.');
          isSaid = true;
        }
        await backoff.wait(signal);
      }
    }
    this.#neverBegun(topicUnreachable(attempt, 'stopped'));
  }

  /** One consumer, from its connection to its end. Resolves when reading is stopped. */
  async #live(onJoined: () => void): Promise<void> {
    const { kafka, groupId, topic, clock } = this.#parts;
    this.#next ??= await this.#endOfTopic();
    const over = new AbortController();
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      maxWaitTimeInMs: fetchWaitMs,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 4, restartOnFailure: async () => false },
    });
    try {
      const failed = new Promise<never>((_resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      });
      const ended = Promise.race([failed, this.#stopped(over.signal), this.#stalled(over.signal)]);
      const sign = (): void => {
        this.#lastSignMs = clock.now();
      };
      sign();
      consumer.on(consumer.events.FETCH, sign);
      consumer.on(consumer.events.HEARTBEAT, sign);
      // Emitted between joining and the first fetch.
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        this.#seek(consumer, payload.memberAssignment[topic] ?? []);
        onJoined();
        this.#begun();
      });
      await Promise.race([ended, this.#start(consumer)]);
      await ended;
    } finally {
      over.abort();
      await consumer.disconnect();
    }
  }

  async #start(consumer: Consumer): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: [this.#parts.topic], fromBeginning: false });
    await consumer.run({ autoCommit: false, eachMessage: (payload) => this.#handle(payload) });
  }

  #seek(consumer: Consumer, partitions: readonly number[]): void {
    const { topic } = this.#parts;
    // One that was added since has been read by nobody.
    for (const partition of partitions)
      consumer.seek({ topic, partition, offset: String(this.#next?.get(partition) ?? 0n) });
  }

  async #handle({ partition, message }: EachMessagePayload): Promise<void> {
    const { log, topic } = this.#parts;
    const at = { topic, partition, offset: message.offset };
    const broadcast = readServerMessage(message.value?.toString() ?? '');
    if (broadcast?.type !== 'broadcast') {
      log.warn(at, 'What is in the topic of broadcasts is none.');
    } else {
      try {
        await this.#handler(broadcast);
      } catch (error) {
        // The others are not to wait for it; whoever needs it catches up by its cursor.
        log.error({ ...at, error }, 'A broadcast could not be handled.');
      }
    }
    this.#next?.set(partition, BigInt(message.offset) + 1n);
  }

  async #endOfTopic(): Promise<Map<number, bigint>> {
    await this.#makeTopic();
    const admin = this.#parts.kafka.admin();
    try {
      await admin.connect();
      const offsets = await admin.fetchTopicOffsets(this.#parts.topic);
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    } finally {
      await admin.disconnect();
    }
  }

  #stopped(over: AbortSignal): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      const done = (): void => resolve();
      signal.addEventListener('abort', done, { once: true });
      over.addEventListener('abort', () => signal.removeEventListener('abort', done), { once: true });
    });
  }

  /** Rejects when nothing was heard of the consumer for too long; resolves never before it is over. */
  async #stalled(over: AbortSignal): Promise<void> {
    const { clock, limits } = this.#parts;
    while (!over.aborted) {
      await clock.sleep(limits.stallMs / 4, over);
      if (!over.aborted && clock.now() - this.#lastSignMs > limits.stallMs)
        throw new Error('the consumer gave no sign of life');
    }
  }
}
