import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FencedError, OutageError, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphStore, isLetterLife, openLevelStore } from '../../graph-store/index.ts';
import { defaultEmbeddedLogSettings, type EmbeddedLog, openEmbeddedLog } from '../embedded-log.ts';
import type { LogRecord } from '../embedded-log-format.ts';
import { EmbeddedLetterLog } from './embedded-letter-log.ts';
import { deskOver, letterOf, memoryPlans, processorWith, retried } from './letter-testing.ts';
import type { RetryPlans } from './retry-plan.ts';
import { RetryPlanFolder } from './retry-plan-folder.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-letters-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function logWith(letters: readonly LogRecord[], partitions = 1): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: await temporaryFolder() });
  onTestFinished(() => log.close());
  await log.createTopic('plays.dlq', partitions);
  await log.append('plays.dlq', 0, letters);
  return log;
}

const ids = (count: number) => Array.from({ length: count }, (_, id) => id);
/** Three members, whose letters alternate. */
const memberOf = (id: number) => `m${id % 3}`;

async function appliedIds(store: GraphStore, count: number): Promise<readonly number[]> {
  const nodes = await store.nodes(ids(count).map((id) => ({ type: 'Account', id: `a${id}` })));
  return nodes.flatMap((node, id) => (node === null ? [] : [id]));
}

async function fatesOf(store: GraphStore) {
  const [life, ...others] = (await store.sources()).filter(({ source }) => isLetterLife(source));
  expect(others).toEqual([]);
  return life?.fates;
}

/** Ends a process at its `at`-th write, before or behind its effect. */
function crashing(store: GraphStore, plans: RetryPlans, at: number, effect: 'lost' | 'there') {
  let writes = 0;
  const doing = async <T>(write: () => Promise<T>): Promise<T> => {
    writes += 1;
    const dies = writes === at;
    if (dies && effect === 'lost') throw new OutageError('KILLED', 'killed');
    const result = await write();
    if (dies) throw new OutageError('KILLED', 'killed');
    return result;
  };
  const dying: Pick<GraphStore, 'claim' | 'apply' | 'sources'> = {
    sources: () => store.sources(),
    claim: (source) => doing(() => store.claim(source)),
    apply: (advance, mutations) => doing(() => store.apply(advance, mutations)),
  };
  const dyingPlans: RetryPlans = {
    load: (name) => plans.load(name),
    save: (name, plan) => doing(() => plans.save(name, plan)),
  };
  return { store: dying, plans: dyingPlans, writes: () => writes };
}

