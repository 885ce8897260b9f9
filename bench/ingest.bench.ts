import { join } from 'node:path';
import { hideKafkajsTimeoutWarning } from '../ingest/index.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { ServiceHost } from '../test/services/service-host.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { fillKafka, fillLog, type KafkaTarget, pacedKafka, partitions, prepareTopic } from './ingest/fill.ts';
import { benchShape, benchTopic } from './ingest/playback-events.ts';
import { Product } from './ingest/product.ts';
import { microsecondsAnEvent } from './ingest/thread-meter.ts';
import type { ProcessMemory } from './process-meter.ts';
import { growRivals, type RivalWork, rivalFigures } from './rivals/grow-rivals.ts';
import { runPlainRival } from './rivals/plain-neo4j.ts';

const timeoutMs = 600_000;
const pacedTopic = 'bench.playback-paced';

interface Work {
  readonly events: number;
  readonly paced: { readonly perSecond: number; readonly seconds: number };
  readonly plainRivalMs: number;
  readonly rivals: RivalWork;
}

function workOf(context: BenchContext): Work {
  return context.quick
    ? {
        events: context.events ?? 100_000,
        paced: { perSecond: 2000, seconds: 4 },
        plainRivalMs: 4000,
        rivals: quickRivals(context.rivalEvents),
      }
    : {
        events: context.events ?? 2_000_000,
        paced: { perSecond: 5000, seconds: 20 },
        plainRivalMs: 20_000,
        rivals: fullRivals(context.rivalEvents),
      };
}

function quickRivals(events: number | null): RivalWork {
  const bounds = { eventsMax: events ?? 100_000, loadingMsMax: 2500, trialEvents: 2000 };
  return { neo4j: bounds, postgresql: bounds, ladybug: { ...bounds, trialEvents: 500 } };
}

function fullRivals(events: number | null): RivalWork {
  const bounds = { eventsMax: events ?? 2_000_000, loadingMsMax: 90_000, trialEvents: 40_000 };
  return {
    neo4j: bounds,
    postgresql: bounds,
    ladybug: { ...bounds, loadingMsMax: 40_000, trialEvents: 5000 },
  };
}

