import { AssignerProtocol, type GroupDescription, KafkaJSConnectionError } from 'kafkajs';
import { expect, it } from 'vitest';
import type { Clock } from '../foundation/index.ts';
import { KafkaGroupShares } from './kafka-group-shares.ts';

const patienceMs = 60_000;

function group(
  state: GroupDescription['state'],
  ...shares: readonly (readonly number[])[]
): GroupDescription {
  const members = shares.map((partitions, index) => ({
    memberId: `m-${index}`,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    memberMetadata: Buffer.alloc(0),
    memberAssignment: AssignerProtocol.MemberAssignment.encode({
      version: 0,
      assignment: { views: [...partitions] },
      userData: Buffer.alloc(0),
    }),
  }));
  return { groupId: 'g.views', members, protocol: 'RoundRobinAssigner', protocolType: 'consumer', state };
}

/** Looks at a topic of four partitions whose group is as described; the time moves by hand. */
function looking() {
  let now = 0;
  let asked = 0;
  const clock: Clock = { now: () => now, sleep: async () => undefined };
  const shares = new KafkaGroupShares('views', patienceMs, clock);
  return {
    wait: (ms: number) => {
      now += ms;
    },
    asked: () => asked,
    look: (join: number, described: GroupDescription) => {
      const describeGroup = async (): Promise<GroupDescription> => {
        asked += 1;
        return described;
      };
      return shares.lost({ describeGroup }, join, 4, new AbortController().signal);
    },
  };
}

const half = group('Stable', [0], [1]);
const whole = group('Stable', [0, 2], [1, 3]);

it('tells of partitions that nobody was given for as long as the leader may take to notice them', async () => {
  const { look, wait } = looking();
  expect(await look(1, half)).toBe(0);
  wait(patienceMs - 1);
  expect(await look(1, half)).toBe(0);
  wait(1);
  expect(await look(1, half)).toBe(2);
});

it('counts anew from each join, and looks no more after one in which all were given out', async () => {
  const { look, wait, asked } = looking();
  await look(1, half);
  wait(patienceMs);
  expect(await look(2, half)).toBe(0);
  wait(patienceMs);
  expect(await look(3, whole)).toBe(0);
  expect(asked()).toBe(3);
  expect(await look(3, half)).toBe(0);
  expect(asked()).toBe(3);
});

it('judges no group before its first join, nor one that is being shared out', async () => {
  const { look, wait, asked } = looking();
  expect(await look(0, half)).toBe(0);
  expect(asked()).toBe(0);
  expect(await look(1, group('PreparingRebalance', []))).toBe(0);
  wait(patienceMs);
  expect(await look(1, half)).toBe(0);
});

it('counts no partitions that the topic had before it was made anew', async () => {
  const { look, wait } = looking();
  const older = group('Stable', [0, 4], [1, 5]);
  await look(1, older);
  wait(patienceMs);
  expect(await look(1, older)).toBe(2);
});

it('waits for no answer once it is to end, and judges by none', async () => {
  const shares = new KafkaGroupShares('views', 0, { now: () => 0, sleep: async () => undefined });
  const answer = Promise.withResolvers<GroupDescription>();
  const ending = new AbortController();
  const lost = shares.lost({ describeGroup: () => answer.promise }, 1, 4, ending.signal);
  ending.abort();
  expect(await lost).toBe(0);
  let isIdle = false;
  const idle = shares.idle().then(() => {
    isIdle = true;
  });
  await new Promise(setImmediate);
  expect(isIdle).toBe(false);
  answer.resolve(half);
  await idle;
});

it('says what could not be asked as an outage', async () => {
  const shares = new KafkaGroupShares('views', patienceMs, { now: () => 0, sleep: async () => undefined });
  const describeGroup = () => Promise.reject(new KafkaJSConnectionError('x'));
  await expect(shares.lost({ describeGroup }, 1, 4, new AbortController().signal)).rejects.toMatchObject({
    code: 'KAFKA_UNAVAILABLE',
    context: { topic: 'views' },
  });
});
