import { expect, it } from 'vitest';
import type { AdjacencyPage, AdjacencyQuery, NodeRef } from '../../graph-store/index.ts';
import { type HopOptions, readHop } from './hops.ts';

const frontier: readonly NodeRef[] = Array.from({ length: 20 }, (_, i) => ({ type: 'Title', id: `t${i}` }));
const options: HopOptions = {
  type: 'WATCHED',
  direction: 'in',
  sinceMs: 0,
  edgesMax: 300,
  edgesOfNodeMax: 300,
  atOnce: 8,
  endsOnly: true,
};

/** Every node has so many edges, all of different accounts. */
function storeWith(edges: number): {
  read: (queries: readonly AdjacencyQuery[]) => Promise<readonly AdjacencyPage[]>;
  asked: AdjacencyQuery[];
  atOnce: () => number;
} {
  const asked: AdjacencyQuery[] = [];
  let most = 0;
  const read = async (queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> => {
    asked.push(...queries);
    most = Math.max(most, queries.length);
    return queries.map((query) => pageOf(query, edges));
  };
  return { read, asked, atOnce: () => most };
}

function pageOf(query: AdjacencyQuery, edges: number): AdjacencyPage {
  const occurrences = Array.from({ length: Math.min(edges, query.limit) }, (_, i) => ({
    type: query.type,
    from: { type: 'Account', id: `${query.of.id}-a${i}` },
    to: query.of,
    key: null,
    timeMs: i,
    occurrence: BigInt(i),
    properties: [],
    lineage: null,
  }));
  return { occurrences, scanned: occurrences.length, truncated: false, last: null };
}

it.each([1, 10, 38, 1000])(
  'stops at its bound when each node has %s edges and reads none in vain',
  async (edges) => {
    const store = storeWith(edges);
    const { reached, edges: found } = await readHop(store.read, frontier, options);
    expect(found).toBe(Math.min(300, edges * frontier.length));
    expect(reached).toHaveLength(found);
    expect(store.asked.length).toBeLessThanOrEqual(frontier.length);
    expect(store.atOnce()).toBeLessThanOrEqual(8);
  },
);

it('gives all of it to a single node', async () => {
  const store = storeWith(1000);
  expect((await readHop(store.read, frontier.slice(0, 1), options)).edges).toBe(300);
  expect(store.asked).toHaveLength(1);
});

it('reads every node to its own bound where the hop has none', async () => {
  const store = storeWith(400);
  const wide = { ...options, edgesMax: Number.POSITIVE_INFINITY };
  expect((await readHop(store.read, frontier, wide)).edges).toBe(300 * frontier.length);
});

it('ends at once without nodes', async () => {
  expect(await readHop(storeWith(1).read, [], options)).toEqual({ reached: [], edges: 0 });
});
