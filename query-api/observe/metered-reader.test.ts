import { GraphQLError } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type JourneyQuery } from '../../graph-store/index.ts';
import { createWriter, stepAt } from '../api-testing.ts';
import { metered } from './observe-testing.ts';
import { insideField } from './query-run.ts';

const store = createMemoryStore(systemClock);
const of = { type: 'Account', id: 'a' };
const journey: JourneyQuery = {
  of,
  sinceMs: 0,
  untilMs: 8e15,
  domains: null,
  order: 'oldest-first',
  after: null,
  limit: 10,
  scanMax: 100,
  bytesMax: 2 ** 20,
};
const hop = {
  of,
  type: 'WATCHED',
  direction: 'out',
  sinceMs: 0,
  untilMs: 8e15,
  limit: 3,
  scanMax: 100,
} as const;

beforeAll(async () => {
  const write = await createWriter(store);
  const watched = (i: number) => {
    const link = { kind: 'edge', type: 'WATCHED', from: of, to: { type: 'Title', id: `t${i}` } } as const;
    return { ...link, properties: [] };
  };
  await write(
    Array.from({ length: 20 }, (_, i) => {
      const step = stepAt(1000 + i, BigInt(i + 1));
      return { ...step, mutations: i < 5 ? [...step.mutations, watched(i)] : step.mutations };
    }),
  );
});

function codeOf(error: unknown): unknown {
  return error instanceof GraphQLError ? error.extensions.code : error;
}

describe('The store as one request sees it', () => {
  it('answers as the store does, and counts calls and rows for the field that reads', async () => {
    const { reader, run, told } = metered(store);
    const page = await insideField('me.journey', async () => {
      // What is awaited before a read does not lose the field.
      await Promise.resolve();
      return await reader.journey(journey);
    });
    expect(page).toEqual(await store.journey(journey));
    expect(await reader.nodes([of, { type: 'Account', id: 'b' }])).toHaveLength(2);
    expect(run.usedBy('me.journey')).toEqual({ calls: 1, rows: page.scanned });
    expect(run.used).toEqual({ calls: 2, rows: page.scanned + 2 });
    expect(told).toEqual([
      ['journey', page.scanned, false],
      ['nodes', 2, false],
    ]);
  });

  it('reads no more once its budget is used up, and says that it was more than usual', async () => {
    const { reader, run } = metered(store, { calls: 10, rows: 15 });
    await reader.journey(journey);
    await reader.journey(journey);
    const error: unknown = await reader.journey(journey).catch((refused: unknown) => refused);
    expect(codeOf(error)).toBe('QUERY_TOO_EXPENSIVE');
    expect(error).toMatchObject({ extensions: { cost: run.used, budget: { calls: 10, rows: 15 } } });
    expect(run.used.calls).toBe(2);
  });

  it('does not say how much was read to whom some of it is hidden', async () => {
    const { reader } = metered(store, { calls: 1, rows: 15 }, false);
    await reader.journey(journey);
    const error: unknown = await reader.journey(journey).catch((refused: unknown) => refused);
    const known = error instanceof GraphQLError ? error.extensions : null;
    expect(known).toEqual({ code: 'QUERY_TOO_EXPENSIVE', budget: { calls: 1, rows: 15 } });
  });

  it('makes no more calls than its budget has, also of those that are under way at once', async () => {
    const { reader, told } = metered(store, { calls: 3, rows: 1000 });
    const settled = await Promise.allSettled(Array.from({ length: 8 }, () => reader.node(of)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(told).toHaveLength(3);
  });

  it('reads nothing for a request that has ended', async () => {
    const { reader, ending, told } = metered(store);
    ending.abort();
    const error: unknown = await reader.node(of).catch((refused: unknown) => refused);
    expect(codeOf(error)).toBe('DEADLINE_EXCEEDED');
    expect(told).toEqual([]);
  });

  it('ends a call that its request has left as the end of the request, and not as a failure', async () => {
    const stopping = new Proxy(store, {
      get: () => async (_refs: unknown, signal: AbortSignal) => {
        ending.abort();
        signal.throwIfAborted();
      },
    });
    const { reader, ending, told } = metered(stopping);
    const error: unknown = await reader.nodes([of]).catch((refused: unknown) => refused);
    expect(codeOf(error)).toBe('DEADLINE_EXCEEDED');
    expect(told).toEqual([['nodes', 0, false]]);
  });

  it('passes a failure on that comes when its request has ended', async () => {
    const broken = new Proxy(store, {
      get: () => async () => {
        ending.abort();
        throw new Error('disk');
      },
    });
    const { reader, ending, told } = metered(broken);
    await expect(reader.nodes([of])).rejects.toThrow('disk');
    expect(told).toEqual([['nodes', 0, true]]);
  });

  it('tells of a call that failed, and passes its error on', async () => {
    const broken = new Proxy(store, {
      get: () => async () => {
        throw new Error('disk');
      },
    });
    const { reader, run, told } = metered(broken);
    await expect(reader.estimate()).rejects.toThrow('disk');
    expect(told).toEqual([['estimate', 0, true]]);
    expect(run.used).toEqual({ calls: 1, rows: 0 });
  });

  it('learns the degrees of the graph from what is read, whatever pages end by their own limit', async () => {
    const { reader, degrees } = metered(store, { calls: 1000, rows: 100_000 });
    for (let i = 0; i < 40; i += 1) await reader.adjacency({ ...hop, limit: 50 });
    expect(degrees.rowsOfHop('WATCHED', 'out')).toBe(8);
    await reader.adjacencies(Array.from({ length: 4 }, () => hop));
    expect(degrees.rowsOfHop('WATCHED', 'out')).toBe(8);
    for (let i = 0; i < 40; i += 1) await reader.journey(journey);
    expect(degrees.rowsPerStep('all')).toBe(1);
    expect(degrees.rowsPerStep('some')).toBeNull();
  });

  it('learns nothing of pages from the look whether there is one more step, behind however many hidden ones', async () => {
    const { reader, degrees } = metered(store, { calls: 1000, rows: 100_000 });
    const domains = ['streaming'];
    for (let i = 0; i < 40; i += 1) await reader.journey({ ...journey, domains, limit: 1 });
    expect(degrees.rowsPerStep('some')).toBeNull();
    for (let i = 0; i < 40; i += 1) await reader.journey({ ...journey, domains, limit: 2 });
    expect(degrees.rowsPerStep('some')).toBe(1);
  });

  it('learns of a hop that is read on as of one', async () => {
    const { reader, degrees } = metered(store, { calls: 1000, rows: 100_000 });
    for (let i = 0; i < 40; i += 1) {
      const { last } = await reader.adjacency(hop);
      await reader.adjacencies([{ ...hop, after: last }]);
    }
    // Three and two: neither page alone is as large.
    expect(degrees.rowsOfHop('WATCHED', 'out')).toBe(8);
  });
});