describe('Trying dead letters again', () => {
  it('says what would pass, by what they were, and changes nothing', async () => {
    const log = await logWith([
      ...ids(6).map((id) => letterOf(id, `m${id}`)),
      letterOf(900, 'm9', 'SCHEMA_NOT_FOUND'),
    ]);
    const store = createMemoryStore(systemClock);
    const plans = memoryPlans();
    const desk = deskOver(new EmbeddedLetterLog(log), store, plans, processorWith(new Set([1, 4])));
    const { trial, applied } = await retried(desk, { dryRun: true });
    expect(trial).toMatchObject({ letters: 7, passes: 4, fails: 2, held: 0, filtered: 1, more: false });
    expect(trial.rows).toEqual([
      { was: 'AVRO_TRUNCATED', now: 'passes', letters: 4 },
      { was: 'AVRO_TRUNCATED', now: 'STILL_BAD', letters: 2 },
      { was: 'SCHEMA_NOT_FOUND', now: 'filtered', letters: 1 },
    ]);
    expect(applied).toBeNull();
    expect([await store.sources(), plans.plans.size]).toEqual([[], 0]);
  });

  it('applies what passes, and a second retry has nothing to do', async () => {
    const log = await logWith(ids(8).map((id) => letterOf(id, `m${id}`)));
    const store = createMemoryStore(systemClock);
    const desk = deskOver(new EmbeddedLetterLog(log), store, memoryPlans(), processorWith(new Set([2])));
    expect((await retried(desk)).applied).toEqual({ topic: 'plays', applied: 7, superseded: 0, filtered: 0 });
    const digest = await store.digest();
    const again = await retried(desk);
    expect(again.trial).toMatchObject({ letters: 1, passes: 0, fails: 1 });
    expect(again.applied).toBeNull();
    expect((await store.digest()).hex).toBe(digest.hex);
    expect(await fatesOf(store)).toMatchObject({ consumed: 7, applied: 7 });
  });

  it('says what to do when another graph became the live one meanwhile, and the next retry goes on', async () => {
    const log = await logWith(ids(8).map((id) => letterOf(id, `m${id}`)));
    const store = createMemoryStore(systemClock);
    let applies = 0;
    const switched: Pick<GraphStore, 'claim' | 'apply' | 'sources'> = {
      sources: () => store.sources(),
      claim: (source) => store.claim(source),
      apply: (advance, mutations) => {
        applies += 1;
        if (applies === 2) throw new FencedError('Partition 0 has the epoch 2.');
        return store.apply(advance, mutations);
      },
    };
    const letters = new EmbeddedLetterLog(log);
    const plans = memoryPlans();
    const desk = deskOver(letters, switched, plans, processorWith(new Set()));
    await expect(retried(desk)).rejects.toMatchObject({
      code: 'DLQ_RETRY_OVERTAKEN',
      message: expect.stringMatching(/"plays" \(plays\.dlq, partition 0\).*run `jg dlq retry` again/),
    });
    expect(await appliedIds(store, 8)).toEqual([0, 1, 2]);
    await retried(desk);
    expect(await appliedIds(store, 8)).toEqual(ids(8));
  });

  it('applies a letter that stayed once its mapping is right, though later ones went before it', async () => {
    const log = await logWith(ids(8).map((id) => letterOf(id, `m${id}`)));
    const store = createMemoryStore(systemClock);
    const bad = new Set([0, 5]);
    const desk = deskOver(new EmbeddedLetterLog(log), store, memoryPlans(), processorWith(bad));
    await retried(desk);
    expect(await appliedIds(store, 8)).toEqual([1, 2, 3, 4, 6, 7]);
    bad.delete(5);
    await retried(desk);
    expect(await appliedIds(store, 8)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    bad.clear();
    await log.append('plays.dlq', 0, [letterOf(8, 'm8')]);
    expect((await retried(desk)).trial).toMatchObject({ letters: 2, passes: 2 });
    expect(await appliedIds(store, 9)).toEqual(ids(9));
    expect(await fatesOf(store)).toMatchObject({ consumed: 9, applied: 9 });
  });

  it('holds letters of a key behind one that fails, in this retry and in the next ones', async () => {
    const log = await logWith(ids(9).map((id) => letterOf(id, memberOf(id))));
    const store = createMemoryStore(systemClock);
    const bad = new Set([3]);
    const desk = deskOver(new EmbeddedLetterLog(log), store, memoryPlans(), processorWith(bad));
    expect((await retried(desk)).trial).toMatchObject({ passes: 7, fails: 1, held: 1 });
    expect(await appliedIds(store, 9)).toEqual([0, 1, 2, 4, 5, 7, 8]);
    await log.append('plays.dlq', 0, [letterOf(9, memberOf(9)), letterOf(10, memberOf(10))]);
    expect((await retried(desk)).trial).toMatchObject({ letters: 4, passes: 1, fails: 1, held: 2 });
    bad.clear();
    expect((await retried(desk)).trial).toMatchObject({ letters: 3, passes: 3 });
    expect(await appliedIds(store, 11)).toEqual(ids(11));
    expect(await fatesOf(store)).toMatchObject({ consumed: 11, applied: 11 });
  });

  it('holds nothing behind a letter without a key', async () => {
    const log = await logWith(ids(4).map((id) => letterOf(id, null)));
    const store = createMemoryStore(systemClock);
    const desk = deskOver(new EmbeddedLetterLog(log), store, memoryPlans(), processorWith(new Set([0])));
    expect((await retried(desk)).trial).toMatchObject({ passes: 3, fails: 1, held: 0 });
  });

  it('leaves a letter that failed only when it was applied, with the later ones of its key', async () => {
    const log = await logWith(ids(6).map((id) => letterOf(id, memberOf(id))));
    const store = createMemoryStore(systemClock);
    const bad = new Set<number>();
    const plans = memoryPlans();
    const desk = deskOver(new EmbeddedLetterLog(log), store, plans, processorWith(bad));
    for await (const event of desk.retry(
      { topic: null, limit: 100, dryRun: false },
      new AbortController().signal,
    )) {
      if (event.kind === 'trial') bad.add(1);
    }
    expect(await appliedIds(store, 6)).toEqual([0, 2, 3, 5]);
    bad.clear();
    expect((await retried(desk)).trial).toMatchObject({ letters: 2, passes: 2 });
    expect(await fatesOf(store)).toMatchObject({ consumed: 6, applied: 6 });
  });

  it.each(['lost', 'there'] as const)(
    'applies each letter once wherever it is killed, the effect of the last write being %s',
    async (effect) => {
      const log = await logWith(ids(10).map((id) => letterOf(id, memberOf(id))));
      const letters = new EmbeddedLetterLog(log);
      let at = 1;
      for (let isDone = false; !isDone; at += 1) {
        const store = createMemoryStore(systemClock);
        const plans = memoryPlans();
        const bad = new Set([4]);
        await retried(deskOver(letters, store, plans, processorWith(bad), { leftMax: 1 }));
        const dying = crashing(store, plans, at, effect);
        const desk = deskOver(letters, dying.store, dying.plans, processorWith(bad));
        isDone = await retried(desk).then(
          () => true,
          () => false,
        );
        bad.clear();
        await retried(deskOver(letters, store, plans, processorWith(bad)));
        expect(await appliedIds(store, 10), `killed at write ${at}`).toEqual(ids(10));
        expect(await fatesOf(store), `killed at write ${at}`).toMatchObject({ consumed: 10, applied: 10 });
      }
      expect(at).toBeGreaterThan(3);
    },
  );

  it('looks at no more letters than it was told, and says that there are more', async () => {
    const log = await logWith(ids(6).map((id) => letterOf(id, `m${id}`)));
    const store = createMemoryStore(systemClock);
    const desk = deskOver(new EmbeddedLetterLog(log), store, memoryPlans(), processorWith(new Set()));
    expect((await retried(desk, { limit: 4 })).trial).toMatchObject({ letters: 4, more: true });
    expect((await retried(desk, { limit: 4 })).trial).toMatchObject({ letters: 2, more: false });
    expect(await fatesOf(store)).toMatchObject({ consumed: 6 });
  });

  it('goes on in LevelDB and from files after the process has ended in between', async () => {
    const [folder, plans] = [await temporaryFolder(), new RetryPlanFolder(await temporaryFolder())];
    const log = await logWith(ids(10).map((id) => letterOf(id, memberOf(id))));
    const letters = new EmbeddedLetterLog(log);
    const first = await openLevelStore({ folder }, systemClock);
    const dying = crashing(first, plans, 4, 'there');
    await expect(
      retried(deskOver(letters, dying.store, dying.plans, processorWith(new Set([4])))),
    ).rejects.toThrow('killed');
    expect(dying.writes()).toBe(4);
    await first.close();
    const store = await openLevelStore({ folder }, systemClock);
    onTestFinished(() => store.close());
    await retried(deskOver(letters, store, plans, processorWith(new Set())));
    expect(await appliedIds(store, 10)).toEqual(ids(10));
    expect(await fatesOf(store)).toMatchObject({ consumed: 10, applied: 10 });
  });

  it('tries everything again, to the same graph, when its plan is lost or is no plan', async () => {
    const folder = await temporaryFolder();
    const log = await logWith(ids(5).map((id) => letterOf(id, `m${id}`)));
    const store = createMemoryStore(systemClock);
    const desk = deskOver(
      new EmbeddedLetterLog(log),
      store,
      new RetryPlanFolder(folder),
      processorWith(new Set()),
    );
    await retried(desk);
    const { hex } = await store.digest();
    const [{ topicId = '' } = {}] = log.topics();
    await writeFile(join(folder, `dlq%3A${topicId}.0.json`), '{"round":');
    expect((await retried(desk)).trial).toMatchObject({ letters: 5, passes: 5 });
    expect((await store.digest()).hex).toBe(hex);
  });
});
