import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../../graph-store/index.ts';
import { InFlightBudget } from '../in-flight-budget.ts';
import { BackfillDesk } from './backfill-desk.ts';
import type { BackfillRequest } from './backfill-desk-parts.ts';
import { BackfillJournal } from './backfill-journal.ts';
import type { BackfillTarget } from './backfill-plan.ts';
import {
  backfillOf,
  everything,
  historyProcessor,
  limits,
  memoryFiles,
  plan as planned,
  rowsBetween,
  unlimited,
} from './backfill-testing.ts';
import { MemoryArchive } from './memory-archive.fake.ts';
import type { RateBudget } from './rate-budget.ts';
import { ShadowGraphs } from './shadow-graphs.ts';

const never = new AbortController().signal;
const asked: BackfillRequest = {
  ...{ topic: 'views', topicId: null, archive: 'memory', into: { shadow: 'b' }, filter: everything },
  ...{ repeat: 0, allow: { gaps: false, rewrite: false }, skipExpired: false },
};
const identity = { cluster: 'c', topicId: 'archived' };
const rowsMax = 200;

/** A desk beside a live graph that has read the topic; the shadow's rows stay until it is dropped. */
function setUp(rate: RateBudget = unlimited) {
  const archive = new MemoryArchive(
    [0, 1].map((partition) => ({ key: `p${partition}`, partition, rows: rowsBetween(0, rowsMax) })),
  );
  const live = createMemoryStore(systemClock);
  const disk = { shadow: createMemoryStore(systemClock), opened: 0, closed: 0 };
  const shadows = new ShadowGraphs(async () => {
    disk.opened += 1;
    const close = async (): Promise<void> => {
      disk.closed += 1;
    };
    return { store: disk.shadow, close };
  });
  const letters: unknown[] = [];
  const factsOf: BackfillTarget[] = [];
  const journal = new BackfillJournal(memoryFiles());
  const deskOf = (rate: RateBudget): BackfillDesk =>
    new BackfillDesk(
      {
        ...{ rate, journal, clock: systemClock, log: silentLog, random: () => 0.5 },
        inFlight: new InFlightBudget(2 ** 20),
        open: async () => ({
          ...{ reader: archive, objects: archive, snapshotId: null, isExplained: null },
          processor: historyProcessor,
          close: async () => undefined,
        }),
        facts: async (_topic, into) => {
          factsOf.push(into);
          return { subjects: [], hidden: { types: [], hidesAll: false }, identities: [identity] };
        },
        deadLetters: () => ({
          write: async (some) => void letters.push(...some),
          close: async () => undefined,
        }),
        target: async (into) => {
          if (into === 'live') return { writes: live, graph: live, close: async () => undefined };
          const { graph, release } = await shadows.use(into.shadow);
          return { writes: graph.store, graph: graph.store, close: release };
        },
      },
      { run: limits, runsMax: 4, plannedMax: 3, rowsPerSecondMax: 1_000_000 },
    );
  const begin = (own: RateBudget): BackfillDesk => {
    const made = deskOf(own);
    onTestFinished(() => made.close());
    return made;
  };
  return { desk: begin(rate), begin, disk, shadows, letters, live, archive, factsOf };
}

/** Gives nothing until it is let go. */
function gate(): RateBudget & { letGo(): void } {
  const open = Promise.withResolvers<void>();
  return {
    ...{ perSecond: 1, yieldsTo: null, letGo: () => open.resolve() },
    async take(rows, signal) {
      const aborted = new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([open.promise, aborted]);
      return signal.aborted ? 0 : rows;
    },
  };
}

const positionsOf = async (store: GraphStore): Promise<unknown> =>
  (await store.sources()).map(({ source, next }) => [source.cluster, source.topicId, source.partition, next]);

