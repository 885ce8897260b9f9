import { afterAll, beforeAll, expect, it } from 'vitest';
import { BadDataError, silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, isLetterLife } from '../../graph-store/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../../test/services/index.ts';
import { createKafkaClient, loadKafkaConnection } from '../kafka-client.ts';
import { KafkaDeadLetters, kafkaDeadLetterDefaults } from '../kafka-dead-letters.ts';
import { createTopic, plainKafka } from '../kafka-testing.ts';
import { KafkaTopicIds } from '../kafka-topic-ids.ts';
import { KafkaLetterLog } from './kafka-letter-log.ts';
import { deskOver, memoryPlans, processorWith, retried } from './letter-testing.ts';

describeWith('java')('Dead letters in Kafka, tried again', () => {
  let broker: KafkaBroker;

  beforeAll(async () => {
    broker = await startKafka({});
  }, startTimeoutMs);
  afterAll(() => broker.dispose());

  it('pass once their mapping is right, in the order of their keys, once each and without a consumer group', async () => {
    const { bootstrapServers } = broker;
    const connection = await loadKafkaConnection({
      'bootstrap.servers': bootstrapServers,
      'client.id': 'test',
      'security.protocol': 'PLAINTEXT',
    });
    await createTopic(bootstrapServers, 'plays', 2);
    const writer = new KafkaDeadLetters({
      kafka: createKafkaClient(connection, silentLog),
      lookup: new KafkaTopicIds(connection, silentLog),
      settings: { ...kafkaDeadLetterDefaults, connectorName: 'journeys', taskId: 'n' },
      log: silentLog,
    });
    // Members 0 and 1, each in a partition of its own.
    const letters = Array.from({ length: 8 }, (_, id) => ({
      source: { cluster: 'c', topic: 'plays', topicId: 'i', partition: id % 2 },
      record: {
        offset: BigInt(100 + id),
        timestampMs: 1_700_000_000_000,
        key: Buffer.from(`m${id % 2}`),
        value: Buffer.from(String(id)),
        headers: null,
      },
      error: new BadDataError('AVRO_TRUNCATED', 'x'),
      stage: 'decode',
    }));
    await writer.write(letters);
    await writer.close();

    const log = new KafkaLetterLog(connection, silentLog);
    const store = createMemoryStore(systemClock);
    const bad = new Set([2]);
    const processor = processorWith(bad);
    const desk = deskOver(log, store, memoryPlans(), processor);
    try {
      expect((await retried(desk, { dryRun: true })).trial).toMatchObject({
        letters: 8,
        passes: 5,
        fails: 1,
        held: 2,
      });
      expect(await store.sources()).toEqual([]);
      expect((await retried(desk)).applied).toMatchObject({ applied: 5 });
      bad.clear();
      processor.asked.length = 0;
      expect((await retried(desk)).applied).toMatchObject({ applied: 3 });
      expect(processor.asked, 'tried, then applied').toEqual([2, 4, 6, 2, 4, 6]);
      const { hex } = await store.digest();
      expect((await retried(desk)).trial).toMatchObject({ letters: 0 });
      expect((await store.digest()).hex).toBe(hex);
      const lives = (await store.sources()).filter(({ source }) => isLetterLife(source));
      expect(lives.map(({ fates }) => fates.applied)).toEqual([4, 4]);
      const shown = { topic: 'plays', partition: 0, offset: 102n, withValue: false };
      expect(await desk.show(shown, new AbortController().signal)).toMatchObject({
        at: { topic: 'plays.dlq', partition: 0 },
        reason: 'AVRO_TRUNCATED',
        retried: true,
      });
      const admin = plainKafka(bootstrapServers).admin();
      await admin.connect();
      expect((await admin.listGroups()).groups).toEqual([]);
      await admin.disconnect();
    } finally {
      await log.close();
    }
  });
});
