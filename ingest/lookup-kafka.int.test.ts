import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../test/services/index.ts';
import { createSource, createTopic, plainKafka, produce } from './kafka-testing.ts';
import { type RunningViews, startViews, tableSource, viewsAndTitles } from './lookup-testing.ts';

const table = tableSource.topic;

describeWith('java')('A table in Kafka', () => {
  let broker: KafkaBroker;
  const running: RunningViews[] = [];

  beforeAll(async () => {
    broker = await startKafka({ properties: { 'group.initial.rebalance.delay.ms': '0' } });
  }, startTimeoutMs);
  afterAll(async () => {
    await Promise.allSettled(running.map((views) => views.stop()));
    await broker.dispose();
  });

  it('is read as a whole by each process, and told from then on, without leaving a trace in the cluster', async () => {
    const { registry, title, view } = await viewsAndTitles();
    const servers = broker.bootstrapServers;
    await createTopic(servers, 'views', 2);
    await createTopic(servers, table, 3, { 'cleanup.policy': 'compact' });
    const titles = Array.from({ length: 300 }, (_, i) => ({
      key: `t-${i}`,
      value: title(`Title ${i}`),
      partition: i % 3,
    }));
    await produce(servers, table, [...titles, { key: 't-1', value: null, partition: 1 }]);
    const connection = { 'bootstrap.servers': servers };
    // Members of one group for the events, each on its own for the table.
    for (const process of ['one', 'two']) {
      const rows = await createSource(table, connection, { 'group.id': `test.table.${process}` });
      const views = await createSource('views', connection);
      running.push(await startViews(registry, views, () => rows));
    }
    const ids = [0, 2, 149, 299];
    for (const partition of [0, 1])
      await produce(
        servers,
        'views',
        ids.map((id) => ({ value: view(`v-${partition}-${id}`, `t-${id}`), partition })),
      );
    const named = (partition: number): Record<string, string> =>
      Object.fromEntries(ids.map((id) => [`v-${partition}-${id}`, `Title ${id}`]));
    const whoHas = (partition: number): Promise<RunningViews> =>
      Promise.any(running.map((views) => views.named(named(partition)).then(() => views)));
    await Promise.all([whoHas(0), whoHas(1)]);

    const late = { value: view('v-late', 't-new'), partition: 1 };
    await produce(servers, 'views', [late]);
    await produce(servers, table, [{ key: 't-new', value: title('New'), partition: 2 }]);
    await Promise.any(running.map((views) => views.named({ 'v-late': 'New' })));
    // One that joined late reads the table when it is given a partition.
    for (const { tables } of running)
      await expect
        .poll(() => tables.status(), { timeout: 60_000 })
        .toMatchObject([{ topic: table, missing: 0, unreadable: 0 }]);

    await Promise.all(running.map((views) => views.stop()));
    const admin = plainKafka(servers).admin();
    await admin.connect();
    try {
      const groupId = `test.table.one.${table}`;
      expect(await admin.fetchOffsets({ groupId, topics: [table] })).toEqual([
        {
          topic: table,
          partitions: [0, 1, 2].map((partition) => ({ partition, offset: '-1', metadata: null })),
        },
      ]);
    } finally {
      await admin.disconnect();
    }
  });
});
