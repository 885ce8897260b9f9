import { describe, expect, it } from 'vitest';
import type { NodeRef, NodeView } from '../../graph-store/index.ts';
import { NodeLoader } from './node-loader.ts';
import { TraversalBudget } from './traversal-budget.ts';
import { noBudget, tickingClock } from './walk-testing.ts';
import { nodeKey } from './walked-edge.ts';

const refs = Array.from({ length: 600 }, (_, index) => ({ type: 'Title', id: String(index) }));
const view = (node: NodeRef, text = ''): NodeView => {
  return { node, properties: [{ name: 'text', value: text, timeMs: 0 }], lineage: null };
};
const budgetOf = (bytesMax: number): TraversalBudget =>
  new TraversalBudget({ ...noBudget, bytesMax }, tickingClock(), new AbortController().signal);

describe('Nodes of an answer', () => {
  it('are read many at a time, each once, and not when they are known', async () => {
    const calls: number[] = [];
    const nodes = async (asked: readonly NodeRef[]): Promise<readonly NodeView[]> => {
      calls.push(asked.length);
      return asked.map((ref) => view(ref));
    };
    const known = { type: 'Title', id: '0' };
    const loader = new NodeLoader({ nodes }, budgetOf(1e9), new Map([[nodeKey(known), view(known)]]));
    const found = await Promise.all([...refs, ...refs].map((ref) => loader.load(ref)));
    expect(found.map((one) => one?.node.id)).toEqual([...refs, ...refs].map(({ id }) => id));
    expect(calls).toEqual([256, 256, 87]);
  });
  it('are refused by name beyond the bytes that a query may hold', async () => {
    const nodes = async (asked: readonly NodeRef[]): Promise<readonly NodeView[]> =>
      asked.map((ref) => view(ref, 'x'.repeat(1000)));
    const loader = new NodeLoader({ nodes }, budgetOf(100_000), new Map());
    const found = await Promise.allSettled(refs.map((ref) => loader.load(ref)));
    expect(found[255]).toMatchObject({ status: 'fulfilled' });
    expect(found[256]).toMatchObject({ reason: { extensions: { code: 'QUERY_TOO_LARGE', limit: 100_000 } } });
  });
  it('fail together when the store does', async () => {
    const loader = new NodeLoader(
      { nodes: () => Promise.reject(new Error('down')) },
      budgetOf(1e9),
      new Map(),
    );
    const found = await Promise.allSettled(refs.slice(0, 3).map((ref) => loader.load(ref)));
    expect(found.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