interface Throughput {
  readonly eventsPerSecond: number;
  /** By thread, of an event. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly peak: ProcessMemory;
}

async function fromLog(context: BenchContext, work: Work): Promise<Throughput> {
  const data = join(context.tempDir, 'log-run');
  context.log(`writing ${work.events} events into the embedded log`);
  await fillLog(data, work.events, context.seed);
  context.log('applying them from the log');
  return drain(await Product.start(['--data', data, '--topics', benchTopic]), work.events);
}

async function fromKafka(context: BenchContext, work: Work, target: KafkaTarget): Promise<Throughput> {
  context.log(`producing ${work.events} events to Kafka`);
  await fillKafka(target, work.events, context.seed);
  context.log('applying them from Kafka');
  return drain(await startOnKafka(target, join(context.tempDir, 'kafka-run')), work.events);
}

function startOnKafka(target: KafkaTarget, data: string): Promise<Product> {
  const kafka = ['--bootstrap.servers', target.bootstrapServers, '--schema.registry.url', target.registryUrl];
  return Product.start(['--data', data, '--topics', target.topic, ...kafka]);
}

async function drain(product: Product, events: number): Promise<Throughput> {
  try {
    const before = product.threadSeconds();
    const { seconds, status } = await product.untilConsumed(events, timeoutMs);
    const cpuMicros = microsecondsAnEvent(before, product.threadSeconds(), events);
    if (status.applied !== events) throw new Error(`${events - status.applied} events were not applied`);
    return { eventsPerSecond: events / seconds, cpuMicros, peak: product.peakMemory };
  } finally {
    await product.stop();
  }
}

async function paced(
  context: BenchContext,
  work: Work,
  target: KafkaTarget,
): Promise<{ p50: number; p99: number }> {
  context.log(`${work.paced.perSecond} events/s for ${work.paced.seconds} s, open loop`);
  const events = await prepareTopic(target, context.seed);
  const product = await startOnKafka(target, join(context.tempDir, 'paced-run'));
  try {
    await product.untilClaimed(partitions, timeoutMs);
    const total = await pacedKafka(target, work.paced, events, (count) =>
      product.untilConsumed(count, timeoutMs),
    );
    const { status } = await product.untilConsumed(total, timeoutMs);
    return { p50: status.freshnessP50Ms ?? Number.NaN, p99: status.freshnessP99Ms ?? Number.NaN };
  } finally {
    await product.stop();
  }
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  hideKafkajsTimeoutWarning(process);
  const log = await fromLog(context, work);
  const kafka = await besideKafka(context, work);
  const shaped = { seed: context.seed, shape: benchShape, startMs: Date.now() - work.events, spacingMs: 1 };
  const rivals = await growRivals(context, shaped, work.rivals);
  return { ...figures(log, kafka), ...rivalFigures(rivals) };
}

interface BesideKafka extends Throughput {
  readonly freshness: { readonly p50: number; readonly p99: number };
  readonly plainRivalRate: number;
}

/** All that needs a broker, which is stopped before the rivals get the machine to themselves. */
async function besideKafka(context: BenchContext, work: Work): Promise<BesideKafka> {
  context.log('starting Kafka, the registry and Neo4j');
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  try {
    const [kafka, registry] = await Promise.all([host.need('kafka'), host.need('registry')]);
    const target = { bootstrapServers: kafka.address, registryUrl: registry.address, topic: benchTopic };
    const fromBroker = await fromKafka(context, work, target);
    const freshness = await paced(context, work, { ...target, topic: pacedTopic });
    const neo4j = await host.need('neo4j');
    context.log(`the plainest rival for ${work.plainRivalMs / 1000} s`);
    const rival = await runPlainRival({
      brokers: kafka.address.split(','),
      registryUrl: registry.address,
      neo4jUri: neo4j.address,
      topic: benchTopic,
      eventsMax: work.events,
      durationMs: work.plainRivalMs,
    });
    return { ...fromBroker, freshness, plainRivalRate: rival.events / rival.seconds };
  } finally {
    await host.dispose();
  }
}

function figures(log: Throughput, kafka: BesideKafka): Figures {
  const greatest = (of: keyof ProcessMemory): number => Math.max(log.peak[of], kafka.peak[of]);
  return {
    'log.eventsPerSecond': { value: log.eventsPerSecond, unit: 'events/s' },
    'kafka.eventsPerSecond': { value: kafka.eventsPerSecond, unit: 'events/s' },
    'rival.eventsPerSecond': { value: kafka.plainRivalRate, unit: 'events/s' },
    'freshness.p50ms': { value: kafka.freshness.p50, unit: 'ms' },
    'freshness.p99ms': { value: kafka.freshness.p99, unit: 'ms' },
    'memory.peakMiB': { value: greatest('residentMiB'), unit: 'MiB' },
    'memory.anonymous.peakMiB': { value: greatest('anonymousMiB'), unit: 'MiB' },
    'log.memory.peakMiB': { value: log.peak.residentMiB, unit: 'MiB' },
    'log.memory.anonymous.peakMiB': { value: log.peak.anonymousMiB, unit: 'MiB' },
    'kafka.memory.peakMiB': { value: kafka.peak.residentMiB, unit: 'MiB' },
    'kafka.memory.anonymous.peakMiB': { value: kafka.peak.anonymousMiB, unit: 'MiB' },
    ...cpuFigures('log', log),
    ...cpuFigures('kafka', kafka),
  };
}

function cpuFigures(name: string, { cpuMicros }: Throughput): Figures {
  return Object.fromEntries(
    Object.entries(cpuMicros).map(([thread, value]) => [
      `${name}.cpu.${thread}`,
      { value, unit: 'µs an event' },
    ]),
  );
}

const ingest: Benchmark = {
  name: 'ingest',
  description:
    'Events/s of the whole product (`jg up`, API included) from the embedded log and from a Kafka broker on the same cores, its ' +
    'freshness at a steady open-loop rate, and its rivals: the plainest one (kafkajs eachMessage with one MERGE a message into Neo4j), ' +
    'and Neo4j, PostgreSQL and Ladybug given decoded events in batches.',
  notMeasured: [
    'a network: broker, registry, rivals and product share one machine and its cores',
    'a graph that has outgrown memory: 200,000 accounts, 10,000 titles, one event type (1 step, 2 edges, 1 node with properties); see growth',
    'queries beside ingestion, apart from a status poll every 50 ms',
    "what rivals are spared: decoding, making their events (neither is in their time), and, of our promises, positions, dead letters, merge rules by event time and late deletes; PostgreSQL's and Neo4j's edge counts count a repeated event twice",
    'rivals at other tunings: each is tried with a few batch sizes and numbers of sessions, and keeps what it was given by then',
  ],
  run,
};

export default ingest;
