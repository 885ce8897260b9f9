import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { accountId, benchSchema, benchTopic, PlaybackEvents } from '../bench/ingest/playback-events.ts';
import { loadSettings } from '../config/index.ts';
import { silentLog, systemClock } from '../foundation/index.ts';
import type { GraphStore, JourneyPage } from '../graph-store/index.ts';
import { EventEncoder } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { type Composition, compose, embeddedOf } from './composition.ts';
import { GraphFolders } from './graph-folders.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (/^(JG|KAFKA|SCHEMA_REGISTRY|AWS)_/.test(name)) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

const startMs = Date.UTC(2026, 10, 1);
const shape = { accounts: 5, titles: 20, popularity: 'even' } as const;
const patient = { timeout: 30_000 };
const inFolder = (data: string): readonly string[] => ['--data', data, '--topics', benchTopic];

async function jg(...words: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(words, io);
  return { code, ...io.written };
}

/** Gives `work` all that serves a folder, reading its topic. */
async function during<T>(
  data: string,
  work: (composition: Composition) => Promise<T>,
  own: Readonly<Record<string, string>> = {},
): Promise<T> {
  const flags = { data, topics: benchTopic, demo: 'off', 'log.level': 'silent', ...own };
  const { settings } = loadSettings({ flags, environment: {}, files: [] });
  const io = fakeIo({ clock: systemClock, random: Math.random, newId: () => crypto.randomUUID() });
  const composition = await compose(settings, io, silentLog);
  const stop = new AbortController();
  const { mappings, pipelines } = composition;
  const running = [mappings.watch(stop.signal), ...pipelines.map((pipeline) => pipeline.run(stop.signal))];
  try {
    return await work(composition);
  } finally {
    await composition.backfills.close();
    stop.abort();
    await Promise.all(running);
    await composition.close();
  }
}

const appliedOf = async (store: Pick<GraphStore, 'sources'>): Promise<number> =>
  (await store.sources()).reduce((sum, { fates }) => sum + fates.applied, 0);

/** So many more events in each of the log's two partitions, and one that is none; resolves when they are in the live graph. */
async function play(composition: Composition, events: PlaybackEvents, count: number): Promise<void> {
  const { log } = embeddedOf(composition);
  const before = await appliedOf(composition.store);
  for (const partition of [0, 1]) {
    const records = Array.from({ length: count }, (_, at) => {
      const { key, value } = events.next(startMs + at * 1_000);
      return { timestampMs: startMs + at * 1_000, key, value, headers: null };
    });
    const rubbish = { timestampMs: startMs, key: null, value: Buffer.from('rubbish'), headers: null };
    await log.append(benchTopic, partition, [...records, rubbish]);
  }
  await expect.poll(() => appliedOf(composition.store), patient).toBe(before + 2 * count);
}

const journeyOf = (store: GraphStore): Promise<JourneyPage> =>
  store.journey({
    of: { type: 'Account', id: accountId(1) },
    ...{ sinceMs: 0, untilMs: startMs * 2, domains: null, order: 'oldest-first', after: null },
    ...{ limit: 100, scanMax: 1_000, bytesMax: 2 ** 20 },
  });

async function folder(): Promise<{ readonly data: string; readonly events: PlaybackEvents }> {
  const data = await mkdtemp(join(tmpdir(), 'journey-graph-shadow-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const schema = await benchSchema();
  return { data, events: new PlaybackEvents(new EventEncoder(schema.id, schema.text), 3, shape) };
}

describe('jg backfill --into a second graph', { timeout: 90_000 }, () => {
  it('makes the same graph of the archive, which is switched to and goes on from the log', async () => {
    const { data, events } = await folder();
    const journey = await during(data, async (composition) => {
      await play(composition, events, 100);
      return await journeyOf(composition.store);
    });
    expect(journey.steps.length).toBeGreaterThan(10);
    expect(
      await jg('archive', 'run', '--once', '--quiet', '--data', data, '--archive.topics', benchTopic),
    ).toMatchObject({ code: 0 });
    const letters = await jg('dlq', 'list', '--json', ...inFolder(data));

    const run = ['backfill', 'run', '--topic', benchTopic, '--into', 'rebuilt', ...inFolder(data)];
    const dry = await jg(...run);
    expect(dry).toMatchObject({ code: 0, err: '' });
    expect(dry.out).toMatch(/^into +rebuilt$/m);
    expect(dry.out).not.toContain('warning');
    expect(new GraphFolders(data).isThere('rebuilt')).toBe(false);
    const done = await jg(...run, '--no-dry-run', '--json');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({
      plan: { into: { shadow: 'rebuilt' } },
      progress: { state: 'done', fates: { applied: 200, deadLettered: 2 } },
    });
    expect((await jg('dlq', 'list', '--json', ...inFolder(data))).out).toBe(letters.out);

    const diff = await jg('graph', 'diff', 'live', 'rebuilt', '--data', data);
    expect(diff).toMatchObject({ code: 0, out: expect.stringContaining('The two graphs are equal.') });
    const switched = await jg('graph', 'switch', 'rebuilt', '--data', data, '--json');
    expect(JSON.parse(switched.out)).toEqual({ live: 'rebuilt', previous: 'main', behind: '0', missing: [] });
    await during(data, async (composition) => {
      expect(await journeyOf(composition.store)).toEqual(journey);
      await play(composition, events, 10);
      const sources = await composition.store.sources();
      expect(sources.map(({ next, fates }) => [next, fates.consumed])).toEqual([
        [112n, 112],
        [112n, 112],
      ]);
    });
    const shown = await jg('backfill', 'status', '--json', ...inFolder(data));
    expect(JSON.parse(shown.out)).toMatchObject({
      backfills: [{ progress: { state: 'done', fates: { consumed: 202 } } }],
    });
  });

  it('is neither switched to nor dropped while a replay writes to it, and of a part says that nobody can switch to it', async () => {
    const { data, events } = await folder();
    await during(data, (composition) => play(composition, events, 100));
    await jg('archive', 'run', '--once', '--quiet', '--data', data, '--archive.topics', benchTopic);
    const ask = {
      ...{ topic: benchTopic, topicId: null, archive: 'iceberg', into: { shadow: 'part' }, repeat: 0 },
      ...{ allow: { gaps: false, rewrite: false }, skipExpired: false },
      filter: { fromMs: null, untilMs: null, partitions: [1] },
    } as const;
    const never = new AbortController().signal;
    await during(
      data,
      async ({ backfills, graphs, store }) => {
        const { plan } = await backfills.start(ask, never);
        expect(plan.warnings.map(({ kind }) => kind)).toEqual(['own-life']);
        for (const refused of [() => graphs?.switchTo('part', 1_000n), () => graphs?.drop('part')])
          await expect(refused()).rejects.toMatchObject({
            code: 'GRAPH_BUSY',
            message: expect.stringContaining('writes to graph part'),
          });
        expect(await graphs?.list()).toMatchObject([
          { name: 'main' },
          { name: 'part', sources: expect.any(Array) },
        ]);
        await backfills.cancel(plan.id);
        await expect(graphs?.switchTo('part', 1_000n)).rejects.toMatchObject({ code: 'GRAPH_INCOMPLETE' });
        await graphs?.drop('part');
        expect((await store.sources()).length).toBe(2);
      },
      // Slow enough to be met.
      { 'backfill.rows.per.second': '1' },
    );
  });
});
