import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { archiveEvents } from '../bench/backfill/archive-events.ts';
import { benchSchema, benchTopic, PlaybackEvents } from '../bench/ingest/playback-events.ts';
import { systemClock } from '../foundation/index.ts';
import { EventEncoder } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY|AWS)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const count = 4_000;
/** A busy machine takes its time. */
const patient = { timeout: 20_000 };

/** `jg up` in this process until it is stopped; gives its address. */
async function start(data: string, ...words: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const flags = ['--port', '0', '--demo', 'off', '--topics', benchTopic, '--log.level', 'error'];
  const ended = runProgram(['up', '--data', data, ...flags, ...words], io);
  const stop = async (): Promise<number> => {
    io.stop.abort();
    return await ended;
  };
  onTestFinished(async () => void (await stop()));
  await expect.poll(() => io.written.out, patient).toMatch(/http:\/\/127\.0\.0\.1:\d+\/\n/);
  const url = /(http:\/\/127\.0\.0\.1:\d+)\/\n/.exec(io.written.out)?.[1] ?? '';
  const jg = async (...commandLine: readonly string[]) => {
    const own = fakeIo({ clock: systemClock });
    const code = await runProgram(['backfill', ...commandLine, '--url', url], own);
    return { code, ...own.written };
  };
  return { url, jg, stop };
}

it('A replay goes on in the server without its client, is paused over a restart, and is counted apart from the topic', {
  timeout: 90_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'journey-graph-backfill-up-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const schema = await benchSchema();
  const events = new PlaybackEvents(new EventEncoder(schema.id, schema.text), 9);
  await archiveEvents(
    {
      ...{ folder: join(data, 'archive', 'journey_graph'), table: 'streaming_playback_stopped' },
      ...{ topic: benchTopic, schema, partitions: 2, rowsPerFile: 1_000, rowGroupRows: 500 },
    },
    count,
    (index) => events.next(Date.UTC(2026, 9, 1) + index),
  );
  const first = await start(data, '--backfill.rows.per.second', '2000');
  // The table is where the settings say that the archive is.
  const started = await first.jg('run', '--topic', benchTopic, '--no-dry-run', '--detach', '--json');
  expect(started).toMatchObject({ code: 0, err: '' });
  const { id } = JSON.parse(started.out).plan;
  await expect
    .poll(async () => JSON.parse((await first.jg('status', id, '--json')).out).progress.rowsDone, patient)
    .toBeGreaterThan(0);
  const paused = JSON.parse((await first.jg('pause', id, '--json')).out).progress;
  expect(paused).toMatchObject({ state: 'paused', rowsTotal: count });
  expect(await first.stop()).toBe(0);

  const second = await start(data);
  await expect
    .poll(async () => (await second.jg('status')).out, patient)
    .toMatch(new RegExp(`^${id} .* paused `, 'm'));
  expect((await second.jg('resume', id)).code).toBe(0);
  const followed = await second.jg('status', id, '--follow', '--json');
  expect(followed.code).toBe(0);
  const lines = followed.out.trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    state: 'done',
    rowsDone: count,
    fates: { consumed: count, applied: count },
  });

  const query = '{ status { topics { partition consumed } backfills { backfill partition consumed } } }';
  const response = await fetch(`${second.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data: answer } = JSON.parse(await response.text());
  expect(answer.status.backfills).toEqual([
    { backfill: id, partition: 0, consumed: count / 2 },
    { backfill: id, partition: 1, consumed: count / 2 },
  ]);
  const consumed = answer.status.topics.map((topic: { consumed: number }) => topic.consumed);
  expect(consumed).toEqual([0, 0]);
  const refused = await second.jg('run', '--topic', 'nobody.archived', '--no-dry-run');
  expect([refused.code, refused.err]).toEqual([
    3,
    expect.stringMatching(/^error SERVER_REFUSED: .*TABLE_MISSING/),
  ]);
});
