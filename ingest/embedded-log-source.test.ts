import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BadDataError, OutageError, systemClock } from '../foundation/index.ts';
import {
  type Advance,
  createMemoryStore,
  createMutationBatch,
  type GraphStore,
  openLevelStore,
} from '../graph-store/index.ts';
import { defaultEmbeddedLogSettings, type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts';
import { EmbeddedLogDeadLetters } from './embedded-log-dead-letters.ts';
import type { LogRecord } from './embedded-log-format.ts';
import { EmbeddedLogSource } from './embedded-log-source.ts';
import { Pipeline, type PipelineLimits } from './pipeline.ts';
import {
  eventOf,
  fakeProcessor,
  type Kind,
  limits,
  partsWith,
  recordOf,
  storeOver,
  zeroFates,
} from './pipeline-testing.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (retentionBytesMax = 2 ** 30): Promise<EmbeddedLog> =>
  openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(folder, 'log'), retentionBytesMax });

function recordsOf(kind: Kind, from: number, count: number): readonly LogRecord[] {
  return Array.from({ length: count }, (_, i) => recordOf(kind, from + i, 0n));
}

/** Runs a pipeline over the log; `until` looks at it after each apply and each line of its log, and ends it with true. */
async function run(
  log: EmbeddedLog,
  store: GraphStore,
  until: (pipeline: Pipeline, lines: readonly string[]) => boolean,
  own: Partial<PipelineLimits> = {},
): Promise<readonly string[]> {
  const ending = new AbortController();
  const lines: string[] = [];
  const look = (): void => {
    if (until(pipeline, lines)) ending.abort();
  };
  const say = (_: object, message: string): void => {
    lines.push(message);
    look();
  };
  const settings = { topic: 'views', readBytesMax: 200, retry: { baseMs: 1, maxMs: 5 } };
  const pipeline: Pipeline = new Pipeline(
    partsWith({
      source: new EmbeddedLogSource(log, settings, systemClock, () => 0),
      store,
      processor: fakeProcessor(0),
      deadLetters: new EmbeddedLogDeadLetters(log),
      clock: systemClock,
      log: { debug: say, info: say, warn: say, error: say },
      freshness: { recordFreshness: look },
    }),
    { ...limits, retry: { baseMs: 1, maxMs: 5 }, ...own },
  );
  await pipeline.run(ending.signal);
  return lines;
}

const consumed = (count: number) => (pipeline: Pipeline) =>
  pipeline.status().fatesSinceStart.consumed >= count;

async function positioned(store: GraphStore, log: EmbeddedLog, next: bigint): Promise<void> {
  const source = {
    cluster: log.cluster,
    topic: 'views',
    topicId: log.topics()[0]?.topicId ?? '',
    partition: 0,
  };
  const { epoch } = await store.claim(source);
  const advance: Advance = { source, epoch, from: 0n, next, fates: zeroFates, newestEventMs: 0 };
  await store.apply(advance, createMutationBatch());
}

