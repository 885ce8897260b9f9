import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Binary, Int64, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { streams } from 'avsc';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { archiveEvents } from '../bench/backfill/archive-events.ts';
import { type BenchEvent, benchSchema, benchTopic, PlaybackEvents } from '../bench/ingest/playback-events.ts';
import { systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { AvroSchema, EventEncoder } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY|AWS)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const startMs = Date.UTC(2026, 9, 1);
const count = 600;
const frameBytes = 5;

interface History {
  readonly folder: string;
  readonly schema: { readonly id: number; readonly text: string };
  readonly events: readonly BenchEvent[];
}

async function history(): Promise<History> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-formats-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const schema = await benchSchema();
  const made = new PlaybackEvents(new EventEncoder(schema.id, schema.text), 5);
  const events = Array.from({ length: count }, (_, index) => made.next(startMs + index * 1_000));
  return { folder, schema, events };
}

async function asTable({ folder, schema, events }: History): Promise<string> {
  const target = { folder, table: 'plays', topic: benchTopic, schema };
  const at = (index: number): BenchEvent => {
    const event = events[index];
    if (event === undefined) throw new Error('there is no such event');
    return event;
  };
  await archiveEvents({ ...target, partitions: 3, rowsPerFile: 90, rowGroupRows: 40 }, count, at);
  return join(folder, 'plays');
}

/** Events alone, as another tool would dump them: the file's schema is a plain one, without the mapping and without an id. */
async function asContainers({ folder, schema, events }: History): Promise<string> {
  const path = join(folder, 'containers');
  await mkdir(path);
  const { type } = new AvroSchema(schema.text);
  for (const half of [0, 1]) {
    const encoder = new streams.BlockEncoder(type, { codec: 'deflate' });
    const chunks: Buffer[] = [];
    encoder.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(encoder, 'end');
    for (const { value } of events.slice((half * count) / 2, ((half + 1) * count) / 2))
      encoder.write(type.fromBuffer(value.subarray(frameBytes)));
    encoder.end();
    await ended;
    await writeFile(join(path, `part-${half}.avro`), Buffer.concat(chunks));
  }
  return path;
}

async function asArrow({ folder, events }: History): Promise<string> {
  const table = new Table({
    offset: vectorFromArray(
      events.map((_, index) => BigInt(index * 2)),
      new Int64(),
    ),
    key: vectorFromArray(
      events.map(({ key }) => new Uint8Array(key)),
      new Binary(),
    ),
    value: vectorFromArray(
      events.map(({ value }) => new Uint8Array(value)),
      new Binary(),
    ),
  });
  const path = join(folder, 'plays.arrow');
  await writeFile(path, tableToIPC(table, 'stream'));
  return path;
}

async function digestAfter(folder: string, name: string, ...words: readonly string[]) {
  const data = join(folder, `data-${name}`);
  await mkdir(data);
  const io = fakeIo({ clock: systemClock });
  const common = ['backfill', 'run', '--topic', benchTopic, '--topics', benchTopic, '--data', data];
  const code = await runProgram([...common, '--no-dry-run', '--json', ...words], io);
  expect([code, io.written.err]).toEqual([0, '']);
  const { progress } = JSON.parse(io.written.out);
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  try {
    return { applied: progress.fates.applied, outside: progress.outside, digest: (await store.digest()).hex };
  } finally {
    await store.close();
  }
}

it('A table, Avro containers and an Arrow stream of the same events leave the same graph', {
  timeout: 90_000,
}, async () => {
  const all = await history();
  const { folder } = all;
  const table = await digestAfter(folder, 'table', '--path', await asTable(all));
  expect(table.applied).toBe(count);
  const containers = await asContainers(all);
  for (const [name, source, path] of [
    ['avro', 'avro', containers],
    ['arrow', 'arrow', await asArrow(all)],
  ] as const) {
    const other = await digestAfter(folder, name, '--source', source, '--path', path);
    expect({ name, ...other }).toEqual({ name, applied: count, outside: 0, digest: table.digest });
  }
});

it('Values of a container, which have no time, are wanted by that of their events', {
  timeout: 90_000,
}, async () => {
  const all = await history();
  const from = new Date(startMs + 200_000).toISOString();
  const until = new Date(startMs + 500_000).toISOString();
  const range = ['--from', from, '--until', until];
  const table = await digestAfter(all.folder, 'table', '--path', await asTable(all), ...range);
  const path = await asContainers(all);
  const avro = await digestAfter(all.folder, 'avro', '--source', 'avro', '--path', path, ...range);
  expect([table.applied, avro.applied]).toEqual([300, 300]);
  expect(avro.digest).toBe(table.digest);
});
