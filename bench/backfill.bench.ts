import { join } from 'node:path';
import { hideKafkajsTimeoutWarning } from '../ingest/index.ts';
import { EventEncoder } from '../schemas/index.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { ServiceHost } from '../test/services/service-host.ts';
import { type ArchiveTarget, archiveEvents } from './backfill/archive-events.ts';
import { type ArchivedLog, archiveLog } from './backfill/archive-log.ts';
import { askFor, clientOf, follow } from './backfill/follow-backfill.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { fillLog, pacedKafka, partitions, prepareTopic } from './ingest/fill.ts';
import { benchSchema, benchTopic, PlaybackEvents } from './ingest/playback-events.ts';
import { Product } from './ingest/product.ts';
import { microsecondsAnEvent } from './ingest/thread-meter.ts';
import type { ProcessMemory } from './process-meter.ts';
import { type DuckdbBackfill, duckdbBackfill } from './rivals/duckdb-backfill.ts';

const timeoutMs = 1_800_000;
const rowsPerFile = 250_000;
const rowGroupRows = 20_000;
/** As docs/backfill.md has it for an empty graph beside which nothing happens. */
const withoutLive = [
  ...['--backfill.inflight.bytes.max', '40MiB', '--store.window.bytes.max', '32MiB'],
  ...['--store.window.events.max', '100000'],
];

interface Work {
  readonly events: number;
  readonly upsertEvents: number;
  readonly beside: { readonly perSecond: number; readonly seconds: number; readonly events: number };
}

function workOf({ quick, events, rivalEvents }: BenchContext): Work {
  return quick
    ? {
        events: events ?? 100_000,
        upsertEvents: rivalEvents ?? 50_000,
        beside: { perSecond: 2_000, seconds: 5, events: 200_000 },
      }
    : {
        events: events ?? 2_000_000,
        upsertEvents: rivalEvents ?? 500_000,
        beside: { perSecond: 5_000, seconds: 30, events: 2_000_000 },
      };
}

/** Written in this process: these events have the schema id that the registry has just given. */
async function archive(
  context: BenchContext,
  name: string,
  events: number,
  target: Pick<ArchiveTarget, 'topic' | 'schema'>,
): Promise<string> {
  context.log(`archiving ${events} events`);
  const made = new PlaybackEvents(new EventEncoder(target.schema.id, target.schema.text), context.seed);
  const folder = join(context.tempDir, 'tables');
  const startMs = Date.now() - events;
  await archiveEvents(
    { ...target, folder, table: name, partitions, rowsPerFile, rowGroupRows },
    events,
    (index) => made.next(startMs + index),
  );
  return join(folder, name);
}

interface Throughput {
  readonly eventsPerSecond: number;
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly peak: ProcessMemory;
}

/** Into an empty graph, asked for over HTTP as an operator does; the time of planning is in it. */
async function alone(context: BenchContext, events: number, path: string): Promise<Throughput> {
  context.log('backfilling them into an empty graph');
  const data = ['--data', join(context.tempDir, 'alone'), '--topics', benchTopic];
  const product = await Product.start([...data, ...withoutLive]);
  try {
    const before = product.threadSeconds();
    const began = performance.now();
    const { plan } = await clientOf(product).run(askFor(benchTopic, path));
    const { progress } = await follow(product, plan.id, timeoutMs);
    const seconds = (performance.now() - began) / 1_000;
    if (progress.fates.applied !== events) throw new Error(`${progress.fates.applied} events were applied`);
    const cpuMicros = microsecondsAnEvent(before, product.threadSeconds(), events);
    return { eventsPerSecond: events / seconds, cpuMicros, peak: product.peakMemory };
  } finally {
    await product.stop();
  }
}

interface Beside {
  readonly p99: number;
  readonly p50: number;
  readonly eventsPerSecond: number;
  readonly peak: ProcessMemory;
}

