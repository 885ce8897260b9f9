import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMutationBatch, openLevelStore } from '../graph-store/index.ts';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../ingest/index.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { fakeIo } from './command-io.fake.ts';
import type { CommandIo } from './command-io.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function run(commandLine: readonly string[], over: Partial<CommandIo> = {}) {
  const io = fakeIo(over);
  const code = await runProgram(['store', ...commandLine], io);
  return { code, ...io.written };
}

/** A data folder whose store holds a few steps and edges. */
async function dataWithStore(): Promise<string> {
  const data = await temporaryFolder();
  await addEdges(data, 0, 50);
  return data;
}

async function addEdges(data: string, partition: number, count: number): Promise<void> {
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition };
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  const from = { type: 'Account', id: 'a\x1b[31m' };
  for (let i = 0; i < count; i += 1) {
    const to = { type: 'Title', id: String(i) };
    batch.add({
      timeMs: 1_700_000_000_000 + i,
      occurrence: BigInt(i),
      rank: 0,
      mutations: [{ kind: 'edge', type: 'WATCHED', from, to, properties: [] }],
    });
  }
  const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
  const newestEventMs = 1_700_000_000_000 + count - 1;
  await store.apply({ source, epoch, from: 0n, next: BigInt(count), fates, newestEventMs }, batch);
  await store.close();
}

