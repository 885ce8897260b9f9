import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../ingest/index.ts';
import { AvroSchema, BundledRegistry, EventEncoder, fixtureEvents, loadCatalog } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const topic = 'streaming.playback';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(JG|AWS)_/.test(name)) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** A data folder whose log has some real events. */
async function dataFolder(): Promise<{ readonly data: string; readonly rows: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-archive-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const log = await openEmbeddedLog({
    ...defaultEmbeddedLogSettings,
    folder: join(folder, 'log'),
  });
  const found = await BundledRegistry.of(await loadCatalog()).latest(`${topic}-value`);
  const { id, text } = must(found, 'the catalog has it').schema;
  const encoder = new EventEncoder(id, text);
  const { events } = fixtureEvents(new AvroSchema(text), { seed: 1, hints: new Map() });
  await log.createTopic(topic, 2);
  for (const partition of [0, 1])
    await log.append(
      topic,
      partition,
      events.map((event, at) => ({
        timestampMs: Date.UTC(2026, 9, 1) + at,
        key: null,
        value: encoder.encode(event),
        headers: null,
      })),
    );
  await log.close();
  return { data: folder, rows: 2 * events.length };
}

async function jg(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['archive', ...args], io);
  return { code, ...io.written };
}

describe('jg archive', () => {
  it('archives what a topic has, shows it beside the log, joins its files and lets old days go', async () => {
    const { data, rows } = await dataFolder();
    const of = ['--data', data, '--archive.topics', topic];
    const archived = await jg('run', '--once', '--json', '--quiet', ...of);
    expect(archived).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(archived.out)).toMatchObject([
      { topic, rows, undecoded: 0, state: { kind: 'finished' } },
    ]);
    const status = await jg('status', '--json', ...of);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(status.out)).toMatchObject([
      {
        ...{ topic, table: 'journey_graph/streaming_playback', rows, files: 2, leftOut: {} },
        days: { first: '2026-10-01', last: '2026-10-01' },
        log: { lagRecords: 0, lagMs: 0, roomMs: null, retention: { ms: null, bytes: 2 ** 30 } },
        archiveRetentionMs: null,
      },
    ]);
    const text = await jg('status', ...of);
    expect(text.out).toContain('nothing');
    expect(text.out).toContain('1,073.7 MB a partition  for ever');
    const compacted = await jg('compact', '--json', '--archive.compact.age.ms', '0', ...of);
    expect(JSON.parse(compacted.out)).toMatchObject([{ planned: { groups: 0 }, done: { conflicts: 0 } }]);
    const retention = ['--archive.retention', `${topic}=1d`];
    const dry = await jg('expire', '--dry-run', '--json', ...retention, ...of);
    expect(JSON.parse(dry.out)).toMatchObject([{ leaving: { files: 2, rows }, done: null }]);
    expect(await jg('expire', ...retention, ...of)).toMatchObject({ code: 0, err: '' });
    const after = await jg('status', '--json', ...retention, ...of);
    expect(JSON.parse(after.out)).toMatchObject([
      { rows: 0, files: 0, days: null, log: { lagRecords: 0 }, archiveRetentionMs: 86_400_000 },
    ]);
    // What left the table is not archived again.
    const again = await jg('run', '--once', '--json', '--quiet', ...of);
    expect(JSON.parse(again.out)).toMatchObject([{ rows: 0 }]);
  });

  it('runs until it is told to end, and looks after its tables meanwhile', async () => {
    const { data, rows } = await dataFolder();
    const io = fakeIo({ clock: systemClock });
    let isKept = (): void => undefined;
    const kept = new Promise<void>((resolve) => {
      isKept = resolve;
    });
    const err = (text: string): void => {
      if (text.includes('The archive was looked after.')) isKept();
    };
    const often = [
      '--archive.commit.ms',
      '100',
      '--archive.upkeep.ms',
      '50',
      '--archive.compact.age.ms',
      '0',
    ];
    const of = ['--data', data, '--archive.topics', topic, ...often];
    const running = runProgram(['archive', 'run', '--json', ...of], { ...io, err });
    await kept;
    io.stop.abort();
    expect(await running).toBe(0);
    expect(JSON.parse(io.written.out)).toMatchObject([{ topic, rows, state: { kind: 'finished' } }]);
  });

  it('names topics without an archive, and asks for topics where none is named', async () => {
    const { data } = await dataFolder();
    const status = await jg('status', '--data', data, '--archive.topics', topic);
    expect(status.err).toContain(`Not archived yet: ${topic}.`);
    const compact = await jg('compact', '--data', data);
    expect(compact).toMatchObject({ code: 2, out: '' });
    expect(compact.err).toContain('ARCHIVE_TOPICS_MISSING');
  });

  it.each([
    [['--archive.warehouse', 'gs://bucket'], 'takes a folder or `s3://bucket/prefix`'],
    [['--archive.warehouse', 's3://bucket/archive'], 'must be set when `archive.warehouse` is a bucket'],
    [['--archive.namespace', 'a b'], 'takes 1 to 64 letters'],
    [['--archive.retention', 'plays=soon'], 'takes one for each topic'],
    [
      ['--archive.catalog.url', 'http://catalog.example', '--archive.catalog.token', 'hunter2'],
      'must be https',
    ],
  ])('refuses %j', async (flags, problem) => {
    const { code, err } = await jg('status', ...flags);
    expect(code).toBe(2);
    expect(err).toContain(problem);
    expect(err).not.toContain('hunter2');
  });

  it('has help with examples for each of its commands', async () => {
    for (const words of [['--help'], ['run', '--help'], ['status', '--help'], ['expire', '--help']]) {
      const { code, out } = await jg(...words);
      expect(code).toBe(0);
      expect(out).toContain('Examples:');
    }
  });
});
