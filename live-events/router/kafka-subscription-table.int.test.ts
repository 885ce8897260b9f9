import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../../test/services/index.ts';
import { KafkaSubscriptionTable } from './kafka-subscription-table.ts';
import type { Subscription } from './subscription-table.ts';

describeWith('java')('the table of subscriptions on a real broker', () => {
  let broker: KafkaBroker;
  const opened: KafkaSubscriptionTable[] = [];
  beforeAll(async () => {
    broker = await startKafka({});
  }, startTimeoutMs);
  afterAll(async () => {
    for (const table of opened) await table.close();
    await broker.dispose();
  });

  const kafka = (): Kafka =>
    new Kafka({
      brokers: broker.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      retry: { retries: 3 },
    });
  const open = (topic: string): KafkaSubscriptionTable => {
    const table = new KafkaSubscriptionTable({
      kafka: kafka(),
      topic,
      replicationFactor: -1,
      loadMs: 30_000,
      newId: randomUUID,
      clock: systemClock,
      log: silentLog,
    });
    opened.push(table);
    return table;
  };
  const row = (event: string, gateway: string, sinceMs = 1): Subscription => ({
    event,
    gateway,
    address: '10.0.0.1',
    sinceMs,
  });
  const change = (
    subscription: Subscription,
  ): { event: string; gateway: string; subscription: Subscription } => ({
    event: subscription.event,
    gateway: subscription.gateway,
    subscription,
  });

  it('has for the next router what the one before wrote, each row as it was last, and not what was taken out', async () => {
    const first = open('live.subscriptions');
    expect(await first.load()).toEqual([]);
    await first.write([change(row('fight-1', 'gateway-1')), change(row('fight-1', 'gateway-2'))]);
    await first.write([
      change(row('fight-1', 'gateway-1', 2)),
      { event: 'fight-1', gateway: 'gateway-2', subscription: null },
      change(row('fight-2', 'gateway-2')),
    ]);
    const loaded = await open('live.subscriptions').load();
    expect(loaded.toSorted((one, other) => one.event.localeCompare(other.event))).toEqual([
      row('fight-1', 'gateway-1', 2),
      row('fight-2', 'gateway-2'),
    ]);
  });

  it('makes a compacted topic of one partition, and leaves no consumer group behind', async () => {
    await open('live.made').load();
    const admin = kafka().admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'live.made', configNames: ['cleanup.policy'] }],
    });
    const metadata = await admin.fetchTopicMetadata({ topics: ['live.made'] });
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe('compact');
    expect(metadata.topics[0]?.partitions).toHaveLength(1);
    expect(groups.filter(({ groupId }) => groupId.startsWith('live.made'))).toEqual([]);
  });

  it('refuses a topic that deletes, and passes over rows that are not ours', async () => {
    const admin = kafka().admin();
    await admin.connect();
    const configEntries = [{ name: 'cleanup.policy', value: 'delete' }];
    await admin.createTopics({ topics: [{ topic: 'live.deletes', numPartitions: 1, configEntries }] });
    await admin.disconnect();
    await expect(open('live.deletes').load()).rejects.toMatchObject({
      code: 'LIVE_SUBSCRIPTIONS_TOPIC',
      reaction: 'stop',
    });
    const table = open('live.foreign');
    await table.load();
    const producer = kafka().producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({
      topic: 'live.foreign',
      messages: [
        { key: 'a/b', value: 'x' },
        { key: 'a/b/c', value: '{"address":"","sinceMs":1}' },
      ],
    });
    await producer.disconnect();
    await table.write([change(row('fight-1', 'gateway-1'))]);
    expect(await table.load()).toEqual([row('fight-1', 'gateway-1')]);
  });

  it('is an outage while no broker answers', async () => {
    const table = new KafkaSubscriptionTable({
      kafka: new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } }),
      topic: 'live.subscriptions',
      replicationFactor: -1,
      loadMs: 1_000,
      newId: randomUUID,
      clock: systemClock,
      log: silentLog,
    });
    const error = { code: 'LIVE_SUBSCRIPTIONS_UNREACHABLE', reaction: 'outage' };
    await expect(table.load()).rejects.toMatchObject(error);
    await expect(table.write([change(row('fight-1', 'gateway-1'))])).rejects.toMatchObject(error);
  });
});
