import { type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import type { ExpectedBad } from './main-job-oracle.ts';

const differencesMax = 20;

/** What is wrong with the dead letters, in words; empty when each expected one is there, whole, and no other is. */
export async function compareDeadLetters(
  bootstrapServers: string,
  topics: readonly string[],
  expected: readonly ExpectedBad[],
  copies: 'exactly-one' | 'at-least-one',
): Promise<readonly string[]> {
  const letters = await readAll(
    bootstrapServers,
    topics.map((topic) => `${topic}.dlq`),
  );
  const found = Map.groupBy(letters, placeOf);
  const differences: string[] = [];
  for (const bad of expected) {
    const place = `${bad.topic}/${bad.partition}/${bad.offset}`;
    const copiesFound = found.get(place) ?? [];
    found.delete(place);
    if (copiesFound.length === 0) differences.push(`${bad.why} at ${place} has no dead letter`);
    if (copies === 'exactly-one' && copiesFound.length > 1)
      differences.push(`${place} has ${copiesFound.length}`);
    for (const letter of copiesFound) {
      const problem = compareLetter(letter, bad);
      if (problem !== null) differences.push(`${bad.why} at ${place}: ${problem}`);
    }
  }
  for (const place of found.keys()) differences.push(`${place} has a dead letter and was good`);
  return differences.slice(0, differencesMax);
}

function placeOf({ headers }: KafkaMessage): string {
  return ['topic', 'partition', 'offset']
    .map((name) => lastOf(headers, `__connect.errors.${name}`))
    .join('/');
}

function lastOf(headers: IHeaders | undefined, name: string): string | null {
  const values = [headers?.[name] ?? []].flat();
  const last = values.at(-1);
  return last === undefined ? null : last.toString();
}

function compareLetter(letter: KafkaMessage, expected: ExpectedBad): string | null {
  if (letter.value?.toString('base64') !== expected.value) return 'its bytes differ';
  if ((letter.key?.toString('base64') ?? null) !== expected.key) return 'its key differs';
  if (letter.timestamp !== String(expected.timestampMs)) return `its time is ${letter.timestamp}`;
  for (const [name, value] of expected.headers) {
    const [found] = [letter.headers?.[name] ?? []].flat();
    if (found === undefined || Buffer.from(found).toString('base64') !== value)
      return `its header ${name} differs`;
  }
  for (const name of ['connector.name', 'task.id', 'stage', 'exception.class.name', 'exception.message']) {
    const text = lastOf(letter.headers, `__connect.errors.${name}`);
    if (text === null || text === '') return `it has no header __connect.errors.${name}`;
  }
  return null;
}

/** Everything in the topics up to the ends they have now. */
async function readAll(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<readonly KafkaMessage[]> {
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const left = await endsOf(kafka, topics);
  const messages: KafkaMessage[] = [];
  if (left.size === 0) return messages;
  const consumer = kafka.consumer({ groupId: `dead-letter-comparison-${topics.join('-')}` });
  const complete = Promise.withResolvers<void>();
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    consumer.on(consumer.events.CRASH, ({ payload }) => complete.reject(payload.error));
    await consumer.run({
      eachBatch: async ({ batch }) => {
        messages.push(...batch.messages);
        const place = `${batch.topic}/${batch.partition}`;
        if (BigInt(batch.lastOffset()) + 1n >= (left.get(place) ?? 0n)) left.delete(place);
        if (left.size === 0) complete.resolve();
      },
    });
    await complete.promise;
  } finally {
    await consumer.disconnect();
  }
  return messages;
}

async function endsOf(kafka: Kafka, topics: readonly string[]): Promise<Map<string, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ends = new Map<string, bigint>();
    for (const topic of topics) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        if (BigInt(high) > 0n) ends.set(`${topic}/${partition}`, BigInt(high));
      }
    }
    return ends;
  } finally {
    await admin.disconnect();
  }
}
