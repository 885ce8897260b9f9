import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Broadcast } from '../../device/index.ts';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../../test/services/index.ts';
import { KafkaBroadcastLog, kafkaBroadcastLimitsDefault } from './kafka-broadcast-log.ts';

describeWith('java')('Broadcasts on a real broker', () => {
  let broker: KafkaBroker;
  const logs: KafkaBroadcastLog[] = [];
  beforeAll(async () => {
    broker = await startKafka({});
  }, startTimeoutMs);
  afterAll(async () => {
    for (const log of logs) await log.close();
    await broker.dispose();
  });

  const kafka = (): Kafka =>
    new Kafka({
      brokers: broker.bootstrapServers.split(','),
      clientId: 'test',
      logLevel: logLevel.NOTHING,
      connectionTimeout: 2000,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 3 },
    });
  const open = (topic: string, name: string): KafkaBroadcastLog => {
    const log = new KafkaBroadcastLog({
      kafka: kafka(),
      topic,
      groupId: `${topic}-${name}`,
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      limits: kafkaBroadcastLimitsDefault,
    });
    logs.push(log);
    return log;
  };

  it('gives every reader everything that is published once it reads, each event in order', async () => {
    const writer = open('order', 'w');
    await writer.publish(broadcast('before', 1));
    const readers = [await read(open('order', 'r1')), await read(open('order', 'r2'))];
    const sent = Array.from({ length: 60 }, (_, i) => broadcast(`e${i % 7}`, 1 + Math.floor(i / 7)));
    for (let i = 0; i < sent.length; i += 7)
      await Promise.all(sent.slice(i, i + 7).map((one) => writer.publish(one)));
    for (const reader of readers) {
      await reader.until(sent.length);
      expect(reader.got.toSorted(byEvent)).toEqual(sent.toSorted(byEvent));
      for (const [, some] of Map.groupBy(reader.got, ({ event }) => event))
        expect(some.map(({ sequence }) => sequence)).toEqual(some.map((_, i) => i + 1));
    }
  });

  it('says that it cannot be reached while the broker is away, and misses nothing when it is back', async () => {
    const writer = open('away', 'w');
    const reader = await read(open('away', 'r'));
    await writer.publish(broadcast('e', 1));
    await reader.until(1);
    await broker.kill();
    await expect(writer.publish(broadcast('e', 2))).rejects.toMatchObject({
      code: 'LIVE_TOPIC_UNREACHABLE',
      reaction: 'outage',
    });
    await broker.start();
    await writer.publish(broadcast('e', 2));
    await writer.publish(broadcast('e', 3));
    await reader.until(3);
    expect(reader.got.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('goes on after what is no broadcast, and after one that could not be handled', async () => {
    const writer = open('noise', 'w');
    const reader = await read(open('noise', 'r'), ({ sequence }) => {
      if (sequence === 1) throw new Error('a fault of the reader');
    });
    const producer = kafka().producer();
    await producer.connect();
    for (const value of ['{no', '{"type":"broadcast"}', `"${'x'.repeat(9999)}"`, null])
      await producer.send({ topic: 'noise', messages: [{ key: 'e', value }] });
    await producer.disconnect();
    await writer.publish(broadcast('e', 1));
    await writer.publish(broadcast('e', 2));
    await reader.until(2);
    expect(reader.got.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('stops where it is, also while it waits for a broker that is not there', async () => {
    const reader = await read(open('stop', 'r'));
    await reader.stop();
    const log = new KafkaBroadcastLog({
      kafka: new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } }),
      topic: 'stop',
      groupId: 'nowhere',
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      limits: kafkaBroadcastLimitsDefault,
    });
    const subscribing = expect(log.subscribe(async () => undefined)).rejects.toMatchObject({
      code: 'LIVE_TOPIC_UNREACHABLE',
    });
    await log.close();
    await subscribing;
    expect(reader.got).toEqual([]);
  });
});

function broadcast(event: string, sequence: number): Broadcast {
  return { type: 'broadcast', event, epoch: 1000, sequence, version: 1, stage: 'live', at: 5000 };
}

function byEvent(a: Broadcast, b: Broadcast): number {
  return a.event === b.event ? a.sequence - b.sequence : a.event < b.event ? -1 : 1;
}

/** What a subscriber got; `until` resolves when it has so many. */
async function read(log: KafkaBroadcastLog, onEach: (broadcast: Broadcast) => void = () => undefined) {
  const got: Broadcast[] = [];
  let look: () => void = () => undefined;
  const stop = await log.subscribe(async (one) => {
    got.push(one);
    look();
    onEach(one);
  });
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (got.length >= count) resolve();
      };
      look();
    });
  return { got, until, stop };
}