describe('jg store, in a folder', () => {
  it('copies a store into a file and back, equal by its digest', async () => {
    const data = await dataWithStore();
    const [file, other] = [join(data, 'graph.jgsnapshot'), join(data, 'other')];
    const taken = await run(['snapshot', file, '--data', data]);
    expect(taken).toMatchObject({ code: 0, err: '' });
    expect(taken.out).toMatch(/: 50 rows, .* digest [0-9a-f]{16}\n/);
    expect(taken.out).toMatch(/^plays +0 +50 +1$/m);
    const [, digest = 'none'] = /digest (\w+)/.exec(taken.out) ?? [];

    const tried = await run(['restore', file, '--data', other, '--dry-run']);
    expect(tried).toMatchObject({ code: 0, err: '' });
    expect(tried.out).toContain('The file is whole; nothing was changed.');
    await expect(readdir(other)).rejects.toMatchObject({ code: 'ENOENT' });

    const restored = await run(['restore', file, '--data', other]);
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(restored.out).toContain('goes on at these positions');
    const verified = await run(['verify', '--data', other, '--json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({
      digest,
      faults: 0,
      rows: { occurrences: 50, reverseOccurrences: 50 },
      sources: [{ next: '50' }],
    });
    const stats = await run(['stats', '--exact', '--data', other]);
    expect(stats.code).toBe(0);
    expect(stats.out).toMatch(/^occurrences +WATCHED +50$/m);
    expect(stats.out).toContain('2023-11-14T22:13:20.049Z');
  });

  it('answers in JSON', async () => {
    const data = await dataWithStore();
    const file = join(data, 'graph.jgsnapshot');
    expect(JSON.parse((await run(['snapshot', file, '--data', data, '--json'])).out)).toMatchObject({
      rows: 50,
      sources: [{ next: '50', source: { topic: 'plays' } }],
    });
    expect(JSON.parse((await run(['stats', '--data', data, '--json'])).out)).toMatchObject({
      exact: true,
      rows: 100,
    });
    const tried = await run(['restore', file, '--dry-run', '--json']);
    expect(JSON.parse(tried.out)).toMatchObject({ data: null, rows: 50 });
  });

  it('restores nothing over a store, and replaces no file unless it is told to', async () => {
    const data = await dataWithStore();
    const file = join(data, 'graph.jgsnapshot');
    await run(['snapshot', file, '--data', data]);
    const over = await run(['restore', file, '--data', data]);
    expect(over).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^error STORE_NOT_EMPTY: /) });
    const again = await run(['snapshot', file, '--data', data]);
    expect(again).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^error SNAPSHOT_FILE_EXISTS: /),
    });
    expect(await run(['snapshot', file, '--data', data, '--force'])).toMatchObject({ code: 0 });
  });

  it('refuses a damaged file with its name and the place, and leaves the data folder alone', async () => {
    const data = await dataWithStore();
    const file = join(data, 'graph.jgsnapshot');
    await run(['snapshot', file, '--data', data]);
    const { length } = await readFile(file);
    await truncate(file, length - 10);
    const tried = await run(['restore', file, '--dry-run']);
    expect(tried.code).toBe(3);
    expect(tried.err).toMatch(
      new RegExp(`^error SNAPSHOT_DAMAGED: .*graph\\.jgsnapshot is damaged at byte ${length - 10}:`),
    );
    await writeFile(file, 'something else');
    const foreign = await run(['restore', file, '--data', join(data, 'other')]);
    expect(foreign).toMatchObject({ code: 3, err: expect.stringMatching(/^error SNAPSHOT_FOREIGN: /) });
    await expect(readdir(join(data, 'other'))).rejects.toMatchObject({ code: 'ENOENT' });
    const missing = await run(['restore', join(data, 'nowhere')]);
    expect(missing).toMatchObject({ code: 2, err: expect.stringMatching(/^error SNAPSHOT_UNREADABLE: /) });
  });

  it('says that a store was restored half-way, until it is removed', async () => {
    const data = await dataWithStore();
    const [file, other] = [join(data, 'graph.jgsnapshot'), join(data, 'other')];
    await run(['snapshot', file, '--data', data]);
    const { length } = await readFile(file);
    await truncate(file, length - 10);
    expect(await run(['restore', file, '--data', other])).toMatchObject({ code: 3 });
    const next = await run(['verify', '--data', other]);
    expect(next).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^error STORE_RESTORE_INCOMPLETE: /),
    });
  });

  it('leaves no file when it is interrupted, and no temporary one', async () => {
    const data = await dataWithStore();
    const stop = new AbortController();
    stop.abort();
    const stopped = await run(['snapshot', join(data, 'a'), '--data', data], { signal: stop.signal });
    expect(stopped).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^error INTERRUPTED: /) });
    expect(await readdir(data)).toEqual(['store']);
  });

  it('stops counting every row when it is interrupted', async () => {
    const data = await dataWithStore();
    const stopped = await run(['stats', '--exact', '--data', data], { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^error INTERRUPTED: /) });
  });

  it('says that nothing was changed when a check of a snapshot is interrupted', async () => {
    const data = await dataWithStore();
    const [file, other] = [join(data, 'graph.jgsnapshot'), join(data, 'other')];
    // Enough rows for the command to look whether it may go on.
    await addEdges(data, 1, 2000);
    await run(['snapshot', file, '--data', data]);
    const signal = AbortSignal.abort();
    const tried = await run(['restore', file, '--data', other, '--dry-run'], { signal });
    expect(tried).toMatchObject({ code: 1, out: '' });
    expect(tried.err).toBe('error INTERRUPTED: Checking was interrupted; nothing was changed.\n');
    const restored = await run(['restore', file, '--data', other], { signal });
    expect(restored).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/ is no store: remove it/),
    });
  });

  it('refuses to restore into a folder in use, with a hint that restore can follow', async () => {
    const data = await dataWithStore();
    const file = join(data, 'graph.jgsnapshot');
    await run(['snapshot', file, '--data', data]);
    const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
    const refused = await run(['restore', file, '--data', data]);
    const asked = await run(['stats', '--data', data]);
    await store.close();
    expect(refused).toMatchObject({ code: 3, err: expect.stringMatching(/^error STORE_LOCKED: .*stop it/) });
    expect(refused.err).not.toContain('--url');
    expect(asked).toMatchObject({ code: 3, err: expect.stringMatching(/^error STORE_LOCKED: .*--url/) });
  });

  it('counts a damaged key apart in its figures, and points to verify', async () => {
    const data = await dataWithStore();
    const db = new ClassicLevel<Buffer, Buffer>(join(data, 'store'), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    await db.put(Buffer.from('g\x01cut off'), Buffer.of(0));
    await db.close();
    const stats = await run(['stats', '--data', data]);
    expect(stats).toMatchObject({ code: 0, err: '' });
    expect(stats.out).toContain('\n1 of them cannot be read: `jg store verify` names them\n');
    expect(JSON.parse((await run(['stats', '--data', data, '--json'])).out)).toMatchObject({
      rows: 101,
      unknownRows: 1,
    });
  });

  it('names rows at fault and fails, without a control character', async () => {
    const data = await dataWithStore();
    const db = new ClassicLevel<Buffer, Buffer>(join(data, 'store'), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    const [key = Buffer.alloc(0)] = await db.keys({ gt: Buffer.from('g'), limit: 1 }).all();
    await db.del(key);
    await db.close();
    const verified = await run(['verify', '--data', data]);
    expect(verified.code).toBe(1);
    expect(verified.out).toMatch(/^1 faults:\n.*Title.*is not there$/m);
    expect(verified.out).not.toContain('\x1b');
  });

  it('says that there is no store, and makes none', async () => {
    const data = await temporaryFolder();
    for (const command of [['verify'], ['stats'], ['snapshot', join(data, 'a')]]) {
      const missing = await run([...command, '--data', data]);
      expect(missing).toMatchObject({ code: 2, err: expect.stringMatching(/^error STORE_MISSING: /) });
    }
    expect(await readdir(data)).toEqual([]);
  });

  it('takes a server or a folder, not both', async () => {
    const both = await run(['verify', '--data', '.', '--url', 'http://127.0.0.1:1']);
    expect(both).toMatchObject({ code: 2, err: expect.stringMatching(/^error STORE_TARGET: /) });
  });
});

