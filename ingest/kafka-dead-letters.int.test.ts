import { ConfigResourceTypes, type KafkaMessage } from 'kafkajs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { BadDataError, silentLog } from '../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../test/services/index.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { SourceRecord } from './event-source.ts';
import { createKafkaClient, loadKafkaConnection } from './kafka-client.ts';
import { nullHeadersHeader } from './kafka-dead-letter-message.ts';
import { KafkaDeadLetters, kafkaDeadLetterDefaults } from './kafka-dead-letters.ts';
import { createTopic, plainKafka, produce } from './kafka-testing.ts';
import { KafkaTopicIds } from './kafka-topic-ids.ts';

describeWith('java')('KafkaDeadLetters on a real broker', () => {
  let broker: KafkaBroker;
  const writers: KafkaDeadLetters[] = [];

  beforeAll(async () => {
    broker = await startKafka({
      listeners: [{ name: 'LOGIN', protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'] }],
      users: [{ name: 'stranger', password: 'secret' }],
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'log.initial.task.delay.ms': '100',
        'log.retention.check.interval.ms': '200',
      },
    });
  }, startTimeoutMs);
  afterAll(async () => {
    for (const writer of writers) await writer.close();
    await broker.dispose();
  });

  const writerOn = async (
    login: Partial<Parameters<typeof loadKafkaConnection>[0]> = {},
    messageBytesMax: number = kafkaDeadLetterDefaults.messageBytesMax,
  ): Promise<KafkaDeadLetters> => {
    const connection = await loadKafkaConnection({
      'bootstrap.servers': broker.bootstrapServers,
      'client.id': 'test',
      'security.protocol': 'PLAINTEXT',
      ...login,
    });
    const writer = new KafkaDeadLetters({
      kafka: createKafkaClient(connection, silentLog),
      lookup: new KafkaTopicIds(connection, silentLog),
      settings: { ...kafkaDeadLetterDefaults, connectorName: 'journeys', taskId: 'node-1', messageBytesMax },
      log: silentLog,
    });
    writers.push(writer);
    return writer;
  };

  it('writes the record as it was, with Connect’s headers, to a topic it creates like the source', async () => {
    await createTopic(broker.bootstrapServers, 'views', 3);
    const writer = await writerOn();
    const record: SourceRecord = {
      offset: 41n,
      timestampMs: 1_700_000_000_123,
      key: Buffer.from('member-7'),
      value: Buffer.from([0, 0, 0, 0, 7, 255]),
      headers: [
        { key: 'trace', value: Buffer.from('one') },
        { key: 'trace', value: Buffer.from('two') },
        { key: '__proto__', value: Buffer.from('own') },
        { key: 'nothing', value: null },
      ],
    };
    await writer.write([
      letterOf('views', 2, record),
      letterOf('views', 1, { ...record, offset: 42n, value: null }),
    ]);
    const [first, second] = await read(broker.bootstrapServers, 'views.dlq', 2);
    const letters = [first, second].toSorted((a, b) => (b?.partition ?? 0) - (a?.partition ?? 0));
    expect(letters.map((letter) => letter?.partition)).toEqual([2, 1]);
    const message = letters[0]?.message;
    expect(message).toMatchObject({ key: record.key, value: record.value, timestamp: '1700000000123' });
    expect(letters[1]?.message.value).toBeNull();
    expect(textsOf(message)).toMatchObject({
      '__connect.errors.topic': 'views',
      '__connect.errors.partition': '2',
      '__connect.errors.offset': '41',
      '__connect.errors.connector.name': 'journeys',
      '__connect.errors.task.id': 'node-1',
      '__connect.errors.stage': 'decode',
      '__connect.errors.class.name': 'journey-graph.decode',
      '__connect.errors.exception.class.name': 'BadDataError',
      '__connect.errors.exception.message': 'AVRO_TRUNCATED subject=views-value path=device.kind',
      trace: 'one,two',
      nothing: '',
      [nullHeadersHeader]: '["nothing"]',
    });
    expect(Object.hasOwn(message?.headers ?? {}, '__proto__')).toBe(true);
    expect(JSON.stringify(textsOf(message))).not.toContain('a payload value');
    expect(textsOf(message)['__connect.errors.exception.stacktrace']).toMatch(/^\s+at /);
  });

  it('keeps letters of records that are years old: size deletes letters, age does not', async () => {
    await createTopic(broker.bootstrapServers, 'old');
    const writer = await writerOn();
    const letter = letterOf('old', 0, { ...plain(3n, 10), timestampMs: Date.UTC(2015, 2, 1) });
    await writer.write([letter]);
    await afterRetentionChecks(broker.bootstrapServers);
    const [kept] = await read(broker.bootstrapServers, 'old.dlq', 1);
    expect(kept?.message).toMatchObject({ offset: '0', timestamp: String(letter.record.timestampMs) });
    expect(await configOf(broker.bootstrapServers, 'old.dlq')).toMatchObject({
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'CreateTime',
      'retention.ms': '-1',
      'retention.bytes': String(kafkaDeadLetterDefaults.retentionBytes),
    });
  });

  it('makes one topic and one producer when several partitions write at once, and leaves no connection', async () => {
    await createTopic(broker.bootstrapServers, 'busy', 4);
    const connection = await loadKafkaConnection({
      'bootstrap.servers': broker.bootstrapServers,
      'client.id': 'test',
      'security.protocol': 'PLAINTEXT',
    });
    const socketsBefore = sockets();
    const kafka = createKafkaClient(connection, silentLog);
    const producers = vi.spyOn(kafka, 'producer');
    const admins = vi.spyOn(kafka, 'admin');
    const writer = new KafkaDeadLetters({
      kafka,
      lookup: new KafkaTopicIds(connection, silentLog),
      settings: { ...kafkaDeadLetterDefaults, connectorName: 'journeys', taskId: 'node-1' },
      log: silentLog,
    });
    const partitions = [0, 1, 2, 3];
    const lettersOf = (partition: number) =>
      [0n, 1n, 2n].map((offset) => letterOf('busy', partition, plain(offset, 10)));
    await Promise.all(partitions.map((partition) => writer.write(lettersOf(partition))));
    expect(sockets()).toBeGreaterThan(socketsBefore);
    await writer.close();
    await expect.poll(sockets).toBe(socketsBefore);
    expect(producers).toHaveBeenCalledTimes(1);
    expect(admins).toHaveBeenCalledTimes(1);
    const written = await read(broker.bootstrapServers, 'busy.dlq', 12);
    for (const partition of partitions) {
      const offsets = written
        .filter((letter) => letter.partition === partition)
        .map(({ message }) => textsOf(message)['__connect.errors.offset']);
      expect(offsets).toEqual(['0', '1', '2']);
    }
  });

  it('says what is missing when it may not create the topic', async () => {
    await createTopic(broker.bootstrapServers, 'closed');
    const writer = await writerOn({
      'bootstrap.servers': broker.addressOf('LOGIN'),
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.username': 'stranger',
      'sasl.password': 'secret',
    });
    await expect(writer.write([letterOf('closed', 0, plain(1n, 10))])).rejects.toMatchObject({
      reaction: 'stop',
    });
  });

  it('splits what is too large together, and stops by name at a letter that is too large alone', async () => {
    await createTopic(broker.bootstrapServers, 'large');
    const writer = await writerOn({}, 20_000);
    const small = [0n, 1n, 2n, 3n].map((offset) => letterOf('large', 0, plain(offset, 12_000)));
    await writer.write(small);
    const written = await read(broker.bootstrapServers, 'large.dlq', 4);
    expect(written.map(({ message }) => textsOf(message)['__connect.errors.offset'])).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
    await expect(writer.write([letterOf('large', 0, plain(4n, 50_000))])).rejects.toMatchObject({
      code: 'KAFKA_DEAD_LETTER_TOO_LARGE',
      reaction: 'stop',
      context: { topic: 'large', partition: 0, offset: 4n },
    });
  });

  it('is an outage while the broker is away, and writes when it is back', async () => {
    await createTopic(broker.bootstrapServers, 'away');
    const writer = await writerOn();
    await writer.write([letterOf('away', 0, plain(0n, 10))]);
    await broker.kill();
    const letter = letterOf('away', 0, plain(1n, 10));
    await expect(writer.write([letter])).rejects.toMatchObject({ reaction: 'outage' });
    await broker.start();
    await writer.write([letter]);
    const written = await read(broker.bootstrapServers, 'away.dlq', 2);
    expect(written.map(({ message }) => textsOf(message)['__connect.errors.offset'])).toEqual(['0', '1']);
  });
});

function plain(offset: bigint, bytes: number): SourceRecord {
  return { offset, timestampMs: -1, key: null, value: Buffer.alloc(bytes, 1), headers: null };
}

function letterOf(topic: string, partition: number, record: SourceRecord): DeadLetter {
  return {
    source: { cluster: 'c', topic, topicId: 'i', partition },
    record,
    stage: 'decode',
    error: new BadDataError('AVRO_TRUNCATED', 'cannot decode a payload value', {
      context: { subject: 'views-value', path: 'device.kind' },
    }),
  };
}

function textsOf(message: KafkaMessage | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(message?.headers ?? {}).map(([name, value]) => [
      name,
      [value].flat().map(String).join(','),
    ]),
  );
}

