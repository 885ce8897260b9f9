import { describe, expect, it, onTestFinished } from 'vitest';
import { OutageError, StopError, silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../../graph-store/index.ts';
import { InFlightBudget } from '../in-flight-budget.ts';
import { BackfillDesk } from './backfill-desk.ts';
import type { BackfillDeskParts, BackfillRequest } from './backfill-desk-parts.ts';
import { BackfillJournal } from './backfill-journal.ts';
import {
  everything,
  historyProcessor,
  limits,
  memoryFiles,
  rowsBetween,
  unlimited,
} from './backfill-testing.ts';
import { MemoryArchive } from './memory-archive.fake.ts';
import type { RateBudget } from './rate-budget.ts';

const never = new AbortController().signal;
/** A busy machine takes its time. */
const patient = { timeout: 20_000 };
const asked: BackfillRequest = {
  topic: 'views',
  topicId: null,
  archive: 'memory',
  into: 'live',
  filter: everything,
  repeat: 0,
  allow: { gaps: false, rewrite: false },
  skipExpired: false,
};

interface Set {
  readonly archive: MemoryArchive;
  readonly store: GraphStore;
  readonly journal: BackfillJournal;
  /** How often archives were opened and closed. */
  readonly opens: { opened: number; closed: number; held: () => Promise<void> };
  desk(over?: Partial<BackfillDeskParts>): BackfillDesk;
}

function setUp(rows = 200): Set {
  const archive = new MemoryArchive([{ key: 'a', partition: 0, rows: rowsBetween(0, rows) }]);
  const store = createMemoryStore(systemClock);
  const journal = new BackfillJournal(memoryFiles());
  const opens = { opened: 0, closed: 0, held: async (): Promise<void> => undefined };
  const desk = (over: Partial<BackfillDeskParts> = {}): BackfillDesk => {
    const made = new BackfillDesk(
      {
        ...{ journal, rate: unlimited, clock: systemClock, log: silentLog },
        target: async () => ({ writes: store, graph: store, close: async () => undefined }),
        random: () => 0.5,
        inFlight: new InFlightBudget(2 ** 20),
        open: async () => {
          opens.opened += 1;
          await opens.held();
          const close = async (): Promise<void> => {
            opens.closed += 1;
          };
          return {
            reader: archive,
            objects: archive,
            snapshotId: null,
            isExplained: null,
            processor: historyProcessor,
            close,
          };
        },
        facts: async () => ({ subjects: [], hidden: { types: [], hidesAll: false }, identities: [] }),
        deadLetters: () => ({ write: async () => undefined, close: async () => undefined }),
        ...over,
      },
      { run: limits, runsMax: 2, plannedMax: 3, rowsPerSecondMax: 1_000_000 },
    );
    onTestFinished(() => made.close());
    return made;
  };
  return { archive, store, journal, opens, desk };
}

type Opened = Awaited<ReturnType<BackfillDeskParts['open']>>;

function opened(archive: MemoryArchive, objects: Opened['objects']): Opened {
  const close = async (): Promise<void> => undefined;
  return {
    ...{ reader: archive, objects, snapshotId: null, isExplained: null, processor: historyProcessor },
    close,
  };
}

/** A replay that was paused behind 50 rows, and whose process has ended. */
async function pausedAt50(): Promise<Set & { readonly plan: { readonly id: string } }> {
  const made = setUp();
  const rate = stoppingAt(50);
  const first = made.desk({ rate });
  const { plan } = await first.start(asked, never);
  await rate.stopped;
  await first.pause(plan.id);
  await first.close();
  expect((await made.store.sources())[0]?.next).toBe(50n);
  return { ...made, plan };
}

/** Archives that are opened from now on wait until they may `go` on. */
function holdOpening(opens: Set['opens']): { readonly opening: Promise<void>; readonly go: () => void } {
  const began = Promise.withResolvers<void>();
  const may = Promise.withResolvers<void>();
  opens.held = async () => {
    began.resolve();
    await may.promise;
  };
  return { opening: began.promise, go: may.resolve };
}

/** Gives so many rows, then nothing until its signal aborts. */
function stoppingAt(rows: number): RateBudget & { readonly stopped: Promise<void> } {
  const stopped = Promise.withResolvers<void>();
  let left = rows;
  return {
    ...{ perSecond: 1, yieldsTo: null, stopped: stopped.promise },
    async take(rowsMax, signal) {
      if (left === 0) {
        stopped.resolve();
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        return 0;
      }
      const taken = Math.min(10, rowsMax, left);
      left -= taken;
      return taken;
    },
  };
}

describe('The desk of backfills', () => {
  it('plans without changing the graph, and applies what was planned by its id, once', async () => {
    const { store, opens, desk } = setUp();
    const one = desk();
    const plan = await one.plan(asked, never);
    expect(plan).toMatchObject({ rows: 200, files: 1, refusals: [], estimateMs: null });
    expect(plan.partitions).toEqual([
      { partition: 0, files: 1, rows: 200, firstOffset: '0', endOffset: '200' },
    ]);
    expect(await store.sources()).toEqual([]);
    expect((await one.list()).backfills.map(({ progress }) => progress.state)).toEqual(['planned']);

    await one.start(plan.id, never);
    await one.ended(plan.id);
    const done = await one.show(plan.id);
    expect(done.progress).toMatchObject({ state: 'done', rowsDone: 200, fates: { consumed: 200 } });
    expect((await one.start(asked, never)).progress.state).toBe('done');
    expect((await store.sources()).map(({ fates }) => fates.consumed)).toEqual([200]);
    expect(opens.closed).toBe(opens.opened);
    // What was measured is the next estimate.
    expect((await one.plan({ ...asked, repeat: 1 }, never)).estimateMs).toBeGreaterThan(0);
  });

  it('says all that speaks against a plan, and neither keeps nor runs it', async () => {
    const { desk, journal, archive, store } = setUp();
    archive.files_.push({ key: 'b', partition: 0, rows: rowsBetween(300, 310) });
    const one = desk();
    const plan = await one.plan(asked, never);
    expect(plan.refusals.map(({ code }) => code)).toEqual(['BACKFILL_GAP']);
    expect(plan.warnings[0]?.message).toContain('offsets 200 to 299 of partition 0, between a and b');
    await expect(one.start(asked, never)).rejects.toMatchObject({ code: 'BACKFILL_GAP' });
    expect([await journal.ids(), await store.sources()]).toEqual([[], []]);
  });

  it('goes on in the next process with what ran and with what was paused, by itself', async () => {
    const { store, opens, desk } = setUp();
    const rate = stoppingAt(50);
    const first = desk({ rate });
    const { plan } = await first.start(asked, never);
    await rate.stopped;
    await first.close();
    expect((await store.sources())[0]?.next).toBe(50n);

    const second = desk({ rate: stoppingAt(20) });
    const ending = new AbortController();
    const ran = second.run(ending.signal);
    await expect.poll(async () => (await store.sources())[0]?.next, patient).toBe(70n);
    expect((await second.pause(plan.id)).progress.state).toBe('paused');
    ending.abort();
    await ran;

    const third = desk();
    const endingThird = new AbortController();
    const { opened } = opens;
    const ranThird = third.run(endingThird.signal);
    await expect.poll(() => opens.opened, patient).toBe(opened + 1);
    await expect.poll(async () => (await third.show(plan.id)).progress.state, patient).toBe('paused');
    expect((await store.sources())[0]?.next).toBe(70n);
    await third.resume(plan.id, never);
    await third.ended(plan.id);
    expect((await third.show(plan.id)).progress).toMatchObject({ state: 'done', fates: { consumed: 200 } });
    endingThird.abort();
    await ranThird;
  });

  it('waits for an archive that does not answer, and says so', async () => {
    const { archive, store, journal, desk } = setUp();
    const rate = stoppingAt(50);
    const first = desk({ rate });
    const { plan } = await first.start(asked, never);
    await rate.stopped;
    await first.close();
    let tries = 0;
    const up = Promise.withResolvers<void>();
    const second = desk({
      open: async () => {
        tries += 1;
        if (tries < 3) throw new OutageError('OBJECT_STORE_FAILED', 'No answer.');
        await up.promise;
        const close = async (): Promise<void> => undefined;
        return {
          reader: archive,
          objects: archive,
          snapshotId: null,
          isExplained: null,
          processor: historyProcessor,
          close,
        };
      },
    });
    const ending = new AbortController();
    const ran = second.run(ending.signal);
    await expect.poll(() => tries, patient).toBe(3);
    expect((await second.show(plan.id)).progress).toMatchObject({ state: 'running', rowsDone: 50 });
    up.resolve();
    await expect.poll(async () => (await journal.entry(plan.id)).state, patient).toBe('done');
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
    ending.abort();
    await ran;
  });

  it('leaves what was paused paused while the files of its archive cannot be looked at', async () => {
    const { archive, store, journal, desk, plan } = await pausedAt50();
    let looks = 0;
    const size = async (key: string): Promise<number> => {
      looks += 1;
      if (looks < 3) throw new OutageError('OBJECT_STORE_FAILED', 'No answer.');
      return await archive.size(key);
    };
    const second = desk({ open: async () => opened(archive, { size }) });
    const ending = new AbortController();
    const ran = second.run(ending.signal);
    await expect.poll(() => looks, patient).toBe(3);
    expect((await journal.entry(plan.id)).state).toBe('paused');
    await expect.poll(async () => (await second.show(plan.id)).progress.state, patient).toBe('paused');
    expect((await store.sources())[0]?.next).toBe(50n);
    await second.resume(plan.id, never);
    await second.ended(plan.id);
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
    ending.abort();
    await ran;
  });

  it('hears of a resume while the files of its archive are looked at, and so does the next process', async () => {
    const { archive, journal, desk, plan } = await pausedAt50();
    const looking = Promise.withResolvers<void>();
    const may = Promise.withResolvers<void>();
    const size = async (key: string): Promise<number> => {
      looking.resolve();
      await may.promise;
      return await archive.size(key);
    };
    const second = desk({ open: async () => opened(archive, { size }) });
    const ending = new AbortController();
    const ran = second.run(ending.signal);
    await looking.promise;
    await second.resume(plan.id, never);
    expect((await journal.entry(plan.id)).state).toBe('running');
    may.resolve();
    await second.ended(plan.id);
    expect((await journal.entry(plan.id)).state).toBe('done');
    ending.abort();
    await ran;
  });

  it('is paused and resumed while it waits for its archive to be opened', async () => {
    const { archive, store, journal, desk, plan } = await pausedAt50();
    const asked = Promise.withResolvers<void>();
    const may = Promise.withResolvers<void>();
    const second = desk({
      open: async () => {
        asked.resolve();
        await may.promise;
        return opened(archive, archive);
      },
    });
    const ending = new AbortController();
    const ran = second.run(ending.signal);
    await asked.promise;
    expect((await second.resume(plan.id, never)).progress.state).toBe('running');
    expect((await journal.entry(plan.id)).state).toBe('running');
    expect((await second.pause(plan.id)).progress.state).toBe('paused');
    expect((await journal.entry(plan.id)).state).toBe('paused');
    expect((await second.resume(plan.id, never)).progress.state).toBe('running');
    may.resolve();
    await second.ended(plan.id);
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
    ending.abort();
    await ran;
  });

  it('begins anew where it is resumed while what ended it is being closed', async () => {
    const { archive, store, desk } = setUp();
    const closing = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    let opens = 0;
    archive.fault = () => {
      if (opens === 2) throw new StopError('OBJECT_DAMAGED', 'It was damaged.');
    };
    const made = desk({
      open: async () => {
        opens += 1;
        const isSecond = opens === 2;
        return {
          ...opened(archive, archive),
          close: async () => {
            if (!isSecond) return;
            closing.resolve();
            await closed.promise;
          },
        };
      },
    });
    const { plan } = await made.start(asked, never);
    await closing.promise;
    const resumed = made.resume(plan.id, never);
    closed.resolve();
    await resumed;
    await made.ended(plan.id);
    expect((await made.show(plan.id)).progress).toMatchObject({ state: 'done', failure: null });
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
  });

  it('cancels for good, whether it runs or not', async () => {
    const { store, desk } = setUp();
    const rate = stoppingAt(50);
    const one = desk({ rate });
    const { plan } = await one.start(asked, never);
    await rate.stopped;
    expect((await one.cancel(plan.id)).progress).toMatchObject({ state: 'cancelled', rowsDone: 50 });
    await expect(one.resume(plan.id, never)).rejects.toMatchObject({ code: 'BACKFILL_CANCELLED' });
    expect((await store.sources())[0]?.next).toBe(50n);
    const other = await one.plan({ ...asked, repeat: 1 }, never);
    expect((await one.cancel(other.id)).progress.state).toBe('cancelled');
    await expect(one.start(other.id, never)).rejects.toMatchObject({ code: 'BACKFILL_CANCELLED' });
    await expect(one.pause(other.id)).rejects.toMatchObject({ code: 'BACKFILL_NOT_RUNNING' });
    await expect(one.cancel('0'.repeat(32))).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' });
  });

  it('forgets what was cancelled or is done, and applies nothing twice when the same is planned anew', async () => {
    const { store, journal, desk } = setUp();
    const rate = stoppingAt(50);
    const one = desk({ rate });
    const { plan } = await one.start(asked, never);
    await rate.stopped;
    expect((await one.forget(plan.id)).progress).toMatchObject({ state: 'cancelled', rowsDone: 50 });
    expect(await one.list()).toEqual({ backfills: [], damaged: [] });
    expect(await journal.ids()).toEqual([]);
    await expect(one.show(plan.id)).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' });
    const other = desk();
    expect((await other.start(asked, never)).plan.id).toBe(plan.id);
    await other.ended(plan.id);
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
    expect((await other.forget(plan.id)).progress.state).toBe('done');
    await other.start(asked, never);
    await other.ended(plan.id);
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
  });

  it.each([
    ['cancel', 'BACKFILL_CANCELLED'],
    ['forget', 'BACKFILL_UNKNOWN'],
  ] as const)('does not begin what a %s ended while its archive was being opened', async (end, code) => {
    const { store, opens, desk } = setUp();
    const one = desk();
    const { id } = await one.plan(asked, never);
    const { opening, go } = holdOpening(opens);
    const starting = one.start(id, never);
    await opening;
    expect((await one[end](id)).progress.state).toBe('cancelled');
    go();
    await expect(starting).rejects.toMatchObject({ code });
    await one.ended(id);
    expect(await store.sources()).toEqual([]);
    expect(opens.closed).toBe(opens.opened);
  });

  it('leaves nothing running that a cancel has ended, at whatever moment of a start it comes', async () => {
    const { opens, desk } = setUp();
    const one = desk({ rate: stoppingAt(0) });
    for (let moment = 0; moment < 40; moment += 1) {
      const { id } = await one.plan({ ...asked, repeat: moment }, never);
      const { opening, go } = holdOpening(opens);
      const starting = one.start(id, never);
      await opening;
      go();
      for (let tick = 0; tick < moment; tick += 1) await null;
      const [, cancelled] = await Promise.allSettled([starting, one.cancel(id)]);
      expect(cancelled).toMatchObject({ status: 'fulfilled', value: { progress: { state: 'cancelled' } } });
      expect((await one.show(id)).progress.state, `moment ${moment}`).toBe('cancelled');
      await expect(one.pause(id)).rejects.toMatchObject({ code: 'BACKFILL_NOT_RUNNING' });
    }
    expect(opens.closed).toBe(opens.opened);
  });

  it('runs so many at a time, and forgets the oldest plans that never ran', async () => {
    const { journal, desk } = setUp();
    const one = desk({ rate: stoppingAt(0) });
    for (const repeat of [0, 1]) await one.start({ ...asked, repeat }, never);
    await expect(one.start({ ...asked, repeat: 2 }, never)).rejects.toMatchObject({ code: 'BACKFILL_BUSY' });
    for (const repeat of [3, 4, 5, 6]) await one.plan({ ...asked, repeat }, never);
    const { backfills } = await one.list();
    const running = backfills.filter(({ progress }) => progress.state === 'running');
    expect([running.length, backfills.length, (await journal.ids()).length]).toEqual([2, 5, 5]);
  });

  it('that meets what a person has to mend says so, and goes on once it is mended', async () => {
    const { archive, store, desk } = setUp();
    const [file] = archive.files_.splice(0);
    const one = desk();
    archive.files_.push({ key: 'a', partition: 0, rows: rowsBetween(0, 200) });
    const { id } = await one.plan(asked, never);
    archive.files_.length = 0;
    await one.start(id, never);
    await expect(one.ended(id)).rejects.toMatchObject({ code: 'ARCHIVE_FILE_MISSING' });
    expect((await one.show(id)).progress).toMatchObject({
      state: 'failed',
      failure: { code: 'ARCHIVE_FILE_MISSING' },
    });
    if (file !== undefined) archive.files_.push(file);
    await one.resume(id, never);
    await one.ended(id);
    expect((await store.sources())[0]?.fates.consumed).toBe(200);
  });
});
