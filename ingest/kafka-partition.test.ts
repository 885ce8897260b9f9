import { expect, it } from 'vitest';
import { silentLog } from '../foundation/index.ts';
import type { SourceBatch, SourceHandler } from './event-source.ts';
import { type FetchedBatch, KafkaPartition, type PartitionControl } from './kafka-partition.ts';
import type { TopicLookup } from './kafka-topic-ids.ts';
import { settle } from './lookup-testing.ts';

const source = { cluster: 'c', topic: 'views', topicId: 't', partition: 0 };

/** A claimed partition whose handler holds each batch until it is let go, in a consumer that keeps offsets of what is assigned alone, as kafkajs does. */
async function holding() {
  const held: { batch: SourceBatch; letGo: () => void }[] = [];
  const resolved: bigint[] = [];
  const failures: unknown[] = [];
  let isAssigned = true;
  const handler: SourceHandler = {
    assigned: async () => 5n,
    revoked: () => undefined,
    batch: (batch) => new Promise((resolve) => held.push({ batch, letGo: resolve })),
    gap: () => 'stop',
    outage: () => undefined,
  };
  const control: PartitionControl = {
    seek: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    fail: (error) => failures.push(error),
    checkIdentity: async () => undefined,
    claimed: () => undefined,
  };
  const lookup: TopicLookup = {
    identify: async () => ({ cluster: 'c', topicId: 't', partitions: 1 }),
    bounds: async () => new Map([[0, { low: 0n, end: 9n }]]),
    close: async () => undefined,
  };
  const partition = new KafkaPartition(source, handler, lookup, control, silentLog);
  partition.assign();
  await partition.idle();
  const stuckAtClaim = partition.stuckAt;
  const batch: FetchedBatch = {
    asked: 5n,
    next: 9n,
    end: 9n,
    records: () => [],
    taken: () => {
      if (!isAssigned) throw new TypeError("Cannot set properties of undefined (setting '0')");
      resolved.push(9n);
    },
  };
  const taking = partition.take(batch);
  await settle();
  const end = async (): Promise<void> => {
    for (const { letGo } of held) letGo();
    await taking;
  };
  const lose = (): void => {
    isAssigned = false;
    partition.revoke();
  };
  return { partition, stuckAtClaim, held, resolved, failures, lose, end };
}

it('tells the consumer of a batch that was taken', async () => {
  const { held, resolved, failures, end } = await holding();
  expect(held.map(({ batch }) => [batch.from, batch.next])).toEqual([[5n, 9n]]);
  await end();
  expect([resolved, failures]).toEqual([[9n], []]);
});

it('tells it nothing of one that was held until the partition was lost, and fails nobody by it', async () => {
  const { held, resolved, failures, lose, end } = await holding();
  expect(held).toHaveLength(1);
  lose();
  await end();
  expect([resolved, failures]).toEqual([[], []]);
});

it('is stuck from a claim with records behind it until one was fetched, also while that is held', async () => {
  const { partition, stuckAtClaim, held } = await holding();
  expect(held).toHaveLength(1);
  expect([stuckAtClaim, partition.stuckAt]).toEqual([5n, null]);
});

it('is stuck nowhere once it is lost', async () => {
  const { partition, end, lose } = await holding();
  await end();
  partition.assign();
  await partition.idle();
  expect(partition.stuckAt).toBe(5n);
  lose();
  expect(partition.stuckAt).toBeNull();
});
