import type { Advance, SourcePartition } from './graph-store.ts';
import { createMutationBatch, type MutationBatch } from './mutation-batch.ts';

export const crashSource: SourcePartition = { cluster: 'c', topic: 't', topicId: 'life', partition: 0 };
const eventsPerBatch = 50;

export function crashAdvance(epoch: number, number: number): Advance {
  return {
    source: crashSource,
    epoch,
    from: BigInt(number),
    next: BigInt(number + 1),
    fates: { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 },
    newestEventMs: number,
  };
}

/** What batch `number` holds, the same each time it is asked for. */
export function crashBatch(number: number): MutationBatch {
  const batch = createMutationBatch();
  for (let i = 0; i < eventsPerBatch; i += 1) {
    const owner = { type: 'Account', id: `a${(number * 7 + i) % 90}` };
    const to = { type: 'Title', id: `t${(number * 3 + i) % 40}` };
    batch.add({
      timeMs: number * 100 + ((i * 37) % 100),
      rank: 0,
      occurrence: BigInt(number * eventsPerBatch + i),
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
