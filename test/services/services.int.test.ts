import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { answersCql } from './cassandra.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from './index.ts';
import { answersQuery } from './neo4j.ts';

function client(broker: string, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    // A broker on a busy machine takes longer for its first TLS handshake than the second that kafkajs gives it.
    connectionTimeout: 20_000,
    retry: { retries: 0 },
    ...config,
  });
}

async function topicsAt(kafka: Kafka): Promise<string[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  await admin.disconnect();
}

describeWith(
  'kafka',
  'registry',
  'neo4j',
  'cassandra',
)('the shared services', (services) => {
  it('answer at the addresses handed to the suite', async () => {
    await createTopic(client(services.bootstrapServers), 'services-answer');
    expect(await topicsAt(client(services.bootstrapServers))).toContain('services-answer');
    const subjects = await fetch(`${services.registryUrl}/subjects`);
    expect(await subjects.json()).toBeInstanceOf(Array);
    expect(await answersQuery(services.neo4j.uri, services.neo4j.credentials)).toBe(true);
    expect(await answersCql(services.cassandra.contactPoints.join(','), null)).toBe(true);
  });
});

describeWith('java')('a broker of a test’s own', () => {
  const user = { name: 'alice', password: 'correct-horse' };
  let broker: KafkaBroker;

  beforeAll(async () => {
    broker = await startKafka({
      listeners: [
        { name: 'TLS', protocol: 'SSL' },
        { name: 'PLAIN', protocol: 'SASL_PLAINTEXT', mechanisms: ['PLAIN'] },
        { name: 'SCRAM', protocol: 'SASL_SSL', mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512'] },
      ],
      users: [user],
    });
  }, startTimeoutMs);
  afterAll(() => broker.dispose());

  const ssl = (): { ca: string[] } => ({ ca: [must(broker.caPem, 'a TLS listener has a certificate')] });
  const login = { username: user.name, password: user.password };

  it.each<[string, () => Kafka]>([
    ['TLS', () => client(broker.addressOf('TLS'), { ssl: ssl() })],
    ['SASL PLAIN', () => client(broker.addressOf('PLAIN'), { sasl: { mechanism: 'plain', ...login } })],
    [
      'SASL SCRAM-SHA-256 over TLS',
      () => client(broker.addressOf('SCRAM'), { ssl: ssl(), sasl: { mechanism: 'scram-sha-256', ...login } }),
    ],
    [
      'SASL SCRAM-SHA-512 over TLS',
      () => client(broker.addressOf('SCRAM'), { ssl: ssl(), sasl: { mechanism: 'scram-sha-512', ...login } }),
    ],
  ])('lets a client with the right credentials in over %s', async (_name, connect) => {
    await expect(topicsAt(connect())).resolves.toBeInstanceOf(Array);
  });

  it.each<[string, () => Kafka]>([
    ['a TLS client that does not trust it', () => client(broker.addressOf('TLS'), { ssl: true })],
    [
      'a wrong password',
      () => client(broker.addressOf('PLAIN'), { sasl: { mechanism: 'plain', ...login, password: 'wrong' } }),
    ],
  ])('refuses %s', async (_name, connect) => {
    await expect(topicsAt(connect())).rejects.toThrow();
  });

  it('comes back with its topics on the same port after a stop and after a kill', async () => {
    const address = broker.bootstrapServers;
    await createTopic(client(address), 'lasting');
    await broker.stop();
    await broker.start();
    expect(await topicsAt(client(address))).toContain('lasting');
    await broker.kill();
    await expect(topicsAt(client(address))).rejects.toThrow();
    await broker.start();
    expect(await topicsAt(client(address))).toContain('lasting');
  });
});

describe('a service whose owner is killed', () => {
  it('ends as well', async () => {
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'orphan-maker.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: owner.stdout }), 'line');
    const orphan = Number(line);
    expect(() => process.kill(orphan, 0)).not.toThrow();
    owner.kill('SIGKILL');
    await expect.poll(() => exists(orphan), { timeout: 10_000 }).toBe(false);
  });
});

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