describe('the embedded log as a source', () => {
  it('goes on in the embedded store where the process before stopped, to an equal graph', async () => {
    const log = await open();
    await log.createTopic('views', 2);
    const open2 = (name: string): Promise<GraphStore> =>
      openLevelStore({ folder: join(folder, name) }, systemClock);
    await log.append('views', 0, recordsOf('good', 0, 30));
    await log.append('views', 1, recordsOf('good', 20, 30));
    const first = await open2('store');
    await run(log, first, consumed(20));
    const stored = (await first.sources()).reduce((sum, { fates }) => sum + fates.consumed, 0);
    expect(stored).toBeGreaterThanOrEqual(20);
    await first.close();
    await log.append('views', 0, recordsOf('good', 60, 7));
    const second = await open2('store');
    await run(log, second, consumed(67 - stored));
    const rows = await second.sources();
    expect(rows.map(({ next, epoch }) => ({ next, epoch }))).toEqual([
      { next: 37n, epoch: 2 },
      { next: 30n, epoch: 2 },
    ]);
    expect(rows.reduce((sum, { fates }) => sum + fates.consumed, 0)).toBe(67);
    const digest = (await second.digest()).hex;
    await second.close();
    const oracle = createMemoryStore(systemClock);
    const mutations = createMutationBatch();
    for (let id = 0; id < 50; id += 1) mutations.add(eventOf(id, `a${id % 5}`));
    for (let id = 60; id < 67; id += 1) mutations.add(eventOf(id, `a${id % 5}`));
    const source = { cluster: '', topic: '', topicId: '', partition: 0 };
    const { epoch } = await oracle.claim(source);
    await oracle.apply({ source, epoch, from: 0n, next: 1n, fates: zeroFates, newestEventMs: 0 }, mutations);
    expect(digest).toBe((await oracle.digest()).hex);
    await log.close();
  });

  it('raises the alarm for records that retention took before they were applied', async () => {
    const log = await open(1);
    await log.createTopic('views', 1);
    const store = createMemoryStore(systemClock);
    await log.append('views', 0, recordsOf('good', 0, 3));
    await run(log, store, consumed(3));
    await log.append('views', 0, recordsOf('good', 3, 3));
    await log.append('views', 0, recordsOf('good', 6, 3));
    await expect(run(log, store, () => false)).rejects.toMatchObject({
      code: 'LOG_GAP',
      context: { topic: 'views', partition: 0, offset: 3n },
    });
    const lines = await run(log, store, consumed(3), { onGap: 'skip' });
    expect(lines).toContain('Records 3 to 5 of partition 0 of topic views are gone from the log.');
    expect((await store.sources())[0]).toMatchObject({ next: 9n, fates: { consumed: 6 } });
    await log.close();
  });

  it('raises the alarm for a position beyond the end of the log', async () => {
    const log = await open();
    await log.createTopic('views', 1);
    await log.append('views', 0, recordsOf('good', 0, 3));
    const store = createMemoryStore(systemClock);
    await positioned(store, log, 8n);
    await expect(run(log, store, () => false)).rejects.toMatchObject({
      code: 'LOG_TRUNCATED',
      context: { topic: 'views', partition: 0, offset: 8n },
    });
    await log.close();
  });

  it('notices a topic recreated while it waits for records, and reads the new one from its beginning', async () => {
    const log = await open();
    await log.createTopic('views', 1);
    await log.append('views', 0, recordsOf('good', 0, 5));
    const store = createMemoryStore(systemClock);
    let recreating: Promise<unknown> | null = null;
    const lines = await run(log, store, (pipeline) => {
      recreating ??= (async () => {
        await log.deleteTopic('views');
        await log.createTopic('views', 2);
        await log.append('views', 0, recordsOf('good', 100, 2));
      })();
      return pipeline.status().partitions.some((one) => one.source.topicId !== '' && one.position === 2n);
    });
    await recreating;
    expect(lines).toContain(
      "Topic views was recreated: partition 0 is read from the new topic's own position.",
    );
    const [topic] = log.topics();
    const row = (await store.sources()).find(
      ({ source }) => source.topicId === topic?.topicId && source.partition === 0,
    );
    expect(row).toMatchObject({ next: 2n, fates: { consumed: 2 } });
    await log.close();
  });

  it('reads nothing of a topic recreated behind its back at the position of the old one', async () => {
    const log = await open();
    const { topicId } = await log.createTopic('views', 1);
    await log.append('views', 0, recordsOf('good', 0, 2));
    const ending = new AbortController();
    const handed: unknown[] = [];
    const settings = { topic: 'views', readBytesMax: 1_000_000, retry: { baseMs: 1, maxMs: 5 } };
    const source = new EmbeddedLogSource(log, settings, systemClock, () => 0);
    const calls: string[] = [];
    await source.run(
      {
        assigned: async (one) => {
          calls.push(one.topicId === topicId ? 'assigned old' : 'assigned new');
          return null;
        },
        revoked: (one) => void calls.push(one.topicId === topicId ? 'revoked old' : 'revoked new'),
        batch: async ({ records, from }) => {
          handed.push([from, records.map(({ value }) => JSON.parse(String(value)).id)]);
          if (handed.length === 2) {
            ending.abort();
            return;
          }
          await log.deleteTopic('views');
          await log.createTopic('views', 1);
          await log.append('views', 0, recordsOf('good', 10, 4));
        },
        gap: () => 'stop',
        outage: () => undefined,
      },
      ending.signal,
    );
    expect(handed).toEqual([
      [0n, [0, 1]],
      [0n, [10, 11, 12, 13]],
    ]);
    expect(calls).toEqual(['assigned old', 'revoked old', 'assigned new', 'revoked new']);
    await log.close();
  });

  it('waits for a topic that is missing and says so', async () => {
    const log = await open();
    const store = createMemoryStore(systemClock);
    let creating: Promise<unknown> | null = null;
    const lines = await run(log, store, (pipeline, said) => {
      if (said.length > 0) {
        creating ??= log.createTopic('views', 1).then(() => log.append('views', 0, recordsOf('good', 0, 2)));
      }
      return consumed(2)(pipeline);
    });
    await creating;
    expect(lines).toEqual([
      'Paused: The log has no topic views. It is waited for; create it, or check its name.',
      'Resumed.',
    ]);
    await log.close();
  });

  it('claims again when an apply fails at the end of the log, where no further batch comes', async () => {
    const log = await open();
    await log.createTopic('views', 1);
    await log.append('views', 0, recordsOf('good', 0, 2));
    const memory = createMemoryStore(systemClock);
    let failures = 2;
    const store = storeOver(memory, {
      claim: (one) => memory.claim(one),
      apply: async (advance, mutations) => {
        await new Promise((resolve) => setImmediate(resolve));
        failures -= 1;
        if (failures >= 0) throw new OutageError('DOWN', 'the store is down');
        return await memory.apply(advance, mutations);
      },
    });
    await run(log, store, consumed(2));
    expect((await memory.sources())[0]).toMatchObject({ next: 2n, epoch: 3, fates: { consumed: 2 } });
    await log.close();
  });
});

