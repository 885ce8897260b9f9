import type { Mutation, NodeRef } from '../../graph-store/index.ts';
import type { Condition, Did } from './condition.ts';

export function account(id: string): NodeRef {
  return { type: 'Account', id };
}

export function watching(from: NodeRef, title: string): Mutation {
  return { kind: 'edge', type: 'WATCHED', from, to: { type: 'Title', id: title }, properties: [] };
}

/** Has watched the title, ever. */
export function watchedTitle(id: string): Did {
  return {
    kind: 'did',
    edge: 'WATCHED',
    direction: 'out',
    sinceMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    to: { kind: 'nodes', nodes: [{ type: 'Title', id }] },
    where: null,
    atLeast: 1,
  };
}

export const german = memberWith('country', 'eq', 'DE');

export function memberWith(name: string, operator: 'eq' | 'lt', value: string | number): Condition {
  return { kind: 'member', where: { kind: 'property', name, comparison: { operator, value } } };
}