const main = join(import.meta.dirname, 'main.ts');
const accountQuery = '{ account(id: "acc-000001") { id journey(first: 100) { edges { node { time } } } } }';

function start(data: string, ...words: string[]): RunningCommand {
  const command = [main, 'up', '--port', '0', '--data', data, ...words];
  const running = new RunningCommand(process.execPath, command, tmpdir());
  onTestFinished(() => running.kill('SIGKILL'));
  return running;
}

async function urlOf(running: RunningCommand): Promise<string> {
  const [, url = ''] = await running.printed(/(http:\/\/127\.0\.0\.1:\d+)\/\n/);
  return url;
}

async function stopped(running: RunningCommand): Promise<void> {
  running.kill('SIGINT');
  expect(await running.exited).toEqual({ code: 0, signal: null });
}

interface Verdict {
  readonly digest: string;
  readonly faults: number;
  readonly sources: readonly {
    readonly source: { topic: string; partition: number };
    readonly next: string;
    readonly epoch: number;
  }[];
}

async function verdictOf(...target: string[]): Promise<Verdict> {
  const { code, out, err } = await run(['verify', '--json', ...target]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const verdict: Verdict = JSON.parse(out);
  return verdict;
}

const totalOf = ({ sources }: Verdict): number => sources.reduce((sum, { next }) => sum + Number(next), 0);

/** Of its topics, dead letters apart. */
async function recordsIn(data: string): Promise<number> {
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(data, 'log') });
  const topics = log.topics().filter(({ topic }) => !topic.endsWith('.dlq'));
  const ends = topics.flatMap(({ topic }) => log.ends(topic));
  await log.close();
  return ends.reduce((sum, { end }) => sum + Number(end), 0);
}

