import type { Random } from '../../foundation/index.ts';
import { createMutationBatch, type EventMutations, type MutationBatch } from '../../graph-store/index.ts';

const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
const accounts = 200_000;
const titles = 10_000;
const startMs = 1_760_000_000_000;

export const account = (number: number) => ({ type: 'Account', id: `account-${number % accounts}` });
export const title = (number: number) => ({ type: 'Title', id: `title-${number % titles}` });

/** An event: one step, one edge, a member with two properties. Of few titles more than of many. */
function eventOf(number: number, random: Random): EventMutations {
  const member = account(Math.floor(random() * accounts));
  const watched = title(Math.floor(random() * random() * titles));
  return {
    timeMs: startMs + number * 7,
    rank: 0,
    occurrence: BigInt.asUintN(64, BigInt(number + 1) * 0x9e3779b97f4a7c15n),
    lineage: { offset: BigInt(number), origin },
    mutations: [
      {
        kind: 'node',
        node: member,
        properties: [
          ['country', 'DE'],
          ['plan', 'standard'],
        ],
      },
      { kind: 'edge', type: 'WATCHED', from: member, to: watched, properties: [['seconds', 1_234]] },
      {
        kind: 'step',
        owner: member,
        domain: 'playback',
        action: 'watched',
        links: [{ edge: 'WATCHED', direction: 'out', node: watched }],
        properties: [['seconds', 1_234]],
      },
    ],
  };
}

export function batchOf(from: number, count: number, random: Random): MutationBatch {
  const batch = createMutationBatch(64 * 1024);
  for (let i = 0; i < count; i += 1) batch.add(eventOf(from + i, random));
  return batch;
}
