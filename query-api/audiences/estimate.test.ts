import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type GraphStore,
  openLevelStore,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { account, memberWith, watchedTitle, watching } from './audience-conditions-testing.ts';
import { openTestAudiences, type TestAudiences } from './audience-testing.ts';
import type { Condition } from './condition.ts';
import { poissonInterval } from './estimate.ts';

const members = 12_000;
const watchedEvery = 3;
/** Known from their edges alone. */
const strangers = 2000;

const watched = watchedTitle('t');
const rare: Condition = { kind: 'all', of: [watched, memberWith('n', 'lt', 6)] };

describe('an estimate', () => {
  let folder: string;
  let graph: GraphStore;
  let test: TestAudiences;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audience-estimate-'));
    graph = await openLevelStore({ folder }, systemClock);
    const write = await createWriter(graph);
    const events = Array.from({ length: members }, (_, i): EventMutations => {
      const node = account(`acc-${i}`);
      return {
        timeMs: 1000 + i,
        rank: 0,
        occurrence: BigInt(i),
        mutations: [
          { kind: 'node', node, properties: [['n', i]] },
          ...(i % watchedEvery === 0 ? [watching(node, 't')] : []),
        ],
      };
    });
    events.push(
      ...Array.from({ length: strangers }, (_, i): EventMutations => {
        const mutations = [watching(account(`stranger-${i}`), 's')];
        return { timeMs: 1000, rank: 0, occurrence: BigInt(members + i), mutations };
      }),
    );
    for (let at = 0; at < events.length; at += 3000) await write(events.slice(at, at + 3000));
    // No time passes: how far a sample comes is no matter of how busy the machine is.
    test = await openTestAudiences({ membersMax: members, clock: { ...systemClock, now: () => 0 } });
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await graph.close();
    await rm(folder, { recursive: true });
  });

  const withBulk = (changes: Partial<GraphReader['bulk']>): GraphReader =>
    Object.create(graph, { bulk: { value: { ...graph.bulk, ...changes } } });
  const estimate = (where: Condition, reader: GraphReader = graph) =>
    test.audiences.estimate(reader, { memberType: 'Account', where });

  it('is from a part of the members where there are many, and says how sure it is', async () => {
    const { method, count, low, high, sampled } = await estimate(watched);
    expect(method).toBe('sampled');
    expect(sampled).toBeLessThan(members);
    const expected = members / watchedEvery;
    // The store's order is fixed, so this is no roll of the dice.
    expect(low).toBeLessThanOrEqual(expected);
    expect(high ?? 0).toBeGreaterThanOrEqual(expected);
    expect(count).toBeGreaterThanOrEqual(low);
    expect(count).toBeLessThanOrEqual(high ?? 0);
  });

  it('is the exact number where there are few', async () => {
    const late: Condition = { ...watched, sinceMs: 1000 + members - 600 };
    expect(await estimate(late)).toMatchObject({ method: 'counted', count: 200, low: 200, high: 200 });
  });

  it('is in no part below what was found by then, though a sample knows nothing of members known from edges alone', async () => {
    expect((await estimate(rare)).low).toBeLessThanOrEqual(2);
    const { method, count, low, high } = await estimate(watchedTitle('s'));
    expect(method).toBe('sampled');
    expect(low).toBeGreaterThan(100);
    expect(count).toBeGreaterThanOrEqual(low);
    expect(high ?? 0).toBeGreaterThanOrEqual(count);
  });

  it('is a lower bound, not an exact number, where all that were described are looked at and others are known from edges', async () => {
    const small = createMemoryStore(systemClock);
    const write = await createWriter(small);
    await write(
      Array.from({ length: strangers }, (_, i): EventMutations => {
        const mutations = [watching(account(`stranger-${i}`), 't')];
        return { timeMs: 1, rank: 0, occurrence: BigInt(i), mutations };
      }),
    );
    const bounded = await estimate(watched, small);
    expect(bounded).toMatchObject({ method: 'bounded', high: null, low: bounded.count });
    expect(bounded.count).toBeGreaterThan(100);
    expect(bounded.count).toBeLessThanOrEqual(strangers);
    await write(
      Array.from({ length: strangers }, (_, i): EventMutations => {
        const node = account(`described-${i}`);
        const mutations = [{ kind: 'node', node, properties: [['n', 1]] }] as const;
        return { timeMs: 1, rank: 0, occurrence: BigInt(strangers + i), mutations };
      }),
    );
    // Nothing but a look at all of them finds who has properties, and that finds all.
    expect(await estimate(memberWith('n', 'eq', 1), small)).toMatchObject({
      method: 'counted',
      count: strangers,
    });
  });

  const anyTitle: Condition = { ...watched, to: { kind: 'any', type: 'Title' }, atLeast: 5 };
  /** Members whose edges never end. */
  const endless = (each: () => void): GraphReader =>
    withBulk({
      farEnds: async () => {
        each();
        return { ids: [], scanned: 1024, next: Buffer.from('a') };
      },
    });

  it('ends by the rows that it looks at, however many edges each member has', async () => {
    let calls = 0;
    const everywhere = endless(() => {
      calls += 1;
    });
    const { method, low, high, sampled } = await estimate(anyTitle, everywhere);
    expect({ method, low }).toEqual({ method: 'sampled', low: 0 });
    // The first group is small; what little it says has a bound as wide.
    expect(sampled).toBeLessThan(100);
    expect(high ?? 0).toBeGreaterThan(members / 20);
    expect(calls).toBeGreaterThan(100);
    expect(calls).toBeLessThan(500);
  });

  it('ends when nobody waits for it any more, and leaves its place to others', async () => {
    for (let round = 0; round < 5; round += 1) {
      const gone = new AbortController();
      let calls = 0;
      const everywhere = endless(() => {
        calls += 1;
        if (calls === 3) gone.abort();
      });
      const definition = { memberType: 'Account', where: anyTitle };
      await expect(test.audiences.estimate(everywhere, definition, gone.signal)).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
      });
      // Some members' edges are read at once.
      expect(calls).toBeLessThan(40);
    }
  });

  it('is a lower bound alone where the order of a store says nothing', async () => {
    const ordered = withBulk({
      scan: async (query) => ({ ...(await graph.bulk.scan(query)), share: null }),
    });
    expect(await estimate(watched, ordered)).toMatchObject({ method: 'bounded', high: null });
  });
});

describe('the interval of a count', () => {
  it('holds the exact one to within a few percent', () => {
    // Exact limits of Garwood (1936).
    for (const [count, low, high] of [
      [1, 0.0253, 5.572],
      [10, 4.795, 18.39],
      [100, 81.36, 121.63],
    ] as const) {
      const [from, to] = poissonInterval(count);
      expect(Math.abs(from - low)).toBeLessThan(0.03 * high);
      expect(Math.abs(to - high)).toBeLessThan(0.03 * high);
    }
    expect(poissonInterval(0)[0]).toBe(0);
    expect(poissonInterval(0)[1]).toBeCloseTo(3.69, 1);
  });
});
