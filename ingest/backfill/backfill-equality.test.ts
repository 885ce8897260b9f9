import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalObjectStore } from '../../archive/index.ts';
import { must, silentLog, systemClock } from '../../foundation/index.ts';
import { linesOf } from '../../graph-store/crash-testing-kill.ts';
import { type GraphStore, openLevelStore, type StoreWriter } from '../../graph-store/index.ts';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../embedded-log.ts';
import { EmbeddedLogSource } from '../embedded-log-source.ts';
import { Pipeline } from '../pipeline.ts';
import { BackfillJournal } from './backfill-journal.ts';
import {
  backfillOf,
  cutFiles,
  drawHistory,
  fatesOf,
  historyProcessor,
  numbersFrom,
  pipelineLimits,
  plan,
} from './backfill-testing.ts';
import { killedHistory } from './backfill-testing-history.ts';
import { MemoryArchive } from './memory-archive.fake.ts';
import type { RateBudget } from './rate-budget.ts';

type History = ReturnType<typeof drawHistory>;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backfill-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function withStore<T>(name: string, use: (store: GraphStore) => Promise<T>): Promise<T> {
  const store = await openLevelStore({ folder: join(folder, name) }, systemClock);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Live: appended piece by piece to the embedded log, and applied as it comes. */
async function applyLive(
  name: string,
  history: History,
  store: GraphStore,
  pieces: (left: number) => number,
): Promise<void> {
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(folder, name) });
  await log.createTopic('views', history.length);
  const left = new Map(history.map((rows, partition) => [partition, BigInt(rows.length)] as const));
  let done: () => void = () => undefined;
  const applied = new Promise<void>((resolve) => {
    done = resolve;
  });
  const writes: StoreWriter = {
    claim: (source) => store.claim(source),
    async apply(advance, mutations) {
      const result = await store.apply(advance, mutations);
      if (advance.next === left.get(advance.source.partition)) left.delete(advance.source.partition);
      if (left.size === 0) done();
      return result;
    },
  };
  const ending = new AbortController();
  const settings = { topic: 'views', readBytesMax: 1_000, retry: { baseMs: 1, maxMs: 5 } };
  const pipeline = new Pipeline(
    {
      source: new EmbeddedLogSource(log, settings, systemClock, () => 0.5),
      processor: historyProcessor,
      deadLetters: { write: async () => undefined, close: async () => undefined },
      ...{ store: writes, clock: systemClock, random: () => 0.5, log: silentLog, freshness: null },
    },
    pipelineLimits,
  );
  const ended = pipeline.run(ending.signal);
  for (const [partition, rows] of history.entries()) {
    for (let at = 0; at < rows.length; ) {
      const piece = rows.slice(at, at + pieces(rows.length - at));
      await log.append(
        'views',
        partition,
        piece.map((row) => ({ ...row, headers: row.headers.length === 0 ? null : [...row.headers] })),
      );
      at += piece.length;
    }
  }
  await applied;
  ending.abort();
  await ended;
  await log.close();
}

/** Gives few rows at a time, after so many turns as chance has it. */
function haltingBudget(seed: number): RateBudget {
  const below = numbersFrom(seed);
  return {
    perSecond: 1,
    yieldsTo: null,
    async take(rowsMax, signal) {
      for (let turns = below(6); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      return signal.aborted ? 0 : 1 + below(rowsMax);
    },
  };
}

describe('The graph of a backfill', () => {
  it('is that of the embedded log: once, twice, and with live events beside it, by digest', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        run += 1;
        const history = drawHistory(seed, 150, 3);
        const archive = new MemoryArchive(cutFiles(seed, history), 17);
        const liveDigest = await withStore(`live-${run}`, async (store) => {
          await applyLive(`log-${run}`, history, store, (left) => left);
          return (await store.digest()).hex;
        });
        const first = await plan(archive);
        const second = await plan(archive, { repeat: 1 });
        await withStore(`archive-${run}`, async (store) => {
          for (const frozen of [first, second]) {
            await backfillOf(store, frozen, archive).run.run(new AbortController().signal);
            expect((await store.digest()).hex).toBe(liveDigest);
            expect(fatesOf(await store.sources(), `backfill:${frozen.id}`).consumed).toBe(450);
          }
        });
        await withStore(`both-${run}`, async (store) => {
          const below = numbersFrom(seed + 1);
          const rate = haltingBudget(seed);
          await Promise.all([
            applyLive(`log-both-${run}`, history, store, () => 1 + below(60)),
            ...[first, second].map((frozen) =>
              backfillOf(store, frozen, archive, { rate }).run.run(new AbortController().signal),
            ),
          ]);
          expect((await store.digest()).hex).toBe(liveDigest);
          expect((await store.sources()).map(({ fates }) => fates.consumed)).toEqual(
            Array.from({ length: 9 }, () => 150),
          );
        });
      }),
      { numRuns: 3 },
    );
  }, 60_000);

  it('is the same after kills -9 at any row, and nothing is counted twice', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const below = numbersFrom(seed);
    const { history, archive } = killedHistory();
    const expected = await withStore('whole', async (store) => {
      await backfillOf(store, await plan(archive), archive).run.run(new AbortController().signal);
      return (await store.digest()).hex;
    });
    const child = fileURLToPath(new URL('./backfill-testing-child.ts', import.meta.url));
    const places: bigint[] = [];
    for (let kill = 0; kill < 4; kill += 1) {
      const words = [child, folder, 1 + below(12), below(20)].map(String);
      const running = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = await linesOf(running, () => undefined);
      expect(running.signalCode, `seed ${seed}, kill ${kill}: ${lines.at(-1)}`).toBe('SIGKILL');
      places.push(
        await withStore('killed', async (store) =>
          (await store.sources()).reduce((sum, { next }) => sum + next, 0n),
        ),
      );
    }
    const total = history.reduce((sum, rows) => sum + rows.length, 0);
    // So only the last may have fallen between the last row and the journal's word that all is done.
    expect(new Set(places).size, `seed ${seed}: it never went on`).toBe(4);
    const journal = new BackfillJournal(new LocalObjectStore(join(folder, 'journal')));
    const [id] = await journal.ids();
    const frozen = await journal.plan(must(id, 'the child froze it'));
    await withStore('killed', async (store) => {
      const { run } = backfillOf(store, frozen, archive, { journal });
      await run.run(new AbortController().signal);
      const progress = run.progress();
      expect((await store.digest()).hex, `seed ${seed}`).toBe(expected);
      expect(progress).toMatchObject({ state: 'done', rowsDone: frozen.rows, fates: { consumed: total } });
      expect(progress.duplicates).toBe(frozen.rows - total);
      expect(progress.duplicates).toBeGreaterThan(0);
    });
  }, 60_000);
});
