import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { systemClock } from '../foundation/index.ts';
import { createMutationBatch, openLevelStore } from '../graph-store/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { GraphFolders } from './graph-folders.ts';
import { runProgram } from './program.ts';
import { ProgressLine } from './progress-line.ts';
import { checkCopy } from './store-copy.ts';
import { readPlace } from './store-place.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY|NEO4J)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const rowsInAll = 3000;

async function run(commandLine: readonly string[], io = fakeIo()) {
  const code = await runProgram(['store', 'copy', ...commandLine], io);
  return { code, ...io.written };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-copy-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function dataWithStore(data: string): Promise<string> {
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 };
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  for (let i = 0; i < rowsInAll; i += 1) {
    const [from, to] = [
      { type: 'Account', id: String(i % 7) },
      { type: 'Title', id: String(i) },
    ];
    const event = { timeMs: 1_700_000_000_000 + i, occurrence: BigInt(i), rank: 0 };
    batch.add({ ...event, mutations: [{ kind: 'edge', type: 'WATCHED', from, to, properties: [] }] });
  }
  const fates = {
    consumed: rowsInAll,
    applied: rowsInAll,
    superseded: 0,
    filtered: 0,
    deadLettered: 0,
  };
  const next = BigInt(rowsInAll);
  await store.apply({ source, epoch, from: 0n, next, fates, newestEventMs: 1 }, batch);
  const { hex } = await store.digest();
  await store.close();
  return hex;
}