describe('dead letters in the embedded log', () => {
  it('keep key, bytes, timestamp and headers, and say where they came from and why', async () => {
    const log = await open();
    await log.createTopic('views', 3);
    const record = {
      offset: 41n,
      timestampMs: 1_700_000_000_123,
      key: Buffer.from('member-1'),
      value: Buffer.from([0, 255, 1, 128]),
      headers: [
        { key: 'trace', value: Buffer.from([7]) },
        { key: 'trace', value: null },
        { key: '__connect.errors.offset', value: Buffer.from('3') },
      ],
    };
    const error = new BadDataError('AVRO_TRUNCATED', 'the secret text ended early', {
      context: { subject: 'views-value', schemaId: 7, path: 'device.kind' },
    });
    const source = { cluster: log.cluster, topic: 'views', topicId: 'id', partition: 2 };
    const letters = new EmbeddedLogDeadLetters(log);
    const tombstone = { ...record, offset: 42n, key: null, value: null, headers: null };
    await letters.write([
      { source, record, error, stage: 'decode' },
      { source, record: tombstone, error, stage: 'framing' },
    ]);
    expect(log.topics().find(({ topic }) => topic === 'views.dlq')?.partitions).toBe(3);
    const { records } = await log.read('views.dlq', 2, 0n, 100_000);
    const [first, second] = records;
    expect(first).toMatchObject({ timestampMs: 1_700_000_000_123, key: record.key, value: record.value });
    expect(first?.headers?.slice(0, 3)).toEqual(record.headers);
    const ours = (first?.headers ?? []).slice(3).map(({ key, value }) => [key, String(value)] as const);
    const frames = new Map(ours).get('__connect.errors.exception.stacktrace');
    expect(ours.filter(([name]) => !name.endsWith('stacktrace'))).toEqual([
      ['__connect.errors.topic', 'views'],
      ['__connect.errors.partition', '2'],
      ['__connect.errors.offset', '41'],
      ['__connect.errors.connector.name', 'journey-graph'],
      ['__connect.errors.task.id', '0'],
      ['__connect.errors.stage', 'decode'],
      ['__connect.errors.class.name', 'journey-graph.decode'],
      ['__connect.errors.exception.class.name', 'BadDataError'],
      [
        '__connect.errors.exception.message',
        'AVRO_TRUNCATED subject=views-value schemaId=7 path=device.kind',
      ],
    ]);
    expect(frames).toMatch(/^\s+at /);
    expect(JSON.stringify(ours)).not.toContain('secret');
    expect(second).toMatchObject({ key: null, value: null });
    await log.close();
  });

  it('are written by a pipeline before its position covers them', async () => {
    const log = await open();
    await log.createTopic('views', 1);
    await log.append('views', 0, [...recordsOf('dead', 0, 2), ...recordsOf('unmappable', 2, 1)]);
    const store = createMemoryStore(systemClock);
    await run(log, store, consumed(3));
    const { records } = await log.read('views.dlq', 0, 0n, 100_000);
    const header = (name: string): readonly string[] =>
      records.map(({ headers }) =>
        String(headers?.find(({ key }) => key === `__connect.errors.${name}`)?.value),
      );
    expect(header('offset')).toEqual(['0', '1', '2']);
    expect(header('stage')).toEqual(['decode', 'decode', 'map']);
    expect((await store.sources())[0]?.fates).toMatchObject({ consumed: 3, deadLettered: 3 });
    await log.close();
  });
});
