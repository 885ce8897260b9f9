import { Kafka, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { type Clock, silentLog } from '../../foundation/index.ts';
import { kafkaBroadcastLimitsDefault } from './kafka-broadcast-log.ts';
import { KafkaBroadcastReader } from './kafka-broadcast-reader.ts';

/** What people are told by a reader whose topic cannot be reached for so long, by a clock that only its waits move. */
async function warningsOf(durationMs: number, why = new Error('the topic has no leader')): Promise<string[]> {
  const warnings: string[] = [];
  let nowMs = 0;
  const over = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs;
      if (nowMs >= durationMs) over.resolve();
    },
  };
  const reader = new KafkaBroadcastReader(
    {
      kafka: new Kafka({ brokers: ['127.0.0.1:9'], logLevel: logLevel.NOTHING }),
      topic: 'broadcasts',
      groupId: 'test',
      clock,
      random: () => 0.5,
      log: { ...silentLog, warn: (_fields, message) => warnings.push(message) },
      limits: kafkaBroadcastLimitsDefault,
    },
    async () => {
      throw why;
    },
    async () => undefined,
  );
  await over.promise;
  const neverRead = expect(reader.reading).rejects.toMatchObject({ code: 'LIVE_TOPIC_UNREACHABLE' });
  await reader.stop();
  await neverRead;
  return warnings;
}

it('Broadcasts that cannot be read for some seconds, as while a topic gets its leader, trouble nobody', async () => {
  expect(await warningsOf(8_000)).toEqual([]);
});

it('Broadcasts that cannot be read for longer are told of once', async () => {
  expect(await warningsOf(120_000)).toEqual(['Broadcasts cannot be read.']);
});

it('A refused login is told at once: waiting helps nobody', async () => {
  const refused = new KafkaJSNonRetriableError('SASL SCRAM SHA512 authentication failed');
  const givenUp = new KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 4, retryTime: 1 });
  expect(await warningsOf(1_000, givenUp)).toEqual(['Broadcasts cannot be read.']);
});
