import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom, systemClock } from '../../foundation/index.ts';
import {
  type BulkReads,
  type BulkThread,
  type EventMutations,
  type FarEndsQuery,
  type GraphStore,
  type Mutation,
  openLevelStore,
  type PropertyValue,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import type { Predicate } from '../where/predicate.ts';
import { account, watching } from './audience-conditions-testing.ts';
import { SharedReads } from './shared-reads.ts';

const members = 300;
const ids = Array.from({ length: members + 20 }, (_, number) => `mü-${number}`);
const wanted: Predicate = {
  kind: 'any',
  of: [
    { kind: 'property', name: 'country', comparison: { operator: 'in', values: ['DE', 'FR'] } },
    { kind: 'property', name: 'age', comparison: { operator: 'gt', value: 60n } },
  ],
};
const endsOfTitle: FarEndsQuery = {
  of: { type: 'Title', id: 't1' },
  type: 'WATCHED',
  direction: 'in',
  farType: 'Account',
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  after: null,
  scanMax: 70,
  keep: null,
};

/** Described, known from an edge alone, deleted, deleted and described again. */
function graphOf(seed: number): EventMutations[] {
  const random = seededRandom(seed);
  const pick = (values: readonly PropertyValue[]): PropertyValue =>
    values[Math.floor(random() * values.length)] ?? null;
  const events: EventMutations[] = [];
  const at = (timeMs: number, mutations: Mutation[]): void => {
    events.push({ timeMs, rank: 0, occurrence: BigInt(events.length), mutations });
  };
  for (const id of ids.slice(0, members)) {
    const node = account(id);
    if (random() < 0.8)
      at(1 + Math.floor(random() * 8), [
        {
          kind: 'node',
          node,
          properties: [
            ['country', pick(['DE', 'FR', 'JP', null])],
            ['age', pick([7n, 61n, 99.5])],
          ],
        },
      ]);
    if (random() < 0.6) at(1 + Math.floor(random() * 8), [watching(node, 't1')]);
    if (random() < 0.2) at(1 + Math.floor(random() * 8), [{ kind: 'node-delete', node }]);
  }
  return events;
}

describe('reads that two threads share', () => {
  let folder: string;
  let store: GraphStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shared-reads-'));
    store = await openLevelStore({ folder: join(folder, 'graph') }, { ...systemClock, now: () => 10 });
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  it.each([1, 2, 3])(
    'answer what one answers, whoever was deleted, expired or never described (seed %i)',
    async (seed) => {
      const write = await createWriter(store);
      await write(graphOf(seed));
      if (seed === 3) await store.setTimeToLive({ nodes: { Account: 5 }, edges: { WATCHED: 6 } });
      const counted = countedThreads(store.bulk);
      await using two = new SharedReads(counted.bulk, 0);
      await using one = new SharedReads(store.bulk, null);
      const held = await one.holding('Account', wanted, ids);
      expect(held.length).toBeGreaterThan(10);
      const there = await one.holding('Account', { kind: 'all', of: [] }, ids);
      expect(there.length).toBeGreaterThan(held.length);
      // More at once than the second thread takes.
      const asked = Array.from({ length: 8 }, () => two.holding('Account', wanted, ids));
      for (const answer of await Promise.all(asked)) expect(answer).toEqual(held);
      expect(await two.holding('Account', { kind: 'all', of: [] }, ids)).toEqual(there);
      expect(await pagesOf(two)).toEqual(await pagesOf(one));
      // Four of the eight, the one behind them, and a page.
      expect(counted.answers()).toBeGreaterThanOrEqual(6);
    },
  );

  it('begin the second thread for rows that were looked at, not for those that were asked for', async () => {
    const write = await createWriter(store);
    const few = ids.slice(0, 40);
    await write(
      few.map((id, number) => ({
        ...{ timeMs: 1, rank: 0, occurrence: BigInt(number) },
        mutations: [watching(account(id), 't1')],
      })),
    );
    const counted = countedThreads(store.bulk);
    await using reads = new SharedReads(counted.bulk, 100);
    const ask = () => reads.packedFarEnds({ ...endsOfTitle, scanMax: 4096 });
    const asked = [await ask(), await ask()];
    expect(asked.map(({ scanned }) => scanned)).toEqual([40, 40]);
    expect(counted.threads()).toBe(0);
    await ask();
    expect(counted.threads()).toBe(1);
    await ask();
    expect(counted.answers()).toBe(1);
  });

  it('go on in one thread when the second one fails or ends', async () => {
    const write = await createWriter(store);
    await write(graphOf(4));
    await using one = new SharedReads(store.bulk, null);
    const held = await one.holding('Account', wanted, ids);
    const threads: BulkThread[] = [];
    const bulk: BulkReads = {
      ...store.bulk,
      openThread: (module) => {
        const thread = store.bulk.openThread?.(module);
        if (thread == null) throw new Error('the embedded store has a second thread');
        threads.push(thread);
        return thread;
      },
    };
    await using two = new SharedReads(bulk, 0);
    const asked = [two.holding('Account', wanted, ids), two.holding('Account', wanted, ids)];
    expect(threads).toHaveLength(1);
    await threads[0]?.stop();
    for (const answer of await Promise.all(asked)) expect(answer).toEqual(held);
    expect(await two.holding('Account', wanted, ids)).toEqual(held);
    expect(await pagesOf(two)).toEqual(await pagesOf(one));
    expect(threads).toHaveLength(1);
  });

  it('leave the store to be closed while a second thread is there', async () => {
    await using two = new SharedReads(store.bulk, 0);
    await two.holding('Account', wanted, ids);
    await store.close();
    await expect(two.holding('Account', wanted, ids)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });
});

async function pagesOf(reads: SharedReads): Promise<readonly unknown[]> {
  const pages: unknown[] = [];
  for (let after: Uint8Array | null = null; ; ) {
    const page: Awaited<ReturnType<SharedReads['packedFarEnds']>> = await reads.packedFarEnds({
      ...endsOfTitle,
      after,
    });
    const { count, bytes, ends, places } = page.ids;
    pages.push({ scanned: page.scanned, count, bytes: [...bytes], ends: [...ends], places: [...places] });
    if (page.next === null) return pages;
    after = page.next;
  }
}

/** How many second threads were begun, and how many answers they gave. */
function countedThreads(bulk: BulkReads): {
  readonly bulk: BulkReads;
  readonly threads: () => number;
  readonly answers: () => number;
} {
  let threads = 0;
  let answers = 0;
  const counted = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer;
    answers += 1;
    return value;
  };
  const openThread = (module: string): BulkThread | null => {
    const thread = bulk.openThread?.(module) ?? null;
    if (thread === null) return null;
    threads += 1;
    return {
      packedFarEnds: (query) => counted(thread.packedFarEnds(query)),
      check: (query) => counted(thread.check(query)),
      stop: () => thread.stop(),
    };
  };
  return { bulk: { ...bulk, openThread }, threads: () => threads, answers: () => answers };
}