/** Live events of the same topic from Kafka, open loop, while its history is applied. */
async function besideLive(context: BenchContext, work: Work): Promise<Beside> {
  const { perSecond, seconds, events } = work.beside;
  context.log(`a backfill beside ${perSecond} live events/s for ${seconds} s`);
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  try {
    const [kafka, registry] = await Promise.all([host.need('kafka'), host.need('registry')]);
    const target = { bootstrapServers: kafka.address, registryUrl: registry.address, topic: benchTopic };
    const live = await prepareTopic(target, context.seed + 1);
    // As the registry gave it: the framing of any event says it.
    const schema = { id: live.next(Date.now()).value.readInt32BE(1), text: (await benchSchema()).text };
    const path = await archive(context, 'beside', events, { topic: benchTopic, schema });
    const addresses = ['--bootstrap.servers', kafka.address, '--schema.registry.url', registry.address];
    const product = await Product.start([
      ...['--data', join(context.tempDir, 'beside'), '--topics', benchTopic],
      ...addresses,
    ]);
    try {
      await product.untilClaimed(partitions, timeoutMs);
      let id = '';
      let rowsBefore = 0;
      let began = 0;
      await pacedKafka(target, work.beside, live, async (warm) => {
        await product.untilConsumed(warm, timeoutMs);
        ({
          plan: { id },
        } = await clientOf(product).run(askFor(benchTopic, path)));
        rowsBefore = (await clientOf(product).show(id)).progress.rowsDone;
        began = performance.now();
      });
      // While it still runs: what comes behind it would make the figure better.
      const status = await product.status();
      const { progress } = await clientOf(product).show(id);
      if (progress.state === 'done') context.log('the backfill was done before the live events were');
      const rows = progress.rowsDone - rowsBefore;
      product.sampleMemory();
      return {
        p99: status.freshnessP99Ms ?? Number.NaN,
        p50: status.freshnessP50Ms ?? Number.NaN,
        eventsPerSecond: (rows * 1_000) / (performance.now() - began),
        peak: product.peakMemory,
      };
    } finally {
      await product.stop();
    }
  } finally {
    await host.dispose();
  }
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  hideKafkajsTimeoutWarning(process);
  const data = join(context.tempDir, 'log');
  context.log(`writing ${work.events} events into the embedded log`);
  await fillLog(data, work.events, context.seed);
  context.log('archiving them');
  const archived = await archiveLog(data, benchTopic);
  const { path } = archived;
  const own = await alone(context, work.events, path);
  context.log('DuckDB on the same files');
  const bulk = await duckdbBackfill(path, context.tempDir, 'bulk', work.events);
  const upsert = await duckdbBackfill(path, context.tempDir, 'upsert', work.upsertEvents);
  const beside = await besideLive(context, work);
  return figures(archived, own, beside, { bulk, upsert });
}

function figures(
  archived: ArchivedLog,
  own: Throughput,
  beside: Beside,
  rivals: { readonly bulk: DuckdbBackfill; readonly upsert: DuckdbBackfill },
): Figures {
  const greatest = (of: keyof ProcessMemory): number => Math.max(own.peak[of], beside.peak[of]);
  const cpu = Object.entries(own.cpuMicros);
  return {
    'archive.eventsPerSecond': { value: archived.rows / archived.seconds, unit: 'events/s' },
    'archive.bytesPerEvent': { value: archived.bytes / archived.rows, unit: 'B' },
    'archive.memory.peakMiB': { value: archived.peak.residentMiB, unit: 'MiB' },
    'backfill.eventsPerSecond': { value: own.eventsPerSecond, unit: 'events/s' },
    ...Object.fromEntries(cpu.map(([name, value]) => [`backfill.cpu.${name}`, { value, unit: 'µs/event' }])),
    'backfill.cpu': { value: cpu.reduce((sum, [, value]) => sum + value, 0), unit: 'µs/event' },
    'beside.freshness.p50ms': { value: beside.p50, unit: 'ms' },
    'beside.freshness.p99ms': { value: beside.p99, unit: 'ms' },
    'beside.eventsPerSecond': { value: beside.eventsPerSecond, unit: 'events/s' },
    'memory.peakMiB': { value: greatest('residentMiB'), unit: 'MiB' },
    'memory.anonymousMiB': { value: greatest('anonymousMiB'), unit: 'MiB' },
    'rival.duckdb.eventsPerSecond': { value: rivals.bulk.eventsPerSecond, unit: 'events/s' },
    'rival.duckdb.cpu': { value: rivals.bulk.cpuMicros, unit: 'µs/event' },
    'rival.duckdb.peakMiB': { value: rivals.bulk.peakMiB, unit: 'MiB' },
    'rival.duckdb.upsert.eventsPerSecond': { value: rivals.upsert.eventsPerSecond, unit: 'events/s' },
    'rival.duckdb.upsert.cpu': { value: rivals.upsert.cpuMicros, unit: 'µs/event' },
    'rival.duckdb.upsert.peakMiB': { value: rivals.upsert.peakMiB, unit: 'MiB' },
  };
}

const benchmark: Benchmark = {
  name: 'backfill',
  description: 'archived events/s into an empty graph, and what a backfill does to live events beside it',
  notMeasured: [
    'the archiver beside anything: it is `jg archive run --once` of a whole embedded log, its start included',
    'reading from a bucket over a network: the archive is on the local disk',
    'DuckDB reads columns that were decoded when they were archived; the product decodes each event from its bytes and checks it',
    'DuckDB sorts all of it at once and keeps no position: killed, it begins again; its upsert could go on, and holds its key in memory',
    'freshness beside a backfill is the process’s own figure over the last minute of the run',
  ],
  run,
};

export default benchmark;