describe('jg store copy', () => {
  it('makes a store with the same graph and positions, and leaves no file behind', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    const digest = await dataWithStore(from);
    const file = join(folder, 'between.jgsnapshot');
    const copied = await run(['--from', from, '--to', to, '--file', file, '--json']);
    expect(copied).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(copied.out)).toMatchObject({ rows: rowsInAll, digest, resumed: false, file: null });
    expect(JSON.parse(copied.out).sources).toMatchObject([{ next: String(rowsInAll), epoch: 1 }]);
    expect((await readdir(folder)).sort()).toEqual(['from', 'to']);
    const store = await openLevelStore({ folder: join(to, 'store') }, systemClock);
    expect((await store.digest()).hex).toBe(digest);
    await store.close();
    // Of another moment, hence another one, though nothing was written since.
    const later = fakeIo({ clock: { ...systemClock, now: () => Date.UTC(2026, 10, 22) } });
    const again = await run(['--from', from, '--to', to, '--file', file], later);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('error STORE_NOT_EMPTY: ') });
  });

  it('goes on with the snapshot that a failed copy left', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    const digest = await dataWithStore(from);
    const file = join(folder, 'between.jgsnapshot');
    const words = ['--from', from, '--to', to, '--file', file];
    await writeFile(to, 'a file where the folder should be');
    expect(await run(words)).toMatchObject({
      code: 1,
      err: expect.stringContaining('error DATA_FOLDER_UNUSABLE: '),
    });
    expect(existsSync(file)).toBe(true);
    await rm(to);
    expect((await run([...words, '--dry-run'])).out).toMatch(
      /^1\. the snapshot .* that an earlier copy left/,
    );
    await rm(from, { recursive: true });
    const copied = await run(words);
    expect(copied.code).toBe(0);
    expect(copied.err).toMatch(
      /^Going on with .*between\.jgsnapshot, in which an earlier copy put .*from as it was at \d{4}-/,
    );
    expect(copied.out).toContain(`digest ${digest}`);
    expect(existsSync(file)).toBe(false);
  });

  it('refuses a folder whose live graph is another one than the first, and leaves that as it was', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    await dataWithStore(from);
    const digest = await dataWithStore(to);
    const folders = new GraphFolders(to);
    await mkdir(join(to, 'graphs'));
    await rename(folders.folderOf('main'), folders.folderOf('rebuilt'));
    await folders.point({ live: 'rebuilt', previous: null });
    const words = ['--from', from, '--to', to, '--file', join(folder, 'between.jgsnapshot')];
    const planned = await run([...words, '--dry-run', '--json']);
    expect(JSON.parse(planned.out)).toMatchObject({ targetHasStore: true });
    expect(await run(words)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^error STORE_NOT_EMPTY: .*graphs\/rebuilt already/),
    });
    expect(await folders.names()).toEqual(['rebuilt']);
    const store = await openLevelStore({ folder: folders.folderOf('rebuilt') }, systemClock);
    expect((await store.digest()).hex).toBe(digest);
    await store.close();
  });

  it('brings a live graph that is missing back to where it was', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    const digest = await dataWithStore(from);
    const folders = new GraphFolders(to);
    await mkdir(to);
    await folders.point({ live: 'rebuilt', previous: null });
    const copied = await run(['--from', from, '--to', to, '--file', join(folder, 'between'), '--json']);
    expect(copied).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(copied.out)).toMatchObject({ digest });
    expect(await folders.names()).toEqual(['rebuilt']);
  });

  it('goes on with reading back when it was interrupted there, until somebody writes into the copy', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    const digest = await dataWithStore(from);
    const file = join(folder, 'between.jgsnapshot');
    const words = ['--from', from, '--to', to, '--file', file];
    let nowMs = Date.UTC(2026, 10, 21);
    const stop = new AbortController();
    const interrupted = fakeIo({
      // As late as the progress line wants it, so that it says each step.
      clock: { ...systemClock, now: () => (nowMs += 1000) },
      errIsTerminal: true,
      signal: stop.signal,
      err: (text) => {
        if (text.includes('Reading it back')) stop.abort();
        interrupted.written.err += text;
      },
    });
    expect(await run(words, interrupted)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Reading it back: .*error INTERRUPTED: .*the same command goes on/s),
    });
    const copied = await run([...words, '--keep-file', '--json']);
    expect(copied).toMatchObject({ code: 0, err: expect.stringMatching(/^Going on with /) });
    expect(JSON.parse(copied.out)).toMatchObject({ digest, resumed: true });

    const store = await openLevelStore({ folder: join(to, 'store') }, systemClock);
    await store.claim({ cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 });
    await store.close();
    expect(await run(words)).toMatchObject({ code: 2, err: expect.stringContaining('STORE_NOT_EMPTY') });
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    const folder = await temporaryFolder();
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    await dataWithStore(from);
    const planned = await run(['--from', from, '--to', to, '--dry-run']);
    expect(planned.code).toBe(0);
    expect(planned.out).toMatch(
      /^1\. a snapshot of .*from into journey-graph-copy-[0-9a-f]{12}\.jgsnapshot\n2\. /,
    );
    expect(await readdir(folder)).toEqual(['from']);
  });

  it.each(['neo4j', 'cassandra'])('says in its help how a graph gets to %s', async (store) => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    expect(out).toContain(`--to ${store} --${store}.`);
  });

  it('says by name that what is in the target is not what was copied', async () => {
    const folder = await temporaryFolder();
    const digest = await dataWithStore(folder);
    const { settings } = loadSettings({ flags: {}, environment: {}, files: [] });
    const check = (wanted: string): Promise<void> => {
      const io = fakeIo();
      const copied = { rows: rowsInAll, digest: wanted };
      return checkCopy(readPlace(folder), copied, settings, io, new ProgressLine(io, true));
    };
    await check(digest);
    await expect(check('0123456789abcdef')).rejects.toMatchObject({
      code: 'STORE_COPY_DIFFERS',
      message: expect.stringContaining(`digest ${digest} of 3000 rows instead of 0123456789abcdef`),
    });
  });

  it.each([
    ['one place', ['--from', './data'], 'STORE_COPY_PLACES'],
    ['the same place twice', ['--from', './data', '--to', './data'], 'STORE_COPY_PLACES'],
    [
      'a running server as the target',
      ['--from', './data', '--to', 'http://127.0.0.1:4000'],
      'STORE_COPY_TARGET',
    ],
    ['a shared store without its address', ['--from', './data', '--to', 'neo4j'], 'INVALID_SETTINGS'],
    ['a folder without a store', ['--from', './nowhere-at-all', '--to', './other'], 'STORE_MISSING'],
  ])('refuses %s', async (_name, words, code) => {
    expect(await run(words)).toMatchObject({ code: 2, err: expect.stringContaining(`error ${code}: `) });
  });
});
