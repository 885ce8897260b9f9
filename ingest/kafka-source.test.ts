import { KafkaJSNonRetriableError, KafkaJSProtocolError } from 'kafkajs';
import { expect, it } from 'vitest';
import { type Clock, must } from '../foundation/index.ts';
import { createKafkaClient, loadKafkaConnection } from './kafka-client.ts';
import { kafkaConsumeDefaults } from './kafka-consume-settings.ts';
import { KafkaSource } from './kafka-source.ts';
import { FakeHandler, FakePositions, LogRecorder } from './kafka-testing.ts';
import type { TopicLookup } from './kafka-topic-ids.ts';
import { settle } from './lookup-testing.ts';

/** A source whose cluster answers each attempt with the given protocol error, until so many milliseconds have passed. */
async function failFor(
  durationMs: number,
  type: string,
): Promise<{ log: LogRecorder; handler: FakeHandler }> {
  const connection = await loadKafkaConnection({
    'bootstrap.servers': '127.0.0.1:9',
    'client.id': 'test',
    'security.protocol': 'PLAINTEXT',
  });
  const abort = new AbortController();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: async (delayMs) => {
      now += delayMs;
      if (now >= durationMs) abort.abort();
    },
  };
  const lookup: TopicLookup = {
    identify: async () => {
      throw new KafkaJSProtocolError(Object.assign(new Error('x'), { type, code: 14, retriable: true }));
    },
    bounds: async () => new Map(),
    close: async () => undefined,
  };
  const log = new LogRecorder();
  const handler = new FakeHandler(new FakePositions());
  const settings = { ...kafkaConsumeDefaults, 'group.id': 'test' };
  const kafka = createKafkaClient(connection, log);
  const source = new KafkaSource({
    client: () => kafka,
    lookup,
    topic: 'views',
    settings,
    log,
    clock,
    random: () => 0.5,
  });
  await source.run(handler, abort.signal);
  return { log, handler };
}

type Listener = (event: { readonly payload: object }) => void;

/** Its one partition; null: the consumer is assigned none. */
interface FakeLog {
  readonly end: bigint;
  /** Whether each session reads an offset before it fails. */
  readonly isRead: boolean;
}

/** A source whose consumer fails by itself each time it is started, `everyMs` apart, until it has so often. What `run` ended with; null: nothing. */
async function clientFails(
  times: number,
  everyMs: number,
  fault: Error = new TypeError("Cannot read properties of undefined (reading '0')"),
  partition: FakeLog | null = null,
): Promise<{ handler: FakeHandler; started: number; ended: unknown }> {
  const log = new LogRecorder();
  const connection = await loadKafkaConnection({
    'bootstrap.servers': '127.0.0.1:9',
    'client.id': 'test',
    'security.protocol': 'PLAINTEXT',
  });
  const abort = new AbortController();
  let now = 0;
  let started = 0;
  const clock: Clock = { now: () => now, sleep: () => new Promise((resolve) => setImmediate(resolve)) };
  const lookup: TopicLookup = {
    identify: async () => ({ cluster: 'c', topicId: 't', partitions: 1 }),
    bounds: async () => new Map(partition === null ? [] : [[0, { low: 0n, end: partition.end }]]),
    close: async () => undefined,
  };
  const kafka = createKafkaClient(connection, log);
  const create = kafka.consumer.bind(kafka);
  kafka.consumer = (config) => {
    const consumer = create(config);
    consumer.connect = async () => undefined;
    consumer.subscribe = async () => undefined;
    consumer.disconnect = async () => undefined;
    for (const steer of ['pause', 'resume', 'seek']) Reflect.set(consumer, steer, () => undefined);
    const listeners = new Map<string, Listener>();
    Reflect.set(consumer, 'on', (event: string, listener: Listener) => listeners.set(event, listener));
    const { GROUP_JOIN, START_BATCH_PROCESS } = consumer.events;
    const tell = async (event: string, payload: object): Promise<void> => {
      must(listeners.get(event), 'the session listens')({ payload });
      await settle();
    };
    consumer.run = async () => {
      if (partition !== null) await tell(GROUP_JOIN, { memberAssignment: { views: [0] } });
      if (partition?.isRead === true) {
        const offset = String(started);
        const holes = { batchSize: 0, firstOffset: offset, lastOffset: offset, highWatermark: '100' };
        await tell(START_BATCH_PROCESS, { partition: 0, ...holes });
      }
      now += everyMs;
      started += 1;
      if (started === times) abort.abort();
      // As its retrier wraps what it caught.
      throw Object.assign(new KafkaJSNonRetriableError(fault), { cause: fault });
    };
    return consumer;
  };
  const handler = new FakeHandler(new FakePositions());
  const settings = { ...kafkaConsumeDefaults, 'group.id': 'test' };
  const source = new KafkaSource({
    client: () => kafka,
    lookup,
    topic: 'views',
    settings,
    log,
    clock,
    random: () => 0.5,
  });
  const ended = await source.run(handler, abort.signal).then(
    () => null,
    (error: unknown) => error,
  );
  return { handler, started, ended };
}