/** TCP connections of this process. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

async function configOf(
  bootstrapServers: string,
  topic: string,
): Promise<Readonly<Record<string, string | undefined>>> {
  const admin = plainKafka(bootstrapServers).admin();
  await admin.connect();
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
  const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: false });
  await admin.disconnect();
  const entries = answers[0]?.configEntries ?? [];
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
}

/**
 * Resolves when the broker has looked at every log for what is too old at least once since the call. A round's order is unknown, and
 * one may be under way: that an old record of a topic with `retention.ms` went three times shows that a whole round lies between.
 */
async function afterRetentionChecks(bootstrapServers: string): Promise<void> {
  const topic = 'retention-witness';
  await createTopic(bootstrapServers, topic, 1, { 'retention.ms': '86400000' });
  const admin = plainKafka(bootstrapServers).admin();
  await admin.connect();
  const low = async (): Promise<string | undefined> => (await admin.fetchTopicOffsets(topic))[0]?.low;
  for (const gone of ['1', '2', '3']) {
    await produce(bootstrapServers, topic, [{ value: 'old', timestamp: String(Date.UTC(2015, 2, 1)) }]);
    await expect.poll(low, { timeout: 60_000, interval: 200 }).toBe(gone);
  }
  await admin.disconnect();
}

async function read(
  bootstrapServers: string,
  topic: string,
  count: number,
): Promise<readonly { readonly partition: number; readonly message: KafkaMessage }[]> {
  const consumer = plainKafka(bootstrapServers).consumer({ groupId: `read-${topic}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const found: { partition: number; message: KafkaMessage }[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          found.push({ partition, message });
          if (found.length === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found;
}
