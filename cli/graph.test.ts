import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type JourneyStepMessage, journeySteps } from '../client/index.ts';
import { loadSettings } from '../config/index.ts';
import { must, silentLog, systemClock } from '../foundation/index.ts';
import { createMutationBatch, openLevelStore } from '../graph-store/index.ts';
import type { SourceEnd } from '../ingest/index.ts';
import { startApi } from './api.ts';
import { fakeIo } from './command-io.fake.ts';
import { compose, embeddedOf } from './composition.ts';
import { createDemo } from './demo.ts';
import { dataWithStore, temporaryFolder } from './export-testing.ts';
import { GraphFolders } from './graph-folders.ts';
import { openShadow, openStore } from './graph-store-in-use.ts';
import { GraphSwitch } from './graph-switch.ts';
import { runProgram } from './program.ts';
import { whenUnlocked } from './store-lock.ts';
import { apiPartsOf } from './up.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  return () => vi.unstubAllEnvs();
});

async function run(data: string, ...words: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['graph', ...words, '--data', data], io);
  return { code, ...io.written };
}

/** A data folder with a copy of its graph beside it. */
async function dataWithCopy(): Promise<string> {
  const data = await dataWithStore();
  const live = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  const other = await openLevelStore({ folder: await new GraphFolders(data).make('copy') }, systemClock);
  await using snapshot = await live.snapshot();
  await other.restore(snapshot);
  await other.close();
  await live.close();
  return data;
}

function graphsOf(folders: GraphFolders, ends: readonly SourceEnd[]): GraphSwitch {
  return new GraphSwitch({
    ...{ folders, inForce: null, shadows: null, newId: () => 'x', replaced: () => undefined },
    open: (name) => openLevelStore({ folder: folders.folderOf(name) }, systemClock),
    patiently: (name, open) => whenUnlocked(folders.folderOf(name), open, fakeIo()),
    ends: async () => ends,
  });
}

const pointerOf = async (data: string): Promise<unknown> =>
  JSON.parse(await readFile(join(data, 'graph.json'), 'utf8'));