it('replaces a client that fails by itself now and then, for ever', async () => {
  const { handler, started, ended } = await clientFails(9, 240_000);
  expect([started, ended]).toEqual([9, null]);
  expect(new Set(handler.said)).toEqual(new Set(['outage KAFKA_CLIENT_FAILED']));
});

it('stops by name at a client that fails by itself a fourth time in ten minutes', async () => {
  const { handler, started, ended } = await clientFails(9, 1_000);
  expect(ended).toMatchObject({ code: 'KAFKA_UNREADABLE', reaction: 'stop' });
  expect(started).toBe(4);
  expect(handler.said).toEqual(Array.from({ length: 3 }, () => 'outage KAFKA_CLIENT_FAILED'));
});

it('stops by name at a client that fails a fourth time where records are and none is read, however slowly', async () => {
  const { started, ended } = await clientFails(9, 86_400_000, undefined, { end: 5n, isRead: false });
  expect(ended).toMatchObject({ code: 'KAFKA_UNREADABLE', reaction: 'stop' });
  expect(started).toBe(4);
});

it.each<[string, FakeLog]>([
  ['reads on in between', { end: 100n, isRead: true }],
  ['has nothing to read', { end: 0n, isRead: false }],
])('replaces a client now and then, for ever, that %s', async (_what, partition) => {
  const { handler, started, ended } = await clientFails(9, 240_000, undefined, partition);
  expect([started, ended]).toEqual([9, null]);
  expect(handler.said.filter((what) => what === 'assigned 0')).toHaveLength(9);
  expect(handler.batches).toHaveLength(partition.isRead ? 9 : 0);
});

it('stops at once at a client that cannot read what a broker sent', async () => {
  const { handler, started, ended } = await clientFails(9, 1_000, new RangeError('out of bounds'));
  expect(ended).toMatchObject({ code: 'KAFKA_UNREADABLE', reaction: 'stop' });
  expect([started, handler.said]).toEqual([1, []]);
});

it('does not call it an outage when the cluster settles who serves a group', async () => {
  const { log, handler } = await failFor(5_000, 'GROUP_LOAD_IN_PROGRESS');
  expect(log.messages('debug').length).toBeGreaterThan(1);
  expect(log.messages('info', 'warn', 'error')).toEqual([]);
  expect(handler.said).toEqual([]);
});

it('tells of it, once, when that goes on and on', async () => {
  const { log, handler } = await failFor(60_000, 'GROUP_COORDINATOR_NOT_AVAILABLE');
  expect(log.messages('info', 'warn', 'error')).toEqual([
    'Could not read topic "views": Kafka does not answer (GROUP_COORDINATOR_NOT_AVAILABLE). Trying again.',
  ]);
  expect(handler.said.length).toBeGreaterThan(0);
  expect(new Set(handler.said)).toEqual(new Set(['outage KAFKA_UNAVAILABLE']));
});

it('tells of any other outage with its first failure', async () => {
  const { log, handler } = await failFor(1, 'BROKER_NOT_AVAILABLE');
  expect(log.messages('warn')).toEqual([
    'Could not read topic "views": Kafka does not answer (BROKER_NOT_AVAILABLE). Trying again.',
  ]);
  expect(handler.said).toEqual(['outage KAFKA_UNAVAILABLE']);
});