describe('Replays into a shadow', () => {
  it('share it while they run, and it is closed behind the last of them', async () => {
    const rate = gate();
    const { desk, disk, shadows } = setUp(rate);
    const filters = [0, 1].map((partition) => ({ ...everything, partitions: [partition] }));
    const started = await Promise.all(filters.map((filter) => desk.start({ ...asked, filter }, never)));
    expect([disk.opened, disk.closed, shadows.isUsed('b')]).toEqual([1, 0, true]);
    rate.letGo();
    await Promise.all(started.map(({ plan }) => desk.ended(plan.id)));
    expect([disk.opened, disk.closed, shadows.isUsed('b')]).toEqual([1, 1, false]);
    const { backfills } = await desk.list();
    expect(backfills.map(({ progress }) => [progress.state, progress.fates.consumed])).toEqual([
      ['done', rowsMax],
      ['done', rowsMax],
    ]);
  });

  it('of a whole history move the positions of the topic there, count dead letters and write none', async () => {
    const { desk, disk, letters, live, archive, factsOf } = setUp();
    const { plan } = await desk.start(asked, never);
    await desk.ended(plan.id);
    expect(factsOf).toEqual([{ shadow: 'b' }]);
    const positions = [0, 1].map((partition) => ['c', 'archived', partition, BigInt(rowsMax)]);
    expect(await positionsOf(disk.shadow)).toEqual(positions);
    expect([await positionsOf(live), letters]).toEqual([[], []]);
    const same = createMemoryStore(systemClock);
    const own = backfillOf(same, await planned(archive), archive);
    await own.run.run(never);
    expect(own.letters.length).toBeGreaterThan(0);
    // Read from what was written down: the shadow is closed by now.
    expect((await desk.show(plan.id)).progress).toMatchObject({
      state: 'done',
      fates: { consumed: 2 * rowsMax, deadLettered: own.letters.length },
    });
    expect((await disk.shadow.digest()).hex).toBe((await same.digest()).hex);
  });

  it('that move the same positions do not run at a time', async () => {
    const { desk, disk } = setUp(gate());
    const { plan } = await desk.start(asked, never);
    await expect(desk.start({ ...asked, repeat: 1 }, never)).rejects.toMatchObject({
      code: 'BACKFILL_BUSY',
      message: expect.stringContaining(plan.id),
    });
    await desk.start({ ...asked, into: { shadow: 'other' } }, never);
    expect(disk.opened).toBe(2);
  });

  it('go on behind what others applied under the same positions, and count their own rows alone', async () => {
    const { desk, disk, archive } = setUp();
    const first = await desk.start(asked, never);
    await desk.ended(first.plan.id);
    for (const partition of [0, 1])
      archive.files_.push({ key: `q${partition}`, partition, rows: rowsBetween(rowsMax, rowsMax + 50) });
    const { plan } = await desk.start(asked, never);
    expect(plan.id).not.toBe(first.plan.id);
    await desk.ended(plan.id);
    expect((await desk.show(plan.id)).progress).toMatchObject({ state: 'done', fates: { consumed: 100 } });
    expect((await desk.show(first.plan.id)).progress.fates.consumed).toBe(2 * rowsMax);
    expect((await disk.shadow.sources()).map(({ next }) => next)).toEqual([250n, 250n]);
  });

  it('go on in the next process at the row where they were, and add up', async () => {
    const stopped = Promise.withResolvers<void>();
    let left = 3;
    const rate: RateBudget = {
      ...{ perSecond: 1, yieldsTo: null },
      async take(rows, signal) {
        if (left > 0) {
          left -= 1;
          return Math.min(rows, 30);
        }
        stopped.resolve();
        return await gate().take(rows, signal);
      },
    };
    const { desk, begin, disk } = setUp(rate);
    const { plan } = await desk.start(asked, never);
    await stopped.promise;
    const consumed = async (): Promise<number> =>
      (await disk.shadow.sources()).reduce((sum, { fates }) => sum + fates.consumed, 0);
    await expect.poll(consumed, { timeout: 20_000 }).toBe(90);
    await desk.close();
    expect(disk.closed).toBe(1);
    const next = begin(unlimited);
    expect((await next.show(plan.id)).progress).toMatchObject({ state: 'running', fates: { consumed: 90 } });
    await next.resume(plan.id, never);
    await next.ended(plan.id);
    expect((await next.show(plan.id)).progress).toMatchObject({
      state: 'done',
      fates: { consumed: 2 * rowsMax },
    });
    expect(await consumed()).toBe(2 * rowsMax);
  });

  it('are done again when the shadow was dropped since', async () => {
    const { desk, disk } = setUp();
    const { plan } = await desk.start(asked, never);
    await desk.ended(plan.id);
    expect((await desk.start(plan.id, never)).progress.state).toBe('done');
    disk.shadow = createMemoryStore(systemClock);
    expect((await desk.start(plan.id, never)).progress.state).toBe('running');
    await desk.ended(plan.id);
    expect((await desk.show(plan.id)).progress).toMatchObject({
      state: 'done',
      fates: { consumed: 2 * rowsMax },
    });
    expect((await disk.shadow.sources()).length).toBe(2);
    expect(disk.closed).toBe(disk.opened);
  });
});
