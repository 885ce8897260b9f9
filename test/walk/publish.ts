import { readFile } from 'node:fs/promises';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { systemClock } from '../../foundation/index.ts';
import { hideKafkajsTimeoutWarning } from '../../ingest/index.ts';
import { ConfluentRegistry, EventEncoder, registryHttpLimitsDefault } from '../../schemas/index.ts';

/** `node test/walk/publish.ts BROKERS REGISTRY TOPIC FIRST COUNT`: what the ratings service of the walk does: registers its own schema, publishes. */
const [brokers = '', url = '', topic = '', first = '0', count = '1'] = process.argv.slice(2);
hideKafkajsTimeoutWarning(process);
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
const registry = new ConfluentRegistry({ url, limits: registryHttpLimitsDefault, clock: systemClock });
const text = await readFile(new URL('ratings.avsc', import.meta.url), 'utf8');
const { schema } = await registry.register(`${topic}-value`, text);
const encoder = new EventEncoder(schema.id, schema.text);
const stars = [5, 2, 4];
const messages = Array.from({ length: Number(count) }, (_, index) => {
  const number = Number(first) + index;
  const value = encoder.encode({
    rating_id: BigInt(number),
    user_id: 7,
    stars: stars[number % stars.length],
    route_id: 4100 + (number % 2),
    rating_time: BigInt(Date.UTC(2026, 10, 20, 8 + number)),
    channel: number % 2 === 0 ? ' iOS' : 'web ',
    message: 'on time',
  });
  return { key: '7', value };
});
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({
  topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
  waitForLeaders: true,
});
await admin.disconnect();
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
await producer.send({ topic, messages });
await producer.disconnect();
console.log(`${count} ratings published to ${topic}`);