describe('jg graph', () => {
  it('lists, compares, switches, goes back and drops graphs of a folder', async () => {
    const data = await dataWithCopy();
    expect((await run(data, 'list')).out).toMatch(/^main +live +1 +104\ncopy +shadow +1 +104\n/m);
    const equal = await run(data, 'diff', 'live', 'copy');
    expect(equal).toMatchObject({ code: 0, out: expect.stringContaining('The two graphs are equal.') });
    const switched = await run(data, 'switch', 'copy', '--json');
    expect(JSON.parse(switched.out)).toEqual({ live: 'copy', previous: 'main', behind: '0', missing: [] });
    expect(await pointerOf(data)).toEqual({ live: 'copy', previous: 'main' });
    // What reads the store of the folder reads the live graph.
    const io = fakeIo({ clock: systemClock });
    await runProgram(['store', 'stats', '--data', data, '--json'], io);
    expect(JSON.parse(io.written.out).folder).toBe(join(data, 'graphs', 'copy'));
    expect(await run(data, 'back')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^main is the live graph now, copy was/),
    });
    expect(await run(data, 'drop', 'copy')).toMatchObject({ code: 0 });
    expect(existsSync(join(data, 'graphs', 'copy'))).toBe(false);
    expect(await pointerOf(data)).toEqual({ live: 'main', previous: null });
    expect(await run(data, 'back')).toMatchObject({
      code: 2,
      err: expect.stringContaining('GRAPH_NO_PREVIOUS'),
    });
  });

  it('shows what differs, with who wrote it, and exits with 1', async () => {
    const data = await dataWithCopy();
    const folder = join(data, 'graphs', 'copy');
    const copy = await openLevelStore({ folder }, systemClock);
    const [status] = await copy.sources();
    const { source } = must(status, 'a partition was applied');
    const { epoch } = await copy.claim(source);
    const batch = createMutationBatch();
    const mutations = [
      { kind: 'node', node: { type: 'Account', id: 'zoë' }, properties: [['country', 'FR']] },
    ] as const;
    const lineage = { offset: 104n, origin: { schemaId: 7, subject: 'plays-value', version: 2 } };
    batch.add({ timeMs: Date.UTC(2026, 11, 1), rank: 0, occurrence: 9n, mutations: [...mutations], lineage });
    const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
    await copy.apply({ source, epoch, from: 104n, next: 105n, fates, newestEventMs: 0 }, batch);
    await copy.close();
    const differing = await run(data, 'diff', 'live', 'copy');
    expect(differing.code).toBe(1);
    expect(differing.out).toMatch(
      /^node Account:zoë\n {2}live .*"DE".* from plays\/3@100 by plays-value 1\n {2}other .*"FR".*@104 by plays-value 2\n/,
    );
    expect(differing.out).toMatch(/1 differences, in 1 of 4,096 ranges/);
    // Offset 104 is to be read again then.
    expect(await run(data, 'switch', 'copy')).toMatchObject({ code: 0 });
    expect(await run(data, 'switch', 'main', '--behind', '0')).toMatchObject({
      code: 2,
      err: expect.stringContaining('GRAPH_BEHIND'),
    });
    expect(await pointerOf(data)).toEqual({ live: 'copy', previous: 'main' });
  });

  it('waits for a command that has a graph open for a moment, and says who has it when that lasts', async () => {
    const data = await dataWithCopy();
    const folders = new GraphFolders(data);
    for (const [name, words] of [
      ['main', ['diff', 'live', 'copy']],
      ['copy', ['switch', 'copy']],
    ] as const) {
      const held = await openLevelStore({ folder: folders.folderOf(name) }, systemClock);
      let looks = 0;
      const io = fakeIo({
        errIsTerminal: true,
        clock: {
          now: systemClock.now,
          sleep: async () => {
            looks += 1;
            if (looks === 3) await held.close();
          },
        },
      });
      expect(await runProgram(['graph', ...words, '--data', data], io), words.join(' ')).toBe(0);
      expect(looks).toBe(3);
      expect(io.written.err).toContain('waiting for it');
    }
    await using stack = new AsyncDisposableStack();
    const held = await openLevelStore({ folder: folders.folderOf('main') }, systemClock);
    stack.defer(() => held.close());
    const who =
      process.platform === 'linux' ? `A server or another command (process ${process.pid}) has` : 'has';
    expect(await run(data, 'diff', 'main', 'copy')).toMatchObject({
      code: 3,
      err: expect.stringContaining(who),
    });
  });

  it('begins a comparison behind a list that has the other graph open', async () => {
    const data = await dataWithCopy();
    const folders = new GraphFolders(data);
    const graphs = graphsOf(folders, []);
    const live = await openLevelStore({ folder: folders.folderOf('main') }, systemClock);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => live.close());
    const comparison = await graphs.comparison(live, 'copy', 10);
    const listing = graphs.list();
    const kinds: string[] = [];
    for await (const { kind } of comparison) kinds.push(kind);
    expect(kinds.at(-1)).toBe('verdict');
    expect((await listing).map(({ name, sources }) => [name, sources?.length])).toEqual([
      ['main', undefined],
      ['copy', 1],
    ]);
  });

  it('refuses what cannot be, and changes nothing', async () => {
    const data = await dataWithCopy();
    const empty = await openLevelStore({ folder: await new GraphFolders(data).make('empty') }, systemClock);
    const refused: readonly (readonly [string, number, readonly string[]])[] = [
      ['GRAPH_UNKNOWN', 2, ['switch', 'nowhere']],
      ['GRAPH_NAME_INVALID', 2, ['switch', '../x']],
      ['GRAPH_IN_FORCE', 2, ['switch', 'main']],
      ['GRAPH_IN_FORCE', 2, ['drop', 'main']],
      ['STORE_LOCKED', 3, ['drop', 'empty']],
      ['GRAPH_UNKNOWN', 2, ['diff', 'live', 'nowhere']],
    ];
    for (const [code, exit, words] of refused)
      expect(await run(data, ...words), words.join(' ')).toMatchObject({
        code: exit,
        err: expect.stringContaining(code),
      });
    await empty.close();
    const incomplete = await run(data, 'switch', 'empty');
    expect(incomplete).toMatchObject({
      code: 2,
      err: expect.stringMatching(/GRAPH_INCOMPLETE.*partition 3 of topic plays/s),
    });
    expect(existsSync(join(data, 'graph.json'))).toBe(false);
  });

  it('refuses a graph whose log has lost what it would read again', async () => {
    const data = await dataWithCopy();
    const folders = new GraphFolders(data);
    const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 3 };
    const graphs = (low: bigint): GraphSwitch => graphsOf(folders, [{ source, low, end: 300n }]);
    const refused = {
      code: 'GRAPH_GAP',
      message: expect.stringMatching(/stands at offset 104 .* begins at 105/),
    };
    await expect(graphs(105n).switchTo('copy', 0n)).rejects.toMatchObject(refused);
    expect(await folders.pointer()).toEqual({ live: 'main', previous: null });
    expect(await graphs(104n).switchTo('copy', 0n)).toMatchObject({ live: 'copy' });
  });

  it('refuses a graph that has nothing of a partition whose log no longer begins at its beginning', async () => {
    const data = await dataWithStore();
    const folders = new GraphFolders(data);
    const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 3 };
    const claimed = await openLevelStore({ folder: await folders.make('claimed') }, systemClock);
    await claimed.claim(source);
    await claimed.close();
    const graphs = graphsOf(folders, [
      { source, low: 50n, end: 300n },
      // The live graph has nothing of it either.
      { source: { ...source, partition: 4 }, low: 50n, end: 300n },
    ]);
    const refused = {
      code: 'GRAPH_GAP',
      message: expect.stringMatching(/stands at offset 0 of partition 3 .* begins at 50/),
    };
    await expect(graphs.switchTo('claimed', 104n)).rejects.toMatchObject(refused);
    expect(await folders.pointer()).toEqual({ live: 'main', previous: null });
  });

  it('switches beside a list of graphs, each of which opens them', async () => {
    const data = await dataWithCopy();
    const folders = new GraphFolders(data);
    const graphs = graphsOf(folders, []);
    const lists = Promise.all([graphs.list(), graphs.list()]);
    expect(await graphs.switchTo('copy', 0n)).toMatchObject({ live: 'copy' });
    for (const listed of await lists)
      expect(listed).toMatchObject([
        { name: 'main', state: 'live', sources: [{ next: '104' }] },
        { name: 'copy', state: 'shadow', sources: [{ next: '104' }] },
      ]);
  });

  it('lists after a switch that was asked for before, though a list was under way then', async () => {
    const graphs = graphsOf(new GraphFolders(await dataWithCopy()), []);
    const before = graphs.list();
    const switched = graphs.switchTo('copy', 0n);
    const after = graphs.list();
    expect(await switched).toMatchObject({ live: 'copy', previous: 'main' });
    expect([await before, await after]).toMatchObject([
      [
        { name: 'main', state: 'live', sources: [{ next: '104' }] },
        { name: 'copy', state: 'shadow', sources: [{ next: '104' }] },
      ],
      [
        { name: 'main', state: 'previous', sources: [{ next: '104' }] },
        { name: 'copy', state: 'live', sources: [{ next: '104' }] },
      ],
    ]);
  });

  it('makes no graph of a name that is dropped while graphs are listed', async () => {
    const data = await dataWithCopy();
    const graphs = graphsOf(new GraphFolders(data), []);
    const [, , listed] = await Promise.all([graphs.list(), graphs.drop('copy'), graphs.list()]);
    expect(listed.map(({ name }) => name)).toEqual(['main']);
    expect(existsSync(join(data, 'graphs', 'copy'))).toBe(false);
  });

  it('changes nothing when the pointer cannot be written', async () => {
    const data = await dataWithCopy();
    // In the place of the file that it is written into first.
    await mkdir(join(data, 'graph.json.partial'));
    const failed = await run(data, 'switch', 'copy');
    expect(failed).toMatchObject({ code: 1, err: expect.stringContaining('GRAPH_POINTER_FAILED') });
    expect((await run(data, 'list')).out).toMatch(/^main +live .*\ncopy +shadow /m);
    await rmdir(join(data, 'graph.json.partial'));
    expect(await run(data, 'switch', 'copy')).toMatchObject({ code: 0 });
  });

  it('starts with one graph or the other, whenever a switch was cut off', async () => {
    const data = await dataWithCopy();
    const folders = new GraphFolders(data);
    const liveFolder = async (): Promise<unknown> => {
      const io = fakeIo({ clock: systemClock });
      await runProgram(['store', 'stats', '--data', data, '--json'], io);
      return JSON.parse(io.written.out).folder;
    };
    // While the pointer is being written: a part of it, under another name.
    await writeFile(join(data, 'graph.json.partial'), '{"live":"co');
    expect(await liveFolder()).toBe(join(data, 'store'));
    // Behind it, before the store is replaced.
    await folders.point({ live: 'copy', previous: 'main' });
    expect(await liveFolder()).toBe(join(data, 'graphs', 'copy'));
    // A drop that was cut off: what is left goes with the next one.
    await mkdir(join(data, 'graphs', '.dropped-x'));
    expect(await folders.names()).toEqual(['main', 'copy']);
    // A data folder that was put back without its other graphs: an empty one is no answer.
    await folders.point({ live: 'gone', previous: 'main' });
    const { settings } = loadSettings({ flags: { data }, environment: {}, files: [] });
    await expect(openStore(settings, fakeIo({ clock: systemClock }), silentLog)).rejects.toMatchObject({
      code: 'GRAPH_MISSING',
    });
    expect(existsSync(join(data, 'graphs', 'gone'))).toBe(false);
    await writeFile(join(data, 'graph.json'), '{"live":"../../etc"}');
    expect(await run(data, 'list')).toMatchObject({
      code: 3,
      err: expect.stringContaining('GRAPH_POINTER_DAMAGED'),
    });
  });
});

