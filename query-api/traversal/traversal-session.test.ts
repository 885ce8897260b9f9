import { describe, expect, it } from 'vitest';
import type { AdjacencyQuery, GraphReader, OccurrenceView } from '../../graph-store/index.ts';
import { EdgeCursor } from './edge-cursor.ts';
import { TraversalBudget } from './traversal-budget.ts';
import { TraversalSession } from './traversal-session.ts';
import { noBudget, tickingClock } from './walk-testing.ts';

const range = {
  edge: 'WATCHED',
  way: 'out',
  sinceMs: 0,
  untilMs: 1e12,
  scanMax: 100_000,
  endsOnly: true,
} as const;

/** Nodes with as many edges as anybody asks for, whose events are of some size. */
function endless(
  textLength: number,
  seen: (queries: readonly AdjacencyQuery[]) => void,
): GraphReader['adjacencies'] {
  let id = 0;
  const occurrence = (of: AdjacencyQuery['of'], timeMs: number): OccurrenceView => {
    id += 1;
    const to = { type: 'Title', id: String(id) };
    const properties = [['text', 'x'.repeat(textLength)]] as const;
    return { type: 'WATCHED', from: of, to, key: null, timeMs, occurrence: 0n, properties, lineage: null };
  };
  return async (queries) => {
    seen(queries);
    return queries.map(({ of, limit, after }) => {
      const newestMs = (after?.timeMs ?? 1e9) - 1;
      const occurrences = Array.from({ length: limit }, (_, index) => occurrence(of, newestMs - index));
      const last = { timeMs: newestMs - limit + 1, occurrence: 0n, far: of, key: null };
      return { occurrences, scanned: limit, truncated: false, last };
    });
  };
}

const nodes = async (): Promise<never[]> => [];
const cursors = (count: number): EdgeCursor[] =>
  Array.from({ length: count }, (_, index) => {
    return new EdgeCursor({ type: 'Account', id: String(index) }, range, {
      where: null,
      passedOver: new Set(),
    });
  });

async function readAll(
  session: TraversalSession,
  from: readonly EdgeCursor[],
  rows: number,
): Promise<number> {
  let found = 0;
  for await (const some of session.readOn(1, from, rows, () => 0)) found += some.length;
  return found;
}

describe('A traversal reads', () => {
  it('no more rows a call than one may hold, and lets others have their turn after each', async () => {
    const asked: number[] = [];
    const order: string[] = [];
    const adjacencies = endless(0, (queries) => {
      order.push('call');
      asked.push(queries.reduce((sum, { limit }) => sum + limit, 0));
    });
    const clock = { now: () => 0, sleep: async () => void order.push('turn') };
    const budget = new TraversalBudget(noBudget, clock, new AbortController().signal);
    expect(await readAll(new TraversalSession({ adjacencies, nodes }, budget), cursors(100), 300)).toBe(100);
    expect(Math.max(...asked)).toBeLessThanOrEqual(4096);
    expect(order).toEqual(asked.flatMap(() => ['call', 'turn']));
  });
  it('fewer rows a call when they are large', async () => {
    const asked: number[] = [];
    const adjacencies = endless(60_000, (queries) => {
      asked.push(queries.reduce((sum, { limit }) => sum + limit, 0));
    });
    const budget = new TraversalBudget(noBudget, tickingClock(), new AbortController().signal);
    await readAll(new TraversalSession({ adjacencies, nodes }, budget), cursors(100), 8);
    const [first = 0, ...rest] = asked;
    expect(first).toBe(800);
    expect(rest).toEqual([]);
    const again: number[] = [];
    const session = new TraversalSession(
      {
        adjacencies: endless(60_000, (q) => again.push(q.reduce((sum, { limit }) => sum + limit, 0))),
        nodes,
      },
      budget,
    );
    await readAll(session, cursors(1), 8);
    await readAll(session, cursors(100), 64);
    expect(Math.max(...again.slice(1))).toBeLessThanOrEqual(70);
  });
  it('nothing more once nobody waits for the answer', async () => {
    const gone = new AbortController();
    let calls = 0;
    const adjacencies = endless(0, () => {
      calls += 1;
      gone.abort();
    });
    const budget = new TraversalBudget(noBudget, tickingClock(), gone.signal);
    const session = new TraversalSession({ adjacencies, nodes }, budget);
    await readAll(session, cursors(100), 1024);
    expect(calls).toBe(1);
    expect(session.truncations.list()).toMatchObject([{ hop: 1, kind: 'DEADLINE' }]);
  });
  it('no more lists than it may look at rows, when all of them are empty', async () => {
    let lists = 0;
    const adjacencies: GraphReader['adjacencies'] = async (queries) => {
      lists += queries.length;
      return queries.map(() => ({ occurrences: [], scanned: 0, truncated: false, last: null }));
    };
    const limits = { ...noBudget, rowsMax: 500 };
    const budget = new TraversalBudget(limits, tickingClock(), new AbortController().signal);
    const session = new TraversalSession({ adjacencies, nodes }, budget);
    await readAll(session, cursors(2000), 8);
    expect(lists).toBeLessThanOrEqual(500);
    expect(session.edgesScanned).toBe(0);
    expect(session.truncations.list()).toMatchObject([{ kind: 'EDGES', limit: 500 }]);
  });
  it('one traversal of a request after the other', async () => {
    const budget = new TraversalBudget(noBudget, tickingClock(), new AbortController().signal);
    const order: string[] = [];
    const run = (name: string, fails: boolean) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await budget.turn();
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
    const first = budget.inTurn(run('first', true));
    const second = budget.inTurn(run('second', false));
    await expect(first).rejects.toThrow('first');
    await second;
    expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });
});
