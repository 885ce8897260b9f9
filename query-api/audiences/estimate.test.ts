import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import {
  type EventMutations,
  type GraphReader,
  type GraphStore,
  openLevelStore,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { openTestAudiences, type TestAudiences } from './audience-testing.ts';
import type { Condition } from './condition.ts';
import { poissonInterval } from './estimate.ts';

const members = 12_000;
const watchedEvery = 3;

const watched: Condition = {
  kind: 'did',
  edge: 'WATCHED',
  direction: 'out',
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  to: { kind: 'nodes', nodes: [{ type: 'Title', id: 't' }] },
  where: null,
  atLeast: 1,
};
const rare: Condition = {
  kind: 'all',
  of: [
    watched,
    { kind: 'member', where: { kind: 'property', name: 'n', comparison: { operator: 'lt', value: 6 } } },
  ],
};

describe('an estimate', () => {
  let folder: string;
  let graph: GraphStore;
  let test: TestAudiences;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audience-estimate-'));
    graph = await openLevelStore({ folder }, systemClock);
    const write = await createWriter(graph);
    const events = Array.from({ length: members }, (_, i): EventMutations => {
      const node = { type: 'Account', id: `acc-${i}` };
      const to = { type: 'Title', id: 't' };
      return {
        timeMs: 1000 + i,
        rank: 0,
        occurrence: BigInt(i),
        mutations: [
          { kind: 'node', node, properties: [['n', i]] },
          ...(i % watchedEvery === 0
            ? [{ kind: 'edge', type: 'WATCHED', from: node, to, properties: [] } as const]
            : []),
        ],
      };
    });
    for (let at = 0; at < members; at += 3000) await write(events.slice(at, at + 3000));
    test = await openTestAudiences({ membersMax: members });
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await graph.close();
    await rm(folder, { recursive: true });
  });

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

  it('is never below what was found by then', async () => {
    const { low } = await estimate(rare);
    expect(low).toBeLessThanOrEqual(2);
    const { low: some } = await estimate(watched);
    expect(some).toBeGreaterThan(0);
  });

  it('is a lower bound alone where the order of a store says nothing', async () => {
    const ordered: GraphReader = Object.create(graph, {
      bulk: {
        value: {
          ...graph.bulk,
          scan: async (query: Parameters<typeof graph.bulk.scan>[0]) => ({
            ...(await graph.bulk.scan(query)),
            share: null,
          }),
        },
      },
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
