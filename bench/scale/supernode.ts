import { createMutationBatch, type GraphStore, type NodeRef } from '../../graph-store/index.ts';
import type { Figure } from '../benchmark.ts';
import { batchEvents, StoreLoad } from './load-store.ts';
import { nowMs, occurrenceOf } from './member-days.ts';

export const supernode: NodeRef = { type: 'Title', id: 'the-one-that-all-watch' };
const spanMs = 200 * 86_400_000;
const saidEvery = 500_000;

/** So many members watch one title, one after the other in 200 days: an edge each and nothing else. */
export async function loadSupernode(
  store: GraphStore,
  members: number,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  const load = await StoreLoad.of(store, 'supernode');
  const began = performance.now();
  for (let from = 0; from < members; from += batchEvents) {
    const count = Math.min(batchEvents, members - from);
    const batch = createMutationBatch(64 * 1024);
    for (let number = from; number < from + count; number += 1) {
      const timeMs = Math.floor(nowMs - spanMs + (number * spanMs) / members);
      const member = { type: 'Account', id: `member-${number}` };
      batch.add({
        ...occurrenceOf(number, timeMs),
        mutations: [
          { kind: 'edge', type: 'WATCHED', from: member, to: supernode, properties: [['seconds', 60]] },
        ],
      });
    }
    await load.apply(count, batch);
    if (from > 0 && from % saidEvery === 0) log(`supernode: ${from} of ${members} members`);
  }
  await load.settled();
  return {
    'supernode.members': { value: members, unit: 'members' },
    'supernode.edgesPerSecond': {
      value: members / ((performance.now() - began) / 1000),
      unit: 'edges/s',
    },
  };
}
