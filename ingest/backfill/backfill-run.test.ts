import { describe, expect, it } from 'vitest';
import { OutageError, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../../graph-store/index.ts';
import type { RecordProcessor } from '../record-processor.ts';
import { BackfillJournal } from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import { backfillOf, historyProcessor, memoryFiles, plan, rowsBetween } from './backfill-testing.ts';
import { MemoryArchive } from './memory-archive.fake.ts';
import { PauseGate } from './pause-gate.ts';
import type { RateBudget } from './rate-budget.ts';

const never = new AbortController().signal;

function archiveOf(rows: number): MemoryArchive {
  return new MemoryArchive([{ key: 'a', partition: 0, rows: rowsBetween(0, rows) }]);
}

/** Gives so many takes of ten rows, then waits until it is told of more. */
class HandBudget implements RateBudget {
  readonly perSecond = 10;
  readonly yieldsTo = null;
  #left = 0;
  #wake: () => void = () => undefined;
  #waits: () => void = () => undefined;

  /** Resolves once they are taken and somebody waits for more. */
  async give(takes: number): Promise<void> {
    const waiting = new Promise<void>((resolve) => {
      this.#waits = resolve;
    });
    this.#left += takes;
    this.#wake();
    await waiting;
  }

  async take(rowsMax: number, signal: AbortSignal): Promise<number> {
    while (this.#left === 0 && !signal.aborted) {
      this.#waits();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#left -= 1;
    return signal.aborted ? 0 : Math.min(rowsMax, 10);
  }
}

async function nextOf(store: GraphStore): Promise<bigint | undefined> {
  return (await store.sources())[0]?.next;
}

async function setUp(rows = 200): Promise<{
  readonly archive: MemoryArchive;
  readonly frozen: BackfillPlan;
  readonly store: GraphStore;
  readonly journal: BackfillJournal;
}> {
  const archive = archiveOf(rows);
  const journal = new BackfillJournal(memoryFiles());
  const frozen = await plan(archive);
  await journal.freeze(frozen);
  return { archive, frozen, store: createMemoryStore(systemClock), journal };
}

describe('A backfill', () => {
  it('that is paused gives nothing more, also in the next process, until it is resumed', async () => {
    const { archive, frozen, store, journal } = await setUp();
    const rate = new HandBudget();
    const first = backfillOf(store, frozen, archive, { journal, rate });
    const ending = new AbortController();
    const ended = first.run.run(ending.signal);
    await rate.give(5);
    await first.run.pause();
    expect(first.run.progress()).toMatchObject({
      state: 'paused',
      rowsDone: 50,
      rowsTotal: 200,
      etaMs: expect.anything(),
    });
    ending.abort();
    await ended;
    expect(await nextOf(store)).toBe(50n);

    const second = backfillOf(store, frozen, archive, { journal });
    const endedAgain = second.run.run(never);
    for (let turn = 0; turn < 20; turn += 1) await systemClock.sleep(0);
    expect(await nextOf(store)).toBe(50n);
    expect(second.run.progress()).toMatchObject({ state: 'paused', rowsDone: 50, fates: { consumed: 50 } });
    await second.run.resume();
    await endedAgain;
    expect(await nextOf(store)).toBe(200n);
    expect(second.run.progress()).toMatchObject({ state: 'done', rowsDone: 200, fates: { consumed: 200 } });
    expect((await journal.entry(frozen.id)).state).toBe('done');
  });

  it('that is paused or resumed while nobody runs it remembers that', async () => {
    const { archive, frozen, store, journal } = await setUp();
    await backfillOf(store, frozen, archive, { journal }).run.pause();
    expect((await journal.entry(frozen.id)).state).toBe('paused');
    await backfillOf(store, frozen, archive, { journal }).run.resume();
    expect((await journal.entry(frozen.id)).state).toBe('planned');
  });

  it('that was killed goes on behind what is durable, without the journal too', async () => {
    const { archive, frozen, store, journal } = await setUp();
    for (const own of [journal, new BackfillJournal(memoryFiles())]) {
      const rate = new HandBudget();
      const ending = new AbortController();
      const killed = backfillOf(store, frozen, archive, { journal: own, rate });
      const ended = killed.run.run(ending.signal);
      await rate.give(4);
      ending.abort();
      await ended;
    }
    expect(await nextOf(store)).toBe(80n);
    const last = backfillOf(store, frozen, archive, { journal: new BackfillJournal(memoryFiles()) });
    await last.run.run(never);
    expect(last.run.progress()).toMatchObject({ state: 'done', fates: { consumed: 200 } });
  });

  it('of a graph that was put back to an older copy goes on from there', async () => {
    const { archive, frozen, store, journal } = await setUp();
    const rate = new HandBudget();
    const ending = new AbortController();
    const ended = backfillOf(store, frozen, archive, { journal, rate }).run.run(ending.signal);
    await rate.give(4);
    ending.abort();
    await ended;
    expect((await journal.entry(frozen.id)).cuts.get(0)).toMatchObject({ at: 40n, read: 40 });
    const older = createMemoryStore(systemClock);
    const { run } = backfillOf(older, frozen, archive, { journal });
    await run.run(never);
    expect(run.progress()).toMatchObject({ state: 'done', fates: { consumed: 200 } });
  });

  it('that is cancelled ends, keeps what it applied, and never runs again', async () => {
    const { archive, frozen, store, journal } = await setUp();
    const rate = new HandBudget();
    const { run } = backfillOf(store, frozen, archive, { journal, rate });
    const ended = run.run(never);
    await rate.give(3);
    await run.cancel();
    await ended;
    expect(run.progress()).toMatchObject({ state: 'cancelled', rowsDone: 30 });
    expect(await nextOf(store)).toBe(30n);
    await expect(backfillOf(store, frozen, archive, { journal }).run.run(never)).rejects.toMatchObject({
      ...{ code: 'BACKFILL_CANCELLED', reaction: 'refused' },
    });
  });

  it('that is done is not applied again, and is neither paused nor cancelled', async () => {
    const { archive, frozen, store, journal } = await setUp(20);
    await backfillOf(store, frozen, archive, { journal }).run.run(never);
    const again = backfillOf(store, frozen, archive, { journal });
    await again.run.pause();
    await again.run.cancel();
    await again.run.run(never);
    expect((await store.sources())[0]).toMatchObject({ epoch: 1, fates: { consumed: 20 } });
    expect(again.run.progress()).toMatchObject({ state: 'done', rowsDone: 20, fates: { consumed: 20 } });
  });

  it('that failed says why, also later, and goes on when it is run again', async () => {
    const { archive, frozen, store, journal } = await setUp();
    archive.fault = (_, row) => {
      if (row === 100) throw new RangeError('odd bytes');
    };
    await expect(backfillOf(store, frozen, archive, { journal }).run.run(never)).rejects.toMatchObject({
      code: 'ARCHIVE_UNREADABLE',
    });
    expect(await journal.entry(frozen.id)).toMatchObject({
      state: 'failed',
      failure: { code: 'ARCHIVE_UNREADABLE' },
    });
    archive.fault = () => undefined;
    const again = backfillOf(store, frozen, archive, { journal });
    await again.run.run(never);
    expect(again.run.progress()).toMatchObject({ state: 'done', failure: null, fates: { consumed: 200 } });
  });

  it('stops by name when another version of the mapping comes into force under way', async () => {
    const archive = archiveOf(100);
    const mapping = (version: number) => ({ schemaId: 1, subject: 'views-value', version });
    const processor: RecordProcessor = {
      ...historyProcessor,
      process(record, source, seenMs) {
        const outcome = historyProcessor.process(record, source, seenMs);
        if (outcome.kind !== 'mapped') return outcome;
        const origin = mapping(record.offset < 40n ? 3 : 4);
        return { kind: 'mapped', event: { ...outcome.event, lineage: { offset: record.offset, origin } } };
      },
    };
    const frozen = await plan(
      archive,
      {},
      { subjects: [{ subject: 'views-value', version: 3, appliedVersions: [], tables: [] }] },
    );
    const store = createMemoryStore(systemClock);
    await expect(backfillOf(store, frozen, archive, { processor }).run.run(never)).rejects.toMatchObject({
      code: 'BACKFILL_MAPPING_CHANGED',
      message: expect.stringContaining('by version 3, and version 4 is in force'),
    });
    expect(await nextOf(store)).toBeLessThanOrEqual(40n);
  });

  it('that does not add up says so instead of being done', async () => {
    const { archive, frozen, store, journal } = await setUp(60);
    const { run } = backfillOf(store, frozen, archive, {
      journal,
      writes: {
        claim: (source) => store.claim(source),
        apply: (advance, mutations) => {
          const fates = {
            ...advance.fates,
            consumed: advance.fates.consumed + 1,
            applied: advance.fates.applied + 1,
          };
          return store.apply({ ...advance, fates }, mutations);
        },
      },
    });
    await expect(run.run(never)).rejects.toMatchObject({
      code: 'BACKFILL_NOT_CONSERVED',
      message: expect.stringMatching(/of 60 rows 60 were read, 0 of them duplicates, and 6\d consumed/),
    });
    expect((await journal.entry(frozen.id)).state).toBe('failed');
  });

  it('whose disk takes no journal goes on, and one whose archive is away to begin with says so', async () => {
    const archive = archiveOf(400);
    const frozen = await plan(archive);
    const files = memoryFiles();
    let writes = 0;
    const journal = new BackfillJournal({
      ...files,
      replace: async (key, bytes) => {
        writes += 1;
        if (writes > 1 && !Buffer.from(bytes).includes('"done"'))
          throw new OutageError('OBJECT_STORE_FAILED', 'full');
        await files.replace(key, bytes);
      },
    });
    const store = createMemoryStore(systemClock);
    await backfillOf(store, frozen, archive, { journal }).run.run(never);
    expect((await journal.entry(frozen.id)).state).toBe('done');
    archive.files = async () => {
      throw new OutageError('OBJECT_STORE_FAILED', 'no answer');
    };
    await expect(backfillOf(store, { ...frozen, id: 'other' }, archive).run.run(never)).rejects.toMatchObject(
      { code: 'OBJECT_STORE_FAILED' },
    );
  });
});

describe('The journal of backfills', () => {
  it('lists plans, knows none that is not there, and says when what it wrote is damaged', async () => {
    const files = memoryFiles();
    const journal = new BackfillJournal(files);
    const frozen = await plan(archiveOf(5));
    await journal.freeze(frozen);
    await journal.freeze(frozen);
    expect(await journal.ids()).toEqual([frozen.id]);
    expect(await journal.plan(frozen.id)).toEqual(frozen);
    for (const id of ['../../etc/passwd', 'f'.repeat(32)])
      await expect(journal.plan(id)).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' });
    files.bytes.set(`${frozen.id}.state.json`, Buffer.from('{'));
    await expect(journal.entry(frozen.id)).rejects.toMatchObject({ code: 'BACKFILL_STATE_DAMAGED' });
  });
});

describe('A gate before a budget', () => {
  it('keeps back what was taken while it was closed', async () => {
    let give: (rows: number) => void = () => undefined;
    const gate = new PauseGate({
      perSecond: 1,
      yieldsTo: null,
      take: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    let taken: number | null = null;
    const take = gate.take(5, never).then((rows) => {
      taken = rows;
    });
    gate.pause();
    give(5);
    for (let turn = 0; turn < 5; turn += 1) await systemClock.sleep(0);
    expect(taken).toBeNull();
    expect(gate.perSecond).toBe(0);
    gate.resume();
    await take;
    expect(taken).toBe(5);
  });
});
