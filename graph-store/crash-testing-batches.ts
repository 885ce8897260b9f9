import type { Advance, SourcePartition } from './graph-store.ts';
import { createMutationBatch, type MutationBatch } from './mutation-batch.ts';

const eventsPerBatch = 50;
/** No partition comes to so many batches: numbers of different partitions never meet. */
const partitionBatchesMax = 1_000_000;

export function crashSourceOf(partition: number): SourcePartition {
  return { cluster: 'c', topic: 't', topicId: 'life', partition };
}

export const crashSource = crashSourceOf(0);

export function crashAdvance(epoch: number, number: number, partition = 0): Advance {
  return {
    source: crashSourceOf(partition),
    epoch,
    from: BigInt(number),
    next: BigInt(number + 1),
    fates: { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 },
    newestEventMs: number,
  };
}

/** What batch `number` of a partition holds, the same each time it is asked for. All partitions write to the same members and titles. */
export function crashBatch(number: number, partition = 0): MutationBatch {
  const batch = createMutationBatch();
  const first = (partition * partitionBatchesMax + number) * eventsPerBatch;
  for (let i = 0; i < eventsPerBatch; i += 1) {
    const owner = { type: 'Account', id: `a${(number * 7 + i) % 90}` };
    const to = { type: 'Title', id: `t${(number * 3 + i) % 40}` };
    batch.add({
      timeMs: number * 100 + ((i * 37) % 100),
      rank: 0,
      occurrence: BigInt(first + i),
      mutations: [
        { kind: 'step', owner, domain: 'd', action: 'a', links: [], properties: [['number', number]] },
        { kind: 'edge', type: 'WATCHED', from: owner, to, properties: [['number', number]] },
        { kind: 'node', node: owner, properties: [['number', number]] },
        ...(i === 0 ? [{ kind: 'node-delete', node: to } as const] : []),
      ],
    });
  }
  return batch;
}
