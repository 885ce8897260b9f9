import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { archiveEvents } from '../bench/backfill/archive-events.ts';
import { benchSchema, benchTopic, PlaybackEvents } from '../bench/ingest/playback-events.ts';
import { systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { EventEncoder } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY|AWS)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const startMs = Date.UTC(2026, 10, 1, 23, 59, 59);

async function run(...commandLine: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  // One topic: each of an embedded log's is a file that is made and synced.
  const data = commandLine.includes('--data') ? ['--topics', benchTopic] : [];
  const code = await runProgram(['backfill', ...commandLine, ...data], io);
  return { code, ...io.written };
}

/** A data folder without a graph, and a table of 3,000 events that end a day and begin the next. */
async function dataAndArchive(): Promise<{ readonly data: string; readonly path: string }> {
  const data = await mkdtemp(join(tmpdir(), 'journey-graph-backfill-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const schema = await benchSchema();
  const events = new PlaybackEvents(new EventEncoder(schema.id, schema.text), 3);
  const target = { folder: join(data, 'tables'), table: 'plays', topic: benchTopic, schema };
  await archiveEvents({ ...target, partitions: 2, rowsPerFile: 700, rowGroupRows: 200 }, 3_000, (index) =>
    events.next(startMs + index),
  );
  return { data, path: join(data, 'tables', 'plays') };
}

describe('jg backfill, in a folder', { timeout: 90_000 }, () => {
  it('plans, applies what was planned, and does not apply it again', async () => {
    const { data, path } = await dataAndArchive();
    const archive = ['--data', data, '--topic', benchTopic, '--path', path];
    const planned = await run('plan', ...archive);
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(planned.out).toMatch(/^rows +3,000 in 8 files, /m);
    const id = /^plan +([0-9a-f]{32})$/m.exec(planned.out)?.[1] ?? '';
    expect(planned.out).toContain(`Nothing was changed; \`jg backfill run ${id}\` applies it.`);

    const dry = await run('run', ...archive, '--json');
    expect(dry.code).toBe(0);
    expect(JSON.parse(dry.out)).toMatchObject({ plan: { id, rows: 3_000 }, progress: null });
    expect((await run('status', '--data', data)).out).toMatch(new RegExp(`^${id} .* planned +0\\.0 % `, 'm'));

    const done = await run('run', id, '--data', data, '--json');
    expect(done).toMatchObject({ code: 0, err: '' });
    const { progress } = JSON.parse(done.out);
    expect(progress).toMatchObject({
      state: 'done',
      rowsDone: 3_000,
      fates: { applied: 3_000, deadLettered: 0 },
    });
    const again = await run('run', ...archive, '--no-dry-run', '--quiet');
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toMatch(/^state +done$/m);

    const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
    const sources = await store.sources();
    await store.close();
    expect(sources.map(({ source, next }) => [source.topicId, next])).toEqual([
      [`backfill:${id}`, 1_500n],
      [`backfill:${id}`, 1_500n],
    ]);
  });

  it('goes by time and partition, and counts what lies outside', async () => {
    const { data, path } = await dataAndArchive();
    const archive = ['--data', data, '--topic', benchTopic, '--path', path, '--json', '--no-dry-run'];
    const until = await run('run', ...archive, '--until', '2026-11-02T00:00:00Z', '--partition', '1');
    expect(until.code).toBe(0);
    const { plan, progress } = JSON.parse(until.out);
    // A second of events lies before midnight, half of them in each partition; whole files are left out by their day.
    expect(plan).toMatchObject({ rows: 500, until: '2026-11-02T00:00:00.000Z' });
    expect(progress).toMatchObject({ state: 'done', outside: 0, fates: { applied: 500 } });
    const from = await run('run', ...archive, '--from', '2026-11-02T00:00:01.500Z');
    expect(JSON.parse(from.out).progress).toMatchObject({ state: 'done', fates: { applied: 500 } });
    expect(JSON.parse(from.out).progress.outside).toBeGreaterThan(0);
  });

  it('names a damaged file and its row group, applies nothing of it, and goes on once it is mended', async () => {
    const { data, path } = await dataAndArchive();
    const archive = ['--data', data, '--topic', benchTopic, '--path', path];
    const { plan } = JSON.parse((await run('run', ...archive, '--json')).out);
    const shown = await damage(path);
    const failed = await run('run', plan.id, '--data', data);
    expect(failed.code).toBe(3);
    expect(failed.out).toContain(shown.name);
    expect(failed.out).toMatch(/PARQUET_DAMAGED .*row group/);
    await shown.mend();
    const done = await run('resume', plan.id, '--data', data, '--json');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out).progress).toMatchObject({
      state: 'done',
      fates: { consumed: 3_000, applied: 3_000 },
    });
  });

  it('refuses what it cannot do in one sentence', async () => {
    const { data, path } = await dataAndArchive();
    const archive = ['--data', data, '--topic', benchTopic, '--path', path];
    for (const [words, code] of [
      [['plan', '--data', data], 'UNEXPECTED_ARGUMENT'],
      [['plan', '--data', data, '--topic', 't', '--from', 'soon'], 'UNEXPECTED_ARGUMENT'],
      [['plan', '--data', data, '--topic', 't', '--partition', 'x'], 'UNEXPECTED_ARGUMENT'],
      [['run', 'x'.repeat(32), '--data', data], 'BACKFILL_UNKNOWN'],
      [['plan', '--data', join(data, 'none'), '--topic', 't'], 'STORE_MISSING'],
      [['plan', '--data', data, '--url', 'http://127.0.0.1:1', '--topic', 't'], 'STORE_TARGET'],
      [['plan', '--data', data, '--topic', 't', '--source', 'avro'], 'BACKFILL_PATH_INVALID'],
      [['plan', ...archive, '--into', '../x'], 'GRAPH_NAME_INVALID'],
      [['run', ...archive, '--into', 'main', '--no-dry-run'], 'GRAPH_IN_FORCE'],
    ] as const) {
      const { code: exit, err } = await run(...words);
      expect([exit, err]).toEqual([2, expect.stringMatching(new RegExp(`^error ${code}: `))]);
    }
    const none = await run('plan', '--data', data, '--topic', 'other', '--path', join(data, 'tables', 'no'));
    expect([none.code, none.err]).toEqual([3, expect.stringMatching(/^error TABLE_MISSING: /)]);
    const away = await run('status', '--url', 'http://127.0.0.1:1');
    expect([away.code, away.err]).toEqual([1, expect.stringMatching(/^error SERVER_UNREACHABLE: /)]);
  });
});

/** Changes bits in the first of its row groups. */
async function damage(path: string): Promise<{ readonly name: string; mend(): Promise<void> }> {
  const [day = ''] = await readdir(join(path, 'data'));
  const [name = ''] = (await readdir(join(path, 'data', day))).sort();
  const file = join(path, 'data', day, name);
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  for (let at = 64; at < whole.length / 5; at += 97) changed[at] = (changed[at] ?? 0) ^ 0x10;
  await writeFile(file, changed);
  return { name, mend: () => writeFile(file, whole) };
}
