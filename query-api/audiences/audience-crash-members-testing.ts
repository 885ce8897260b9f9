import type { EventMutations } from '../../graph-store/index.ts';
import type { Condition } from './condition.ts';

const members = 3000;
const groups = 7;

export function crashMembers(): EventMutations[] {
  return Array.from({ length: members }, (_, i) => ({
    timeMs: 1,
    rank: 0,
    occurrence: BigInt(i),
    mutations: [
      { kind: 'node', node: { type: 'Account', id: `acc-${i}` }, properties: [['group', i % groups]] },
    ],
  }));
}

export function crashWhere(number: number): Condition {
  const comparison = { operator: 'eq', value: number % groups } as const;
  return { kind: 'member', where: { kind: 'property', name: 'group', comparison } };
}

export function crashIds(number: number): readonly string[] {
  return Array.from({ length: members }, (_, i) => i)
    .filter((i) => i % groups === number % groups)
    .map((i) => `acc-${i}`)
    .sort();
}
