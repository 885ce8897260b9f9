import { Partitioners } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type Log, OutageError, StopError, silentLog } from '../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../test/services/index.ts';
import type { SourceBatch } from './event-source.ts';
import { installKafkaDecoders } from './kafka-decoders.ts';
import {
  createTopic,
  FakeHandler,
  FakePositions,
  LogRecorder,
  numbered,
  plainKafka,
  produce,
  produceForeign,
  type RunningSource,
  startSource,
} from './kafka-testing.ts';

describeWith('java')('KafkaSource on a real broker', () => {
  let broker: KafkaBroker;
  const running: RunningSource[] = [];

  beforeAll(async () => {
    installKafkaDecoders({ decompressedBatchBytesMax: 64 * 1024 * 1024 });
    broker = await startKafka({
      properties: { 'log.cleaner.backoff.ms': '200', 'log.retention.check.interval.ms': '300' },
    });
  }, startTimeoutMs);
  afterEach(async () => {
    await Promise.allSettled(running.splice(0).map((source) => source.stop()));
  });
  afterAll(async () => {
    await broker.dispose();
  });

  const start = async (
    topic: string,
    handler: FakeHandler,
    settings: Parameters<typeof startSource>[3] = {},
    log: Log = silentLog,
  ): Promise<RunningSource> => {
    const source = await startSource(
      topic,
      handler,
      { 'bootstrap.servers': broker.bootstrapServers },
      settings,
      log,
    );
    running.push(source);
    return source;
  };
  const texts = (positions: FakePositions): readonly string[] => positions.applied.map(({ text }) => text);

  it('reads from the earliest record, and goes on where the store is after a restart', async () => {
    const topic = 'restart';
    await createTopic(broker.bootstrapServers, topic, 2);
    await produce(broker.bootstrapServers, topic, [...numbered('a', 50, 0), ...numbered('b', 50, 1)]);
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const log = new LogRecorder();
    const first = await start(topic, handler, {}, log);
    await handler.until(() => positions.applied.length === 100);
    await first.stop();
    // The first group of a new cluster: its coordinator is not there at once, which is nothing to tell people about.
    expect(log.messages('debug')).not.toEqual([]);
    expect(log.messages('info', 'warn', 'error')).toEqual([]);
    const batchesBefore = handler.batches.length;
    await produce(broker.bootstrapServers, topic, numbered('c', 10, 1));
    await start(topic, handler);
    await handler.until(() => positions.applied.length >= 110);
    expect(positions.applied).toHaveLength(110);
    expect(new Set(texts(positions)).size).toBe(110);
    expect(handler.batches[batchesBefore]).toMatchObject({ from: 50n, next: 60n, end: 60n });
    expect(handler.said.filter((what) => what.startsWith('gap'))).toEqual([]);
  });

  it('reads what Kafka’s own producer compressed with gzip, snappy, lz4 and zstd', async () => {
    const topic = 'compressed';
    await createTopic(broker.bootstrapServers, topic);
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
    await produceForeign(
      broker.bootstrapServers,
      topic,
      codecs.map((codec) => `${codec}:plain:2000`),
    );
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    await start(topic, handler);
    await handler.until(() => positions.applied.length === 10_000);
    const expected = codecs.flatMap((codec) =>
      Array.from({ length: 2_000 }, (_, index) => `${codec}-plain-${index} ${'padding '.repeat(50)}`),
    );
    expect(texts(positions)).toEqual(expected);
  });

  it('takes aborted transactions and control records for holes, also at the end of the log', async () => {
    const topic = 'transactions';
    await createTopic(broker.bootstrapServers, topic);
    const parts = ['none:commit:5', 'lz4:abort:7', 'none:plain:3', 'none:abort:400', 'none:abort:2'];
    await produceForeign(broker.bootstrapServers, topic, parts);
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const { source } = await start(topic, handler, { 'max.partition.fetch.bytes': 2_000 });
    const ends = await source.ends();
    const [end] = ends;
    if (end === undefined) throw new Error('one partition expected');
    // 417 records, and one control record for each of the four transactions.
    expect(end.end).toBe(421n);
    await handler.until(() => positions.next(end.source) === 421n);
    expect(texts(positions).map((text) => text.split(' ')[0])).toEqual([
      ...Array.from({ length: 5 }, (_, index) => `none-commit-${index}`),
      ...Array.from({ length: 3 }, (_, index) => `none-plain-${index}`),
    ]);
    expect(handler.said.filter((what) => what.startsWith('gap'))).toEqual([]);
    expectContiguous(handler);
  });

  it('shows nothing of transactions that were aborted while others were open, whatever keys they have', async () => {
    const topic = 'aborted-together';
    await createTopic(broker.bootstrapServers, topic);
    const producers = ['early', 'late'].map((transactionalId) =>
      plainKafka(broker.bootstrapServers).producer({
        ...{ transactionalId, idempotent: true, maxInFlightRequests: 1 },
        createPartitioner: Partitioners.DefaultPartitioner,
      }),
    );
    const [early, late] = await Promise.all(
      producers.map(async (producer) => {
        await producer.connect();
        return await producer.transaction();
      }),
    );
    if (early === undefined || late === undefined) throw new Error('two producers expected');
    // The one that begins first ends last, so that the broker names it last; a key of four zeros is one that Java writes for the number 0.
    const zero = { key: Buffer.alloc(4), value: 'zero', partition: 0 };
    await early.send({ topic, messages: [...numbered('early', 3)] });
    await late.send({ topic, messages: [zero, ...numbered('late', 3)] });
    await late.abort();
    await early.send({ topic, messages: [zero, ...numbered('later', 3)] });
    await early.abort();
    const committed = await producers[0]?.transaction();
    await committed?.send({ topic, messages: [zero, ...numbered('committed', 2)] });
    await committed?.commit();
    await Promise.all(producers.map((producer) => producer.disconnect()));
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const { source } = await start(topic, handler);
    const [end] = await source.ends();
    if (end === undefined) throw new Error('one partition expected');
    await handler.until(() => positions.next(end.source) === end.end);
    expect(texts(positions)).toEqual(['zero', 'committed-0', 'committed-1']);
    expectContiguous(handler);
  });

  it('takes what compaction removed for holes', async () => {
    const topic = 'compacted';
    const config = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '60000',
      'max.compaction.lag.ms': '100',
      'segment.jitter.ms': '0',
    };
    await createTopic(broker.bootstrapServers, topic, 1, config);
    for (let round = 0; round < 3; round++) {
      const messages = Array.from({ length: 100 }, (_, index) => ({
        key: `key-${index % 10}`,
        value: `${round}-${index}`,
        // Hours apart: a segment is rolled by its records' time, and only rolled segments are compacted.
        timestamp: String(Date.now() - (3 - round) * 3_600_000),
        partition: 0,
      }));
      await produce(broker.bootstrapServers, topic, messages);
    }
    await expect
      .poll(() => countRecords(broker.bootstrapServers, topic), { timeout: 60_000, interval: 1_000 })
      .toBeLessThan(300);
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    await start(topic, handler);
    await handler.until(() => handler.batches.at(-1)?.next === 300n);
    expect(positions.applied.at(-1)?.text).toBe('2-99');
    expect(positions.applied.length).toBeLessThan(300);
    expect(handler.said.filter((what) => what.startsWith('gap'))).toEqual([]);
    expectContiguous(handler);
  });

  it('names a gap when retention was faster, at the start and while it runs', async () => {
    const topic = 'retention';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 20));
    const positions = new FakePositions();
    const handler = new FakeHandler(positions, 'skip');
    const { source, stop } = await start(topic, handler);
    await handler.until(() => positions.applied.length === 20);
    await stop();
    await produce(broker.bootstrapServers, topic, numbered('b', 20));
    await deleteRecords(broker.bootstrapServers, topic, '30');
    const again = await start(topic, handler);
    await handler.until(() => positions.applied.length === 30);
    expect(handler.said).toContain('gap 0 20 30');
    expect(texts(positions).slice(20)).toEqual(
      numbered('b', 20)
        .slice(10)
        .map(({ value }) => value),
    );
    await again.stop();
    expect(await source.ends()).toMatchObject([{ end: 40n }]);

    await produce(broker.bootstrapServers, topic, numbered('c', 5));
    await deleteRecords(broker.bootstrapServers, topic, '45');
    const strict = new FakeHandler(positions, 'stop');
    const stopped = await start(topic, strict);
    expect(await stopped.ended).toMatchObject({ code: 'KAFKA_GAP', reaction: 'stop' });
    expect(strict.said).toContain('gap 0 40 45');
  });

  it('names a gap when the log ends before the position', async () => {
    const topic = 'truncated';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 5));
    const positions = new FakePositions();
    const handler = new FakeHandler(positions, 'skip');
    const { source, stop } = await start(topic, handler);
    await handler.until(() => positions.applied.length === 5);
    await stop();
    const [end] = await source.ends();
    if (end === undefined) throw new Error('one partition expected');
    positions.set(end.source, 100n);
    const truncated = await start(topic, handler);
    expect(await truncated.ended).toMatchObject({ code: 'KAFKA_LOG_TRUNCATED', reaction: 'stop' });
    expect(handler.said).toContain('gap 0 100 5');
  });

  it('reads a recreated topic from its own beginning', async () => {
    const topic = 'recreated';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('old', 30));
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    await start(topic, handler);
    await handler.until(() => positions.applied.length === 30);
    const admin = plainKafka(broker.bootstrapServers).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    // The controller has deleted it; a broker that has not heard of that yet refuses one of the same name.
    await vi.waitUntil(async () => !(await admin.listTopics()).includes(topic), { timeout: 20_000 });
    await admin.disconnect();
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('new', 50));
    // Until the look that finds the new id, what is fetched by the topic's name may still count as the old one's.
    const idOf = (batch: SourceBatch): string => batch.source.topicId;
    await handler.until(
      () =>
        new Set(handler.batches.map(idOf)).size === 2 &&
        positions.applied.at(-1)?.text === 'new-49' &&
        positions.applied.at(-1)?.key === `${handler.batches.map(idOf).at(-1)}/0`,
    );
    const newest = handler.batches.map(idOf).at(-1);
    const fromNew = positions.applied.filter(({ key }) => key === `${newest}/0`).map(({ text }) => text);
    expect(fromNew).toEqual(numbered('new', 50).map(({ value }) => value));
    expect(handler.said.filter((what) => what.startsWith('gap'))).toEqual([]);
  });

  it('shares partitions with another member, and a fenced owner claims anew: nothing is lost or doubled', async () => {
    const topic = 'shared';
    await createTopic(broker.bootstrapServers, topic, 4);
    const positions = new FakePositions();
    const one = new FakeHandler(positions);
    const two = new FakeHandler(positions);
    const batch = (round: number) =>
      [0, 1, 2, 3].flatMap((partition) => [...numbered(`r${round}p${partition}`, 200, partition)]);
    await start(topic, one);
    await produce(broker.bootstrapServers, topic, batch(0));
    await one.until(() => positions.applied.length === 800);
    const second = await start(topic, two);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);
    await produce(broker.bootstrapServers, topic, batch(1));
    await one.until(() => positions.applied.length === 1_600);
    for (const source of [...one.owned, ...two.owned]) positions.usurpNext(source);
    await produce(broker.bootstrapServers, topic, batch(2));
    // Both, before one of them leaves: the rebalance claims every partition anew, and nothing would be fenced any more.
    await one.until(() => [one, two].every(({ said }) => said.includes('fenced')));
    await second.stop();
    await produce(broker.bootstrapServers, topic, batch(3));
    await one.until(() => positions.applied.length >= 3_200);
    expect(one.said).toContain('fenced');
    expect(new Set(positions.applied.map(({ key, offset }) => `${key}@${offset}`)).size).toBe(3_200);
    expect(positions.applied).toHaveLength(3_200);
  });

  it('goes on when its only partition goes to another member while the handler holds a batch of it', async () => {
    const topic = 'lost-while-held';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 10));
    const held = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    class Holding extends FakeHandler {
      override async batch(batch: SourceBatch): Promise<void> {
        held.resolve();
        await letGo.promise;
        // As a lane that has died: nobody wants what it held.
        if (this.owned.length > 0) await super.batch(batch);
      }
    }
    const positions = new FakePositions();
    const one = new Holding(positions);
    const two = new FakeHandler(positions);
    // kafkajs hands partitions out in the order of member ids, which begin with the client's: the only one goes to `a`.
    const member = async (id: string, handler: FakeHandler): Promise<RunningSource> => {
      const connection = { 'bootstrap.servers': broker.bootstrapServers, 'client.id': id };
      const source = await startSource(topic, handler, connection);
      running.push(source);
      return source;
    };
    const first = await member('z', one);
    await held.promise;
    const second = await member('a', two);
    await two.until(() => positions.applied.length === 10);
    await one.until(() => one.said.includes('revoked 0'));
    letGo.resolve();
    await second.stop();
    await produce(broker.bootstrapServers, topic, numbered('b', 10));
    const all = one.until(() => positions.applied.length === 20).then(() => 'all applied');
    expect(await Promise.race([all, first.ended])).toBe('all applied');
  });

  it('assigns anew when the handler has an outage, and ends with what only a person can mend', async () => {
    const topic = 'handler-fails';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 10));
    const positions = new FakePositions();
    const handler = new FailingHandler(positions, [new OutageError('STORE_DOWN', 'x')]);
    const source = await start(topic, handler);
    await handler.until(() => positions.applied.length === 10);
    await source.stop();
    expect(texts(positions)).toEqual(numbered('a', 10).map(({ value }) => value));
    const order = ['assigned 0', 'outage STORE_DOWN', 'assigned 0', 'outage null', 'batch 0'];
    expect(handler.said.filter((what) => order.includes(what))).toEqual(order);

    const broken = new FailingHandler(new FakePositions(), [new StopError('STORE_BROKEN', 'x')]);
    const stopped = await start(topic, broken);
    expect(await stopped.ended).toMatchObject({ code: 'STORE_BROKEN' });
    expect(broken.said).toEqual(['assigned 0', 'revoked 0']);
  });

  it('tells lag tools how far the store is', async () => {
    const topic = 'reported';
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 9));
    const handler = new FakeHandler(new FakePositions());
    const { source } = await start(topic, handler);
    await handler.until(() => handler.batches.length > 0);
    const [owned] = handler.owned;
    if (owned === undefined) throw new Error('one partition expected');
    source.report(owned, 9n);
    const admin = plainKafka(broker.bootstrapServers).admin();
    await admin.connect();
    const committed = async (): Promise<string | undefined> => {
      const [answer] = await admin.fetchOffsets({ groupId: `test.${topic}`, topics: [topic] });
      return answer?.partitions[0]?.offset;
    };
    await expect.poll(committed, { timeout: 20_000 }).toBe('9');
    await admin.disconnect();
    expect(source.reportFailures).toBe(0);
  });

  it('stops by name at a batch that unfolds beyond the limit, instead of trying for ever', async () => {
    const topic = 'bomb';
    await createTopic(broker.bootstrapServers, topic);
    await produceForeign(broker.bootstrapServers, topic, ['zstd:plain:2000']);
    installKafkaDecoders({ decompressedBatchBytesMax: 10_000 });
    const bomb = await start(topic, new FakeHandler(new FakePositions()));
    expect(await bomb.ended).toMatchObject({
      code: 'KAFKA_BATCH_TOO_LARGE',
      context: { topic, partition: 0, offset: 0n, setting: 'decompressed.bytes.max' },
    });
    installKafkaDecoders({ decompressedBatchBytesMax: 64 * 1024 * 1024 });
  });

  it('tells an outage when the broker goes, resumes when it is back, and loses and doubles nothing', async () => {
    const topic = 'outage';
    await createTopic(broker.bootstrapServers, topic, 2);
    await produce(broker.bootstrapServers, topic, [...numbered('a', 300, 0), ...numbered('b', 300, 1)]);
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const log = new LogRecorder();
    await start(topic, handler, {}, log);
    await handler.until(() => positions.applied.length === 600);
    await broker.kill();
    await handler.until(() => handler.said.some((what) => what.startsWith('outage KAFKA')));
    await broker.start();
    await produce(broker.bootstrapServers, topic, [...numbered('c', 300, 0), ...numbered('d', 300, 1)]);
    await handler.until(() => positions.applied.length >= 1_200);
    expect(new Set(texts(positions)).size).toBe(1_200);
    expect(positions.applied).toHaveLength(1_200);
    expect(handler.said).toContain('outage null');
    const told = log.messages('info', 'warn', 'error');
    // Our own words alone, one line a change; it may come and go more than once while the broker starts.
    const [away, back] = [
      /^Could not read topic "outage": .* Trying again\.$/,
      /^topic "outage" is being read again$/,
    ];
    expect(told.length).toBeGreaterThanOrEqual(2);
    for (const [index, line] of told.entries()) expect(line).toMatch(index % 2 === 0 ? away : back);

    await broker.stop();
    const late = new FakeHandler(positions);
    const lateSource = await start(topic, late);
    await late.until(() => late.said.includes('outage KAFKA_UNAVAILABLE'));
    await lateSource.stop();
    await broker.start();
  });
});

