import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { account, german, watchedTitle, watching } from './audience-conditions-testing.ts';
import { conditions, memberIds, membersByOracle, worlds } from './audience-graphs-testing.ts';
import { openTestAudiences, type TestAudiences } from './audience-testing.ts';
import type { Condition } from './condition.ts';

const watched = watchedTitle('t1');

let occurrences = 1000n;
const says = (id: string, country: string, timeMs = 1) => ({
  timeMs,
  rank: 0,
  occurrence: ++occurrences,
  mutations: [{ kind: 'node', node: account(id), properties: [['country', country]] }] as const,
});
const watches = (id: string, timeMs = 1) => ({
  timeMs,
  rank: 0,
  occurrence: ++occurrences,
  mutations: [watching(account(id), 't1')],
});

describe('an audience', () => {
  let test: TestAudiences;
  let graph: GraphStore;
  let write: Awaited<ReturnType<typeof createWriter>>;
  beforeEach(async () => {
    test = await openTestAudiences();
    graph = createMemoryStore(systemClock);
    write = await createWriter(graph);
  });
  afterEach(() => test[Symbol.asyncDispose]());

  const freeze = async (where: Condition, key?: string): Promise<string> => {
    const frozen = await test.frozen(graph, where, key);
    if (frozen.state !== 'READY') throw new Error(`it is ${JSON.stringify(frozen)}`);
    return frozen.row.id;
  };

  it('has the members that a naive look at all events finds, whatever the graph and the condition', async () => {
    await compareWithOracle(test, async () => createMemoryStore(systemClock), 200);
  }, 60_000);

  it('has them in the embedded store as well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'audience-graph-'));
    let graphs = 0;
    try {
      await compareWithOracle(
        test,
        () => openLevelStore({ folder: join(folder, `${++graphs}`) }, systemClock),
        25,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('has them where a second thread takes its share of the reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'audience-graph-'));
    await using shared = await openTestAudiences({ secondThreadAfter: 0 });
    let graphs = 0;
    try {
      await compareWithOracle(
        shared,
        () => openLevelStore({ folder: join(folder, `${++graphs}`) }, systemClock),
        4,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('keeps its members while the graph changes, and says of one what changed', async () => {
    await write([
      says('a', 'DE'),
      says('b', 'DE'),
      says('c', 'FR'),
      watches('a'),
      watches('b'),
      watches('c'),
    ]);
    const id = await freeze({ kind: 'all', of: [watched, german] });
    await write([says('a', 'FR', 5), says('c', 'DE', 5)]);
    expect([...(await test.idsOf(id))].sort()).toEqual(['a', 'b']);
    expect(await test.audiences.contains(id, account('a'))).toBe(true);
    expect(await test.audiences.contains(id, account('c'))).toBe(false);
    expect(await test.audiences.contains(id, { type: 'Title', id: 'a' })).toBe(false);
    const explained = async (member: string) => {
      const { conditions: found, ...rest } = await test.audiences.explain(graph, id, member);
      return { ...rest, held: found.map(({ path, holdsNow }) => [path, holdsNow]) };
    };
    expect(await explained('a')).toEqual({
      wasMember: true,
      holdsNow: false,
      difference: 'NO_LONGER_HOLDS',
      held: [
        ['', false],
        ['all[0]', true],
        ['all[1]', false],
      ],
    });
    expect(await explained('b')).toMatchObject({ wasMember: true, holdsNow: true, difference: 'NONE' });
    expect(await explained('c')).toMatchObject({
      wasMember: false,
      holdsNow: true,
      difference: 'HOLDS_SINCE',
    });
    expect(await explained('nobody')).toMatchObject({
      wasMember: false,
      holdsNow: false,
      difference: 'NONE',
    });
  });

  it('is found again after a restart with the same members and the same numbers', async () => {
    await write(memberIds.flatMap((id) => [says(id, 'DE'), watches(id)]));
    const id = await freeze(watched);
    const page = await test.audiences.page(id, null, 3);
    expect(page.more).toBe(true);
    const rest = await test.audiences.page(id, page.numbers.at(-1) ?? null, 100);
    expect(rest.more).toBe(false);
    const ids = [...page.members, ...rest.members].map((one) => one.id);
    expect([...ids].sort()).toEqual([...memberIds].sort());
    expect(await test.idsOf(id)).toEqual(ids);
  });

  it('is made of a frozen one, of which those that are gone are left out', async () => {
    await write([
      says('a', 'DE'),
      says('b', 'DE'),
      says('c', 'FR'),
      watches('a'),
      watches('b'),
      watches('c'),
    ]);
    const first = await freeze(watched, 'first');
    await write([
      { timeMs: 9, rank: 0, occurrence: 9n, mutations: [{ kind: 'node-delete', node: account('b') }] },
    ]);
    const inFirst: Condition = { kind: 'audience', id: first };
    expect([...(await test.idsOf(await freeze(inFirst, 'second')))].sort()).toEqual(['a', 'c']);
    const notInFirst: Condition = { kind: 'all', of: [german, { kind: 'not', of: inFirst }] };
    await write([says('d', 'DE')]);
    expect(await test.idsOf(await freeze(notInFirst, 'third'))).toEqual(['d']);
  });

  it('is the same one under the same key, and another question under it is refused', async () => {
    await write([says('a', 'DE'), watches('a')]);
    const id = await freeze(watched, 'once');
    expect(await freeze(watched, 'once')).toBe(id);
    for (const other of [german, { ...watched, sinceMs: 1 }, { ...watched, untilMs: 9 }])
      await expect(freeze(other, 'once')).rejects.toMatchObject({ code: 'AUDIENCE_KEY_USED' });
    const of90Days = (sinceMs: number): Condition => ({ ...watched, sinceMs, within: '90d' });
    const within = await freeze({ kind: 'not', of: of90Days(1) }, 'within');
    expect(await freeze({ kind: 'not', of: of90Days(2) }, 'within')).toBe(within);
    for (const span of ['7d', null])
      await expect(
        freeze({ kind: 'not', of: { ...watched, sinceMs: 1, within: span } }, 'within'),
      ).rejects.toMatchObject({ code: 'AUDIENCE_KEY_USED' });
    await expect(freeze(german, 'once')).rejects.toMatchObject({ code: 'AUDIENCE_KEY_USED' });
    expect(await test.audiences.delete(id)).toBe(true);
    expect(await test.audiences.delete(id)).toBe(false);
    expect(test.audiences.get(id)).toBeNull();
    expect(await test.idsOf(await freeze(german, 'once'))).toEqual(['a']);
  });

  it('is not deleted while somebody says that it is needed, built or not', async () => {
    await write([says('a', 'DE')]);
    const id = await freeze(german, 'needed');
    let needed = id;
    const stop = test.audiences.keepFor((one) => (one === needed ? 'live event fight-1' : null));
    const deleted = (): Promise<boolean> => test.audiences.delete(needed);
    const refusal = { code: 'AUDIENCE_IN_USE', message: expect.stringContaining('live event fight-1') };
    await expect(deleted()).rejects.toMatchObject(refusal);
    expect(await test.idsOf(id)).toEqual(['a']);
    const begun = test.audiences.freeze(graph, {
      ...{ name: 'n', key: 'begun', askedBy: null },
      definition: { memberType: 'Account', where: german },
    });
    if (begun.state !== 'BUILDING') throw new Error(begun.state);
    needed = begun.id;
    await expect(deleted()).rejects.toMatchObject(refusal);
    expect(await test.audiences.settled(begun.id, 30_000)).toMatchObject({ state: 'READY' });
    needed = 'none';
    expect(await deleted()).toBe(false);
    expect(await test.audiences.delete(id)).toBe(true);
    needed = begun.id;
    stop();
    expect(await deleted()).toBe(true);
  });

  it('is refused beyond what one may have, what is kept and what waits', async () => {
    await write(memberIds.flatMap((id) => [says(id, 'DE'), watches(id)]));
    await using few = await openTestAudiences({ membersMax: 3, limits: { countMax: 1 } });
    expect(await few.frozen(graph, watched)).toMatchObject({ failure: { code: 'AUDIENCE_TOO_LARGE' } });
    expect(await few.frozen(graph, { kind: 'all', of: [] }, 'one')).toMatchObject({
      failure: { code: 'AUDIENCE_TOO_LARGE' },
    });
    const none: Condition = { kind: 'any', of: [] };
    expect(await few.frozen(graph, none, 'two')).toMatchObject({ state: 'READY', row: { size: 0 } });
    await expect(few.frozen(graph, none, 'three')).rejects.toMatchObject({ code: 'AUDIENCES_FULL' });
  });

  it('is refused when its conditions together hold more members than memory is meant for', async () => {
    const titles = ['t1', 't2', 't3', 't4'];
    const others = (id: string) =>
      titles.map((title) => ({
        timeMs: 1,
        rank: 0,
        occurrence: ++occurrences,
        mutations: [watching(account(id), title)],
      }));
    await write(memberIds.flatMap((id) => [says(id, 'DE'), ...others(id)]));
    const all = (count: number): Condition => ({
      kind: 'all',
      of: titles.slice(0, count).map(watchedTitle),
    });
    await using few = await openTestAudiences({ membersMax: memberIds.length });
    expect(await few.frozen(graph, all(2), 'two')).toMatchObject({ state: 'READY' });
    expect(await few.frozen(graph, all(4), 'four')).toMatchObject({
      failure: {
        code: 'AUDIENCE_TOO_LARGE',
        message: expect.stringContaining('for all conditions together'),
      },
    });
  });

  it('that waits is deleted at once, while another is being built', async () => {
    await write([says('a', 'DE'), watches('a')]);
    const gate = Promise.withResolvers<void>();
    const slow: GraphStore = Object.create(graph, {
      sources: {
        value: async () => {
          await gate.promise;
          return await graph.sources();
        },
      },
    });
    const begin = (key: string): string => {
      const definition = { memberType: 'Account', where: watched };
      const begun = test.audiences.freeze(slow, { name: 'n', key, definition, askedBy: null });
      return begun.state === 'READY' ? begun.row.id : begun.id;
    };
    const [first, second, third] = [begin('first'), begin('second'), begin('third')];
    try {
      const deleted = test.audiences.delete(second).then(() => 'deleted');
      const longWait = new Promise((resolve) => setImmediate(() => resolve('still there')));
      expect(await Promise.race([deleted, longWait])).toBe('deleted');
      expect(test.audiences.get(second)).toBeNull();
      expect(test.audiences.get(first)).toMatchObject({ state: 'BUILDING' });
    } finally {
      gate.resolve();
    }
    expect(await test.audiences.settled(third, 30_000)).toMatchObject({ state: 'READY' });
    expect(test.audiences.get(first)).toMatchObject({ state: 'READY' });
  });

  it('that cannot be read from the graph fails by name, and may be asked for again', async () => {
    await write([says('a', 'DE'), watches('a')]);
    const closed = createMemoryStore(systemClock);
    await closed.close();
    const failed = await test.frozen(closed, watched, 'again');
    expect(failed).toMatchObject({ state: 'FAILED', failure: { code: 'STORE_CLOSED' } });
    expect(test.audiences.list()).toHaveLength(1);
    expect(await test.idsOf(await freeze(watched, 'again'))).toEqual(['a']);
    expect(test.audiences.list()).toHaveLength(1);
  });
});

async function compareWithOracle(
  test: TestAudiences,
  open: () => Promise<GraphStore>,
  numRuns: number,
): Promise<void> {
  let frozen = 0;
  await fc.assert(
    fc.asyncProperty(
      worlds(),
      fc.array(conditions(), { minLength: 1, maxLength: 4 }),
      async (events, asked) => {
        const graph = await open();
        try {
          await (await createWriter(graph))(events);
          for (const where of asked) {
            const audience = await test.frozen(graph, where, `key-${++frozen}`);
            if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
            const expected = membersByOracle(events, where);
            const ids = await test.idsOf(audience.row.id);
            expect([...ids].sort()).toEqual(expected);
            expect(audience.row.size).toBe(expected.length);
            const estimate = await test.audiences.estimate(graph, { memberType: 'Account', where });
            expect(estimate).toMatchObject({ method: 'counted', count: expected.length });
            for (const id of memberIds) {
              const { holdsNow, wasMember } = await test.audiences.explain(graph, audience.row.id, id);
              expect({ holdsNow, wasMember }).toEqual({
                holdsNow: expected.includes(id),
                wasMember: expected.includes(id),
              });
            }
            await test.audiences.delete(audience.row.id);
          }
        } finally {
          await graph.close();
        }
      },
    ),
    { numRuns },
  );
  expect(frozen).toBeGreaterThanOrEqual(numRuns);
}