describe('A switch while events flow and questions are asked', () => {
  it('loses nothing, fails no question, and the graph before it catches up when it is switched back to', async () => {
    const data = await temporaryFolder();
    const { settings } = loadSettings({
      flags: { data, port: '0', demo: 'off', 'log.level': 'silent' },
      environment: {},
      files: [],
    });
    const io = fakeIo({ clock: systemClock, random: Math.random, newId: () => crypto.randomUUID() });
    const composition = await compose(settings, io, silentLog);
    const stop = new AbortController();
    const asking = new AbortController();
    const { store, pipelines, mappings } = composition;
    const told = vi.spyOn(composition.live, 'graphSwitched');
    const running = [mappings.watch(stop.signal), ...pipelines.map((pipeline) => pipeline.run(stop.signal))];
    const api = await startApi(settings, apiPartsOf(composition, 0), io, silentLog);
    const jg = async (...words: readonly string[]): Promise<{ code: number; answer: unknown }> => {
      const asked = fakeIo({ clock: systemClock });
      const code = await runProgram(['graph', ...words, '--url', api.url, '--json'], asked);
      expect(asked.written.err).toBe('');
      return { code, answer: JSON.parse(asked.written.out) };
    };
    onTestFinished(async () => {
      asking.abort();
      stop.abort();
      await api.close();
      await Promise.all(running);
      await composition.close();
    });
    const player = await createDemo(embeddedOf(composition), composition.registry, 300, io, silentLog);
    const playing = new AbortController();
    const played = player.play(playing.signal);
    const applied = async (): Promise<number> =>
      (await store.sources()).reduce((sum, { fates }) => sum + fates.consumed, 0);
    await expect.poll(applied, { timeout: 20_000 }).toBeGreaterThan(500);
    const shadow = await openShadow(settings, 'b', store.timeToLive(), io);
    await using snapshot = await store.snapshot();
    await shadow.restore(snapshot);
    await shadow.close();
    const before = await applied();
    await expect.poll(applied, { timeout: 20_000 }).toBeGreaterThan(before + 100);

    // A question that fails is told at the end.
    const heard: JourneyStepMessage[] = [];
    const asked = Promise.allSettled([ask(store, asking.signal), listen(api.url, heard, asking.signal)]);
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    const differing = await jg('diff', 'live', 'b', '--limit', '3');
    expect(differing).toMatchObject({ code: 1, answer: { verdict: { differences: 3, hasMore: true } } });
    const switched = await jg('switch', 'b', '--behind', '1000000');
    expect(switched).toMatchObject({ code: 0, answer: { live: 'b', previous: 'main', missing: [] } });
    expect(told).toHaveBeenCalledTimes(1);
    // What listens goes on by time: no place in the memory of the graph before holds in this one.
    await expect.poll(() => heard.map(({ reason }) => reason)).toContain('OTHER_PROCESS');
    expect(await jg('list')).toMatchObject({
      answer: { graphs: [{ state: 'previous' }, { state: 'live' }] },
    });
    const then = await applied();
    await expect.poll(applied, { timeout: 20_000 }).toBeGreaterThan(then + 200);
    playing.abort();
    await played;
    const behind = (): Promise<readonly string[]> => behindLog(embeddedOf(composition), store);
    await expect.poll(behind, { timeout: 20_000 }).toEqual([]);
    const ofShadow = (await store.digest()).hex;
    expect(await jg('back')).toMatchObject({ answer: { live: 'main', previous: 'b' } });
    await expect.poll(behind, { timeout: 20_000 }).toEqual([]);
    expect((await store.digest()).hex).toBe(ofShadow);
    asking.abort();
    expect(await asked).toEqual([
      { status: 'fulfilled', value: expect.any(Number) },
      { status: 'fulfilled', value: undefined },
    ]);
  }, 120_000);
});