/** Fails its first batches, then applies. */
class FailingHandler extends FakeHandler {
  readonly #failures: Error[];

  constructor(positions: FakePositions, failures: readonly Error[]) {
    super(positions);
    this.#failures = [...failures];
  }

  override async batch(batch: SourceBatch): Promise<void> {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    await super.batch(batch);
  }
}

/** Each batch covers exactly what follows the one before. */
function expectContiguous(handler: FakeHandler): void {
  expect(handler.batches.length).toBeGreaterThan(0);
  let next = 0n;
  for (const batch of handler.batches) {
    expect(batch.from).toBe(next);
    next = batch.next;
  }
}

async function deleteRecords(bootstrapServers: string, topic: string, offset: string): Promise<void> {
  const admin = plainKafka(bootstrapServers).admin();
  await admin.connect();
  // kafkajs forgets to load the topic's metadata before it deletes.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
  await admin.disconnect();
}

/** How many records a fresh reader sees. */
async function countRecords(bootstrapServers: string, topic: string): Promise<number> {
  const positions = new FakePositions();
  const handler = new FakeHandler(positions);
  const reader = await startSource(
    topic,
    handler,
    { 'bootstrap.servers': bootstrapServers },
    { 'group.id': `count-${Date.now()}` },
  );
  await handler.until(() => handler.batches.at(-1)?.next === 300n);
  await reader.stop();
  return positions.applied.length;
}
