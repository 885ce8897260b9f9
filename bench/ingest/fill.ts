import { join } from 'node:path';
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../../ingest/index.ts';
import { EventEncoder } from '../../schemas/index.ts';
import {
  type BenchEvent,
  type BenchShape,
  benchSchema,
  benchShape,
  benchTopic,
  PlaybackEvents,
} from './playback-events.ts';

export const partitions = 4;
const chunk = 2000;
const topicTimeoutMs = 30_000;
const topicPollMs = 100;

/** Event times run up to the end, one a millisecond. */
function* chunks(events: PlaybackEvents, count: number, endMs: number): Generator<readonly BenchEvent[]> {
  const startMs = endMs - count;
  for (let sent = 0; sent < count; sent += chunk) {
    const size = Math.min(chunk, count - sent);
    yield Array.from({ length: size }, (_, index) => events.next(startMs + sent + index));
  }
}

/** Writes the events into an embedded log in the product's data folder, before the product starts. */
export async function fillLog(
  dataFolder: string,
  count: number,
  seed: number,
  shape: BenchShape = benchShape,
  endMs: number = Date.now(),
): Promise<void> {
  const schema = await benchSchema();
  const events = new PlaybackEvents(new EventEncoder(schema.id, schema.text), seed, shape);
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(dataFolder, 'log') });
  try {
    await log.createTopic(benchTopic, partitions);
    let turn = 0;
    for (const batch of chunks(events, count, endMs)) {
      const records = batch.map(({ key, value, timeMs }) => ({
        key,
        value,
        timestampMs: timeMs,
        headers: null,
      }));
      await log.append(benchTopic, turn++ % partitions, records);
    }
  } finally {
    await log.close();
  }
}

export interface KafkaTarget {
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  readonly topic: string;
}

/** Registers the schema and makes the topic; the events' schema id is the registry's. */
export async function prepareTopic(
  target: KafkaTarget,
  seed: number,
  numPartitions: number = partitions,
): Promise<PlaybackEvents> {
  const { text } = await benchSchema();
  const response = await fetch(
    `${target.registryUrl}/subjects/${encodeURIComponent(target.topic)}-value/versions`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: text }),
    },
  );
  if (!response.ok) throw new Error(`the registry answered ${response.status}`);
  const { id }: { id: number } = JSON.parse(await response.text());
  const admin = kafkaOf(target).admin();
  await admin.connect();
  const topics = [{ topic: target.topic, numPartitions }];
  await admin.createTopics({ topics, waitForLeaders: false });
  await untilLed(admin, target.topic);
  await admin.disconnect();
  return new PlaybackEvents(new EventEncoder(id, text), seed);
}

/** Waits as `createTopics` would, which gives up at once when the topic is not in the broker's metadata yet. */
async function untilLed(admin: Admin, topic: string): Promise<void> {
  const deadline = performance.now() + topicTimeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (topics[0]?.partitions.every(({ leader }) => leader >= 0) === true) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, topicPollMs));
  }
  throw new Error(`the partitions of ${topic} got no leader in time`, { cause: last });
}

export async function withProducer<T>(
  target: KafkaTarget,
  work: (producer: Producer) => Promise<T>,
  idempotent = false,
): Promise<T> {
  const producer = kafkaOf(target).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent,
    ...(idempotent ? { maxInFlightRequests: 1 } : {}),
  });
  await producer.connect();
  try {
    return await work(producer);
  } finally {
    await producer.disconnect();
  }
}

export async function fillKafka(
  target: KafkaTarget,
  count: number,
  seed: number,
  endMs: number = Date.now(),
): Promise<void> {
  const events = await prepareTopic(target, seed);
  // A partition that its leader is not ready for makes kafkajs send a whole request again, with the records of partitions that took theirs.
  const idempotent = true;
  await withProducer(
    target,
    async (producer) => {
      for (const batch of chunks(events, count, endMs)) await send(producer, target.topic, batch, -1);
    },
    idempotent,
  );
}

export interface Paced {
  readonly perSecond: number;
  readonly seconds: number;
  /** What is due is sent so often. */
  readonly tickMs?: number;
}

const defaultTickMs = 10;
/** The first records load schemas and connections on both sides; they are few enough to stay below the 99th percentile. */
const warmUpEvents = 20;

/**
 * Open loop: every event has the time at which it was meant to be sent, and a producer that falls behind sends late events with
 * their intended times, so that its own delay counts.
 */
export async function sendPaced(
  producer: Producer,
  topic: string,
  pace: Paced,
  events: PlaybackEvents,
): Promise<void> {
  const { tickMs = defaultTickMs } = pace;
  const startMs = Date.now();
  const total = pace.perSecond * pace.seconds;
  const sending: Promise<void>[] = [];
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((Date.now() - startMs) * pace.perSecond) / 1000));
    const batch: BenchEvent[] = [];
    while (sent < due) batch.push(events.next(startMs + Math.floor((sent++ * 1000) / pace.perSecond)));
    if (batch.length > 0) sending.push(send(producer, topic, batch));
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  await Promise.all(sending);
}

/** The same to a consumer that is awake. Answers how many events that were. */
export async function pacedKafka(
  target: KafkaTarget,
  pace: Paced,
  events: PlaybackEvents,
  untilWarm: (consumed: number) => Promise<unknown>,
): Promise<number> {
  return withProducer(target, async (producer) => {
    const now = Date.now();
    await send(
      producer,
      target.topic,
      Array.from({ length: warmUpEvents }, () => events.next(now)),
    );
    await untilWarm(warmUpEvents);
    await sendPaced(producer, target.topic, pace, events);
    return warmUpEvents + pace.perSecond * pace.seconds;
  });
}

export async function send(
  producer: Producer,
  topic: string,
  batch: readonly BenchEvent[],
  acks: 1 | -1 = 1,
): Promise<void> {
  const messages = batch.map(({ key, value, timeMs }) => ({ key, value, timestamp: String(timeMs) }));
  await producer.send({ topic, messages, acks });
}

function kafkaOf(target: KafkaTarget): Kafka {
  return new Kafka({
    clientId: 'bench',
    brokers: target.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
  });
}