/** Partitions whose log goes on behind what was applied. */
async function behindLog(
  { topics, log }: Pick<ReturnType<typeof embeddedOf>, 'topics' | 'log'>,
  store: { sources(): Promise<readonly { source: { topic: string; partition: number }; next: bigint }[]> },
): Promise<readonly string[]> {
  const sources = await store.sources();
  return topics.flatMap((topic) =>
    log.ends(topic).flatMap(({ end }, partition) => {
      const found = sources.find(({ source }) => source.topic === topic && source.partition === partition);
      return (found?.next ?? 0n) === end ? [] : [`${topic}/${partition}: ${found?.next} of ${end}`];
    }),
  );
}

async function listen(url: string, heard: JourneyStepMessage[], signal: AbortSignal): Promise<void> {
  for await (const message of journeySteps({ type: 'Account', id: 'acc-000001' }, { url, signal }))
    heard.push(message);
}

/** Asks one thing after the other; rejects with the first that fails. */
async function ask(
  store: {
    digest(): Promise<unknown>;
    sources(): Promise<unknown>;
    node(ref: { type: string; id: string }): Promise<unknown>;
  },
  signal: AbortSignal,
): Promise<number> {
  let answers = 0;
  while (!signal.aborted) {
    await Promise.all([store.node({ type: 'Account', id: 'acc-000001' }), store.sources(), store.digest()]);
    answers += 1;
    await systemClock.sleep(1, signal);
  }
  return answers;
}
