import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { systemClock } from '../../foundation/index.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { findJavaTools } from '../services/java-tools.ts';
import { startKafkaWith } from '../services/kafka.ts';
import { startRegistryWith } from '../services/registry.ts';
import { ServiceError } from '../services/service-error.ts';
import { startConnect } from './connect.ts';
import { startPostgres } from './postgres.ts';
import { type RecordedTopic, recordingFile } from './recording.ts';

const tables = { titles: 'DEFAULT', titles_full: 'FULL' } as const;
const topics = ['catalog.public.titles', 'catalog.public.titles_full', 'catalog.transaction'];
const recordingTimeoutMs = 90_000;
const quietMs = 3_000;

type Arrived = ReadonlyMap<string, readonly KafkaMessage[]>;

/** Makes the files in `fixtures/` anew: see README.md. */
async function main(): Promise<void> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Cannot record: it needs ${java.lacking}.`);
  const { tools } = java;
  const { cacheDirectory } = environment;
  await using stack = new AsyncDisposableStack();
  const kept = <T extends { dispose(): Promise<void> }>(service: T): T => {
    stack.defer(() => service.dispose());
    return service;
  };
  const postgres = kept(await startPostgres(environment.searchPath));
  const kafka = kept(await startKafkaWith(tools, cacheDirectory));
  const registry = kept(await startRegistryWith(tools, cacheDirectory));
  const statements = async (file: string): Promise<void> => {
    for (const [table, identity] of Object.entries(tables))
      await postgres.runFile(join(import.meta.dirname, file), { table, identity });
  };
  await statements('table.sql');
  const { bootstrapServers } = kafka;
  const parts = {
    tools,
    cacheDirectory,
    bootstrapServers,
    registryUrl: registry.url,
    postgresPort: postgres.port,
  };
  const connect = kept(await startConnect(parts));
  const arrived = await readWhile(bootstrapServers, async (messages) => {
    await until(() => countOf(messages, 'catalog.public.titles_full') >= 3, connect.check);
    await statements('changes.sql');
    await statements('end.sql');
    await until(() => countOf(messages, 'catalog.transaction') > 0 && hasEnded(messages), connect.check);
  });
  for (const [topic, messages] of arrived) {
    const recorded = await describeTopic(topic, messages, registry.url);
    await writeFile(recordingFile(topic), `${JSON.stringify(recorded, null, 1)}\n`);
    console.log(`${topic}: ${messages.length} records, PostgreSQL ${postgres.version}`);
  }
}

function countOf(messages: Arrived, topic: string): number {
  return messages.get(topic)?.length ?? 0;
}

function hasEnded(messages: Arrived): boolean {
  return ['catalog.public.titles', 'catalog.public.titles_full'].every(
    (topic) => messages.get(topic)?.some(({ value }) => value?.includes('t-end')) === true,
  );
}

async function until(holds: () => boolean, check?: () => Promise<void>): Promise<void> {
  const deadline = systemClock.now() + recordingTimeoutMs;
  while (!holds()) {
    if (systemClock.now() > deadline)
      throw new ServiceError('The connector did not publish what it should have.');
    await check?.();
    await systemClock.sleep(100);
  }
}

/** Everything in the topics from their beginning, until the steps are over and nothing more comes. */
async function readWhile(bootstrap: string, steps: (arrived: Arrived) => Promise<void>): Promise<Arrived> {
  const arrived = new Map<string, KafkaMessage[]>(topics.map((topic) => [topic, []]));
  const client = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  // Those of the tables are made when the snapshot is written, the one of transactions only with the first change.
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1 })) });
  await admin.disconnect();
  const consumer = client.consumer({ groupId: 'recording' });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics, fromBeginning: true });
    let lastMs = systemClock.now();
    await consumer.run({
      eachMessage: async ({ topic, message }) => {
        arrived.get(topic)?.push(message);
        lastMs = systemClock.now();
      },
    });
    await steps(arrived);
    await until(() => systemClock.now() - lastMs > quietMs);
  } finally {
    await consumer.disconnect();
  }
  return arrived;
}

async function describeTopic(
  topic: string,
  messages: readonly KafkaMessage[],
  registryUrl: string,
): Promise<RecordedTopic> {
  const subjects = await Promise.all(
    [`${topic}-key`, `${topic}-value`].map(async (subject) => ({
      subject,
      schemas: await versionsOf(subject, registryUrl),
    })),
  );
  return {
    topic,
    subjects,
    records: messages.map(({ offset, timestamp, key, value, headers = {} }) => ({
      offset,
      timestampMs: Number(timestamp),
      key: key?.toString('base64') ?? null,
      value: value?.toString('base64') ?? null,
      headers: Object.entries(headers).map(([name, header]) => ({
        name,
        value: Buffer.from(String(header)).toString('base64'),
      })),
    })),
  };
}

async function versionsOf(
  subject: string,
  registryUrl: string,
): Promise<RecordedTopic['subjects'][number]['schemas']> {
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${registryUrl}/subjects/${subject}/${path}`)).json();
  const versions: unknown = await ask('versions');
  if (!Array.isArray(versions)) throw new ServiceError(`The registry has no subject ${subject}.`);
  return Promise.all(
    versions.map(async (version) => {
      const { id, schema } = Object(await ask(`versions/${version}`));
      return { id: Number(id), version: Number(version), text: String(schema) };
    }),
  );
}

await main();
