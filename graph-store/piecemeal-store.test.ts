import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { describeGraphStore } from './conformance.ts';
import { checkPositionsFollow, checkRace, checkTears, checkWholeBatches } from './conformance-levels.ts';
import { assertProperty, readPropertyEnvironment } from './conformance-property.ts';
import { event, named, type StoreHarness, step } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { type PiecemealMistake, PiecemealStore } from './piecemeal-store.fake.ts';

const tearNext = (store: GraphStore, mutations: number): void => {
  if (!(store instanceof PiecemealStore)) throw new Error('only the piecemeal store can be torn');
  store.tearNext(mutations);
};

const noEnvironment = readPropertyEnvironment({});

const harness: StoreHarness = {
  open: async (clock) => new PiecemealStore(clock),
  reopen: null,
  dispose: (store) => store.close(),
  propertyRuns: 20,
  guarantee: 'idempotent',
  tearNext,
};

describeGraphStore('A store without transactions', harness);

describe('The levels of the suite', () => {
  const log = [event(1, [named('a'), step('d')]), event(2, [named('b')]), event(3, [step('d')])];
  const wrong = (mistake: PiecemealMistake | null) => new PiecemealStore(systemClock, mistake);

  it('take a store in memory for atomic, and one without transactions not', async () => {
    await checkWholeBatches(createMemoryStore(systemClock));
    await expect(checkWholeBatches(wrong(null))).rejects.toThrow(/half there|different batches|expected/);
  });
  it.each(['position first', 'position without all writes'] as const)('notice a %s', async (mistake) => {
    await checkPositionsFollow(wrong(null));
    await expect(checkPositionsFollow(wrong(mistake))).rejects.toThrow(
      /to be greater than or equal to|to have a length/,
    );
  });
  it('notice a position that moves with a batch that fails', async () => {
    const torn = [{ events: 2, after: 1 }];
    await checkTears(wrong(null), log, torn, tearNext);
    const failing = checkTears(wrong('position first'), log, torn, tearNext);
    await expect(failing).rejects.toThrow('a batch that failed moved its position');
  });
  it('notice a stale writer that is not fenced', async () => {
    const moves = [0, 1].map((by) => ({ kind: 'apply', by: by === 0 ? 0 : 1, events: 3 }) as const);
    await checkRace(wrong(null), log, moves);
    await expect(checkRace(wrong('no fence'), log, moves)).rejects.toThrow(/expected/);
  });
  it('print the seed and the path of what fails, and run that one case again', async () => {
    const seen: number[] = [];
    const property = (name: string) =>
      fc.asyncProperty(fc.integer({ min: 0, max: 1000 }), async (number) => {
        seen.push(number);
        expect(number, name).toBeLessThan(500);
      });
    const failed = await assertProperty(100, property('first'), noEnvironment).then(
      () => '',
      (error: unknown) => String(error),
    );
    const [, seed, path] = failed.match(/seed: (-?\d+), path: "([\d:]+)"/) ?? [];
    expect(failed).toContain('Counterexample: [500]');
    seen.length = 0;
    const again = assertProperty(
      100,
      property('again'),
      readPropertyEnvironment({
        JOURNEY_GRAPH_CONFORMANCE_SEED: seed,
        JOURNEY_GRAPH_CONFORMANCE_PATH: path,
      }),
    );
    await expect(again).rejects.toThrow('Counterexample: [500]');
    expect(seen[0]).toBe(500);
  });
  it('run each property as often, and from the seed, as the environment says', async () => {
    const seenBy = async (env: NodeJS.ProcessEnv): Promise<readonly number[]> => {
      const seen: number[] = [];
      const property = fc.asyncProperty(fc.integer(), async (number) => {
        seen.push(number);
      });
      await assertProperty(100, property, readPropertyEnvironment(env));
      return seen;
    };
    const seeded = { JOURNEY_GRAPH_CONFORMANCE_RUNS: '7', JOURNEY_GRAPH_CONFORMANCE_SEED: '-42' };
    const drawn = await seenBy(seeded);
    expect(drawn).toHaveLength(7);
    expect(await seenBy(seeded)).toEqual(drawn);
    expect(await seenBy({})).toHaveLength(100);
    expect(() => readPropertyEnvironment({ JOURNEY_GRAPH_CONFORMANCE_RUNS: '7k' })).toThrow('"7k"');
    expect(() => readPropertyEnvironment({ JOURNEY_GRAPH_CONFORMANCE_PATH: '1' })).toThrow('_SEED');
  });
  it('leave no property out of what the environment says', async () => {
    const folder = import.meta.dirname;
    const suite = (await readdir(folder)).filter((name) => /^conformance.*\.ts$/.test(name));
    expect(suite.length).toBeGreaterThan(15);
    for (const name of suite) {
      if (name === 'conformance-property.ts') continue;
      expect(await readFile(join(folder, name), 'utf8'), name).not.toContain('fc.assert(');
    }
  });
});
