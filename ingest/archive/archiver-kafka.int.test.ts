import { afterAll, beforeAll, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { silentLog } from '../../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../../test/services/index.ts';
import { loadKafkaConnection } from '../kafka-client.ts';
import { createSource, createTopic, numbered, produce } from '../kafka-testing.ts';
import { KafkaTopicIds } from '../kafka-topic-ids.ts';
import { archivedRows, archiverParts, limits, openTestArchive, topic } from './archive-testing.ts';
import { Archiver } from './archiver.ts';

const partitions = [0, 1, 2, 3];

/** Told of each commit, by the archivers' log. */
class Commits {
  #watchers: (() => void)[] = [];

  readonly log = {
    ...silentLog,
    debug: (): void => {
      for (const watch of this.#watchers.splice(0)) watch();
    },
  };

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }
}

describeWith('java')('Archivers of a topic in Kafka', () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka();
  }, startTimeoutMs);
  afterAll(async () => {
    await broker.dispose();
  });

  it('share its partitions, and archive each record once while one joins and one leaves', async () => {
    const servers = broker.bootstrapServers;
    await createTopic(servers, topic, partitions.length, { 'retention.ms': '3600000' });
    const send = async (text: string): Promise<void> =>
      await produce(
        servers,
        topic,
        partitions.flatMap((partition) => numbered(text, 50, partition)),
      );
    await send('first');
    const folder = folderOfTest();
    const commits = new Commits();
    const start = async (): Promise<{ readonly archiver: Archiver; stop(): Promise<void> }> => {
      const settings = { 'group.id': 'jg.archive' };
      const source = await createSource(topic, { 'bootstrap.servers': servers }, settings, silentLog);
      const parts = archiverParts(openTestArchive(folder), source, commits.log);
      const archiver = new Archiver(parts, { ...limits, commitMs: 100 });
      const abort = new AbortController();
      const running = archiver.run(abort.signal);
      return {
        archiver,
        stop: async () => {
          abort.abort();
          await running;
        },
      };
    };
    const one = await start();
    await commits.until(() => one.archiver.status().rows === 200);
    const other = await start();
    const rows = (): number => one.archiver.status().rows + other.archiver.status().rows;
    await send('second');
    await commits.until(() => rows() === 400);
    await one.stop();
    await send('third');
    await commits.until(() => rows() === 600);
    await other.stop();
    const archived = await archivedRows(openTestArchive(folder), partitions.length);
    const wanted = ['first', 'second', 'third'].flatMap((text) =>
      Array.from({ length: 50 }, (_, at) => `${text}-${at}`),
    );
    for (const each of archived)
      expect(each.map(({ value }) => String(Buffer.from(value ?? [])))).toEqual(wanted);
  });

  it('are told how long the topic keeps its records', async () => {
    const servers = broker.bootstrapServers;
    await createTopic(servers, 'kept', 1, { 'retention.ms': '60000', 'retention.bytes': '1000' });
    await createTopic(servers, 'compacted', 1, { 'cleanup.policy': 'compact' });
    const connection = await loadKafkaConnection({
      'bootstrap.servers': servers,
      'client.id': 'journey-graph-test',
      'security.protocol': 'PLAINTEXT',
    });
    const lookup = new KafkaTopicIds(connection, silentLog);
    expect(await lookup.retention('kept')).toEqual({ ms: 60_000, bytes: 1_000, isCompacted: false });
    expect(await lookup.retention('compacted')).toEqual({ ms: null, bytes: null, isCompacted: true });
    await lookup.close();
  });
});
