import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import neo4j, { type Driver } from 'neo4j-driver';

export interface PlainRivalOptions {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly neo4jUri: string;
  readonly topic: string;
  /** It ends after so many messages or so much time, whichever comes first. */
  readonly eventsMax: number;
  readonly durationMs: number;
}

export interface PlainRivalResult {
  readonly events: number;
  readonly seconds: number;
}

/** The fields of the benchmark's topic that the rival writes. */
interface PlaybackStopped {
  readonly accountId: string;
  readonly occurredAt: number;
  readonly seconds: number;
  readonly title: { readonly id: string; readonly name: string };
  readonly device: { readonly id: string };
}

const mergeOne = `
  MERGE (a:Account {id: $accountId})
  MERGE (t:Title {id: $titleId}) SET t.name = $titleName
  MERGE (d:Device {id: $deviceId})
  MERGE (a)-[w:WATCHED]->(t) ON CREATE SET w.count = 1 ON MATCH SET w.count = w.count + 1
    SET w.lastSeen = $occurredAt, w.seconds = $seconds
  MERGE (a)-[u:USED]->(d) SET u.lastSeen = $occurredAt`;

/**
 * What a team writes first: kafkajs `eachMessage`, the registry's decoder, one MERGE statement a message into Neo4j with the
 * constraints that it needs. No positions, no dead letters, no dedupe: it promises less than we do.
 */
export async function runPlainRival(options: PlainRivalOptions): Promise<PlainRivalResult> {
  const driver = neo4j.driver(options.neo4jUri, undefined, { disableLosslessIntegers: true });
  try {
    await createConstraints(driver);
    return await consume(options, driver);
  } finally {
    await driver.close();
  }
}

async function createConstraints(driver: Driver): Promise<void> {
  for (const label of ['Account', 'Title', 'Device']) {
    await driver.executeQuery(
      `CREATE CONSTRAINT ${label.toLowerCase()}_id IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`,
    );
  }
}

async function consume(options: PlainRivalOptions, driver: Driver): Promise<PlainRivalResult> {
  const registry = new SchemaRegistry({ host: options.registryUrl });
  const kafka = new Kafka({ clientId: 'rival', brokers: [...options.brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'rival-plain-neo4j' });
  const session = driver.session();
  let events = 0;
  let startMs = 0;
  let endMs = 0;
  const done = Promise.withResolvers<void>();
  const finish = (): void => {
    if (endMs === 0) endMs = performance.now();
    done.resolve();
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error));
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: options.topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        if (message.value === null || endMs !== 0) return;
        if (startMs === 0) startMs = performance.now();
        const event: PlaybackStopped = await registry.decode(message.value);
        await session.run(mergeOne, parameters(event));
        events += 1;
        if (events >= options.eventsMax || performance.now() - startMs >= options.durationMs) finish();
      },
    });
    await done.promise;
  } finally {
    await consumer.disconnect();
    await session.close();
  }
  return { events, seconds: (endMs - startMs) / 1000 };
}

function parameters(event: PlaybackStopped): Record<string, string | number> {
  return {
    accountId: event.accountId,
    titleId: event.title.id,
    titleName: event.title.name,
    deviceId: event.device.id,
    occurredAt: Number(event.occurredAt),
    seconds: Number(event.seconds),
  };
}