/** Runs a server on the folder until it has applied everything. */
async function readToEnd(
  data: string,
  records: number,
  meanwhile: ((url: string) => Promise<void>) | null = null,
): Promise<void> {
  const running = start(data, '--demo', 'off');
  const url = await urlOf(running);
  await expect.poll(async () => totalOf(await verdictOf('--url', url)), { timeout: 30_000 }).toBe(records);
  if (meanwhile !== null) await meanwhile(url);
  await stopped(running);
}

describe('jg store, of a running server', () => {
  it('takes a snapshot while events flow, from which another goes on without loss', async () => {
    const folder = await temporaryFolder();
    const [here, there, file] = [
      join(folder, 'here'),
      join(folder, 'there'),
      join(folder, 'graph.jgsnapshot'),
    ];
    const first = start(here, '--demo.events.per.second', '400');
    const url = await urlOf(first);
    await first.printed(/^[\d,]+ events\/s · /m);
    const taken = await run(['snapshot', file, '--url', url]);
    expect(taken).toMatchObject({ code: 0, err: '' });
    // The server has the folder; it says so and is asked instead.
    const locked = await run(['stats', '--data', here]);
    expect(locked).toMatchObject({ code: 3, err: expect.stringMatching(/^error STORE_LOCKED: .*--url/) });
    expect(await run(['stats', '--url', url])).toMatchObject({ code: 0, err: '' });
    const to = ['--to', join(folder, 'copy'), '--file', join(folder, 'between')];
    expect(await run(['copy', '--from', here, ...to])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error STORE_LOCKED: .*name its address/),
    });
    expect(await run(['copy', '--from', url, ...to])).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^Copied http:.* and read it back: [\d,]+ rows, digest [0-9a-f]{16}\.\n/),
    });
    const during = await verdictOf('--url', url);
    await stopped(first);
    // Its demo has written more than it had applied.
    await cp(join(here, 'log'), join(there, 'log'), { recursive: true });
    const written = await recordsIn(here);
    await readToEnd(here, written);
    const original = await verdictOf('--data', here);

    expect(await run(['restore', file, '--data', there])).toMatchObject({ code: 0, err: '' });
    const restored = await verdictOf('--data', there);
    expect(taken.out).toContain(restored.digest);
    expect(totalOf(during)).toBeGreaterThanOrEqual(totalOf(restored));
    // The snapshot was taken while events were being applied, not behind them all.
    expect(totalOf(original)).toBeGreaterThan(totalOf(restored));

    await readToEnd(there, written, async (url) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: accountQuery }),
      });
      const answer: { data: { account: { journey: { edges: unknown[] } } } } = JSON.parse(
        await response.text(),
      );
      expect(answer.data.account.journey.edges.length).toBeGreaterThanOrEqual(10);
    });
    const caughtUp = await verdictOf('--data', there);
    expect(caughtUp.digest).toBe(original.digest);
    for (const { source, next, epoch } of original.sources) {
      const same = caughtUp.sources.find(
        (one) => one.source.topic === source.topic && one.source.partition === source.partition,
      );
      expect(same).toMatchObject({ next, epoch });
    }
  }, 90_000);

  it('says what is wrong with a server that cannot be asked', async () => {
    const folder = await temporaryFolder();
    const dead = await run(['snapshot', join(folder, 'a'), '--url', 'http://127.0.0.1:1']);
    expect(dead).toMatchObject({ code: 1, err: expect.stringMatching(/^error SERVER_UNREACHABLE: /) });
    expect(await readdir(folder)).toEqual([]);
    const guarded = start(join(folder, 'data'), '--demo', 'off', '--api.token', 'sesame-sesame-sesame');
    const url = await urlOf(guarded);
    const stranger = await run(['verify', '--url', url]);
    expect(stranger).toMatchObject({ code: 2, err: expect.stringMatching(/^error UNAUTHORIZED: /) });
    const friend = await run(['verify', '--url', url, '--token', 'sesame-sesame-sesame']);
    expect(friend).toMatchObject({ code: 0, out: expect.stringContaining('Nothing is wrong.') });
    await stopped(guarded);
  }, 60_000);
});
