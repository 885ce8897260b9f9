import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../test/services/index.ts';
import {
  createTopic,
  FakeHandler,
  FakePositions,
  numbered,
  plainKafka,
  produce,
  type RunningSource,
  startSource,
  staticMembers,
} from './kafka-testing.ts';

/** So long is a member waited for. Nothing below takes as long that is to be over before. */
const longSessionMs = 30_000;

describeWith('java')('Static members on a real broker', () => {
  let broker: KafkaBroker;
  const running: RunningSource[] = [];

  beforeAll(async () => {
    broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  }, startTimeoutMs);
  afterEach(async () => {
    await Promise.allSettled(running.splice(0).map((source) => source.stop()));
  });
  afterAll(async () => {
    await broker.dispose();
  });

  const start = async (
    topic: string,
    instanceId: string,
    handler: FakeHandler,
    sessionTimeoutMs = longSessionMs,
  ): Promise<RunningSource> => {
    const settings = {
      'group.instance.id': instanceId,
      'session.timeout.ms': sessionTimeoutMs,
      'heartbeat.interval.ms': 300,
      'metadata.max.age.ms': 1_000,
    };
    const connection = { 'bootstrap.servers': broker.bootstrapServers };
    const source = await startSource(topic, handler, connection, settings);
    running.push(source);
    return source;
  };
  const toEach = (text: string, partitions: number, count: number) =>
    Array.from({ length: partitions }, (_, partition) =>
      numbered(`${text}${partition}`, count, partition),
    ).flat();
  const addPartitions = async (topic: string, count: number): Promise<void> => {
    const admin = plainKafka(broker.bootstrapServers).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    await admin.disconnect();
  };

  it('find their partitions again when they are back in time, the leader too, and nobody else notices', async () => {
    const topic = 'static-restart';
    await createTopic(broker.bootstrapServers, topic, 4);
    const positions = new FakePositions();
    const [one, two] = [new FakeHandler(positions), new FakeHandler(positions)];
    const first = await start(topic, 'a', one);
    await one.until(() => one.owned.length === 4);
    const second = await start(topic, 'b', two);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);
    const [ofOne, ofTwo] = [owned(one), owned(two)];
    expect(await staticMembers(broker.bootstrapServers, `test.${topic}`)).toEqual(['a', 'b']);

    const untouched = moves(two);
    await first.stop();
    await produce(broker.bootstrapServers, topic, toEach('x', 4, 50));
    const oneAgain = new FakeHandler(positions);
    await start(topic, 'a', oneAgain);
    await one.until(() => positions.applied.length >= 200);
    expect(owned(oneAgain)).toEqual(ofOne);
    expect(moves(two)).toEqual(untouched);

    const untouchedOne = moves(oneAgain);
    await second.stop();
    await produce(broker.bootstrapServers, topic, toEach('y', 4, 50));
    const twoAgain = new FakeHandler(positions);
    await start(topic, 'b', twoAgain);
    await one.until(() => positions.applied.length >= 400);
    expect(owned(twoAgain)).toEqual(ofTwo);
    expect(moves(oneAgain)).toEqual(untouchedOne);
    expect(positions.applied).toHaveLength(400);
    expect(new Set(positions.applied.map(({ text }) => text)).size).toBe(400);
  });

  it('lose their partitions to the others when they stay away for longer than their session, and nothing is lost', async () => {
    const topic = 'static-away';
    await createTopic(broker.bootstrapServers, topic, 4);
    const positions = new FakePositions();
    const [one, two] = [new FakeHandler(positions), new FakeHandler(positions)];
    const first = await start(topic, 'a', one, 1_500);
    await start(topic, 'b', two, 1_500);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);
    await produce(broker.bootstrapServers, topic, toEach('x', 4, 50));
    await one.until(() => positions.applied.length === 200);
    await first.stop();
    await produce(broker.bootstrapServers, topic, toEach('y', 4, 50));
    await two.until(() => two.owned.length === 4 && positions.applied.length >= 400);
    await start(topic, 'a', one, 1_500);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);
    await produce(broker.bootstrapServers, topic, toEach('z', 4, 50));
    await one.until(() => positions.applied.length >= 600);
    expect(positions.applied).toHaveLength(600);
    expect(new Set(positions.applied.map(({ text }) => text)).size).toBe(600);
  });

  it('stop by name when another process takes their place, which reads on', async () => {
    const topic = 'static-twice';
    await createTopic(broker.bootstrapServers, topic, 2);
    const positions = new FakePositions();
    const [one, two] = [new FakeHandler(positions), new FakeHandler(positions)];
    const first = await start(topic, 'a', one);
    await one.until(() => one.owned.length === 2);
    const second = await start(topic, 'a', two);
    expect(await first.ended).toMatchObject({
      code: 'KAFKA_INSTANCE_FENCED',
      reaction: 'stop',
      context: { topic, setting: 'group.instance.id' },
    });
    expect(one.owned).toEqual([]);
    await produce(broker.bootstrapServers, topic, toEach('x', 2, 50));
    await two.until(() => positions.applied.length === 100);
    expect(owned(two)).toEqual([0, 1]);
    // By itself it has not ended, nor was it disturbed.
    await second.stop();
    expect(two.said.filter((what) => what.startsWith('outage'))).toEqual([]);
  });

  it('read partitions that were added while they run, and while the leader was away', async () => {
    const topic = 'static-added';
    await createTopic(broker.bootstrapServers, topic, 2);
    const positions = new FakePositions();
    const [one, two] = [new FakeHandler(positions), new FakeHandler(positions)];
    const first = await start(topic, 'a', one);
    await one.until(() => one.owned.length === 2);
    await start(topic, 'b', two);
    await one.until(() => one.owned.length === 1 && two.owned.length === 1);
    await addPartitions(topic, 4);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);

    await first.stop();
    await addPartitions(topic, 6);
    await start(topic, 'a', one);
    await one.until(() => one.owned.length === 3 && two.owned.length === 3);
    await produce(broker.bootstrapServers, topic, toEach('x', 6, 50));
    await one.until(() => positions.applied.length >= 300);
    expect(positions.applied).toHaveLength(300);
  });

  it('read all of a topic that is made anew with fewer partitions, whoever of them had which', async () => {
    const topic = 'static-anew';
    await createTopic(broker.bootstrapServers, topic, 4);
    const positions = new FakePositions();
    const [one, two] = [new FakeHandler(positions), new FakeHandler(positions)];
    await start(topic, 'a', one);
    await start(topic, 'b', two);
    await one.until(() => one.owned.length === 2 && two.owned.length === 2);
    const admin = plainKafka(broker.bootstrapServers).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await vi.waitUntil(async () => !(await admin.listTopics()).includes(topic), { timeout: 20_000 });
    await admin.disconnect();
    await createTopic(broker.bootstrapServers, topic, 2);
    await one.until(() => one.owned.length === 1 && two.owned.length === 1);
    await produce(broker.bootstrapServers, topic, toEach('x', 2, 50));
    await one.until(() => positions.applied.length >= 100);
    expect(positions.applied).toHaveLength(100);
    expect([...owned(one), ...owned(two)].sort()).toEqual([0, 1]);
  });
});

const owned = (handler: FakeHandler): readonly number[] =>
  handler.owned.map(({ partition }) => partition).sort();

/** What a rebalance is seen by: a member is told its partitions anew at each. */
const moves = (handler: FakeHandler): readonly string[] =>
  handler.said.filter((what) => what.startsWith('assigned') || what.startsWith('revoked'));
