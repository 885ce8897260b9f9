import { expect, it } from 'vitest';
import { createKafkaClient, loadKafkaConnection } from './kafka-client.ts';
import { LogRecorder } from './kafka-testing.ts';

async function kafkajsLogger(log: LogRecorder) {
  const connection = await loadKafkaConnection({
    'bootstrap.servers': '127.0.0.1:9',
    'client.id': 'test',
    'security.protocol': 'PLAINTEXT',
  });
  return createKafkaClient(connection, log).logger().namespace('Consumer');
}

it('leaves to debugging what kafkajs says of single attempts, whatever it calls them', async () => {
  const log = new LogRecorder();
  const logger = await kafkajsLogger(log);
  const fields = { broker: '127.0.0.1:9', error: 'The group coordinator is not available', size: 4 };
  logger.error('Response GroupCoordinator(key: 10, version: 2)', fields);
  logger.error('Response CreateTopics(key: 19, version: 3)', { error: 'Topic creation errors' });
  logger.warn('The group is rebalancing, re-joining', { groupId: 'journey-graph.views' });
  logger.info('Consumer has joined the group', { groupId: 'journey-graph.views' });
  expect(log.lines.map(({ level }) => level)).toEqual(['debug', 'debug', 'debug', 'debug']);
  expect(log.lines[0]).toMatchObject({
    message: 'Response GroupCoordinator(key: 10, version: 2)',
    fields: { client: 'kafkajs', broker: '127.0.0.1:9', error: 'The group coordinator is not available' },
  });
});

it('does not hide that a listener of ours failed, which kafkajs throws to nobody', async () => {
  const log = new LogRecorder();
  const logger = await kafkajsLogger(log);
  logger.error('Failed to execute listener: boom', { eventName: 'consumer.group_join', stack: 'at x' });
  expect(log.lines).toEqual([
    {
      level: 'error',
      message: 'Failed to execute listener: boom',
      fields: { client: 'kafkajs', part: 'Consumer', eventName: 'consumer.group_join' },
    },
  ]);
});

it('passes no field that it does not know on, since payloads and stacks may be among them', async () => {
  const log = new LogRecorder();
  const logger = await kafkajsLogger(log);
  logger.error('Response Fetch(key: 1, version: 11)', { payload: 'canary', stack: 'canary', topic: 'views' });
  expect(JSON.stringify(log.lines)).not.toContain('canary');
  expect(log.lines[0]?.fields).toMatchObject({ topic: 'views' });
});
