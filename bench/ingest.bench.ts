import { join } from 'node:path';
import { hideKafkajsTimeoutWarning } from '../ingest/index.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { ServiceHost } from '../test/services/service-host.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { fillKafka, fillLog, type KafkaTarget, pacedKafka, partitions, prepareTopic } from './ingest/fill.ts';
import { benchTopic } from './ingest/playback-events.ts';
import { Product } from './ingest/product.ts';
import { runPlainRival } from './rivals/plain-neo4j.ts';

const timeoutMs = 600_000;
const pacedTopic = 'bench.playback-paced';

interface Work {
  readonly events: number;
  readonly paced: { readonly perSecond: number; readonly seconds: number };
  readonly rivalMs: number;
}

function workOf(context: BenchContext): Work {
  return context.quick
    ? { events: context.events ?? 100_000, paced: { perSecond: 2000, seconds: 4 }, rivalMs: 4000 }
    : { events: context.events ?? 2_000_000, paced: { perSecond: 5000, seconds: 20 }, rivalMs: 20_000 };
}

interface Throughput {
  readonly eventsPerSecond: number;
  readonly peakRssMiB: number;
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
    const { seconds, status } = await product.untilConsumed(events, timeoutMs);
    if (status.applied !== events) throw new Error(`${events - status.applied} events were not applied`);
    return { eventsPerSecond: events / seconds, peakRssMiB: product.peakRssMiB };
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
  context.log('starting Kafka, the registry and Neo4j');
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  try {
    const [kafka, registry] = await Promise.all([host.need('kafka'), host.need('registry')]);
    const target = { bootstrapServers: kafka.address, registryUrl: registry.address, topic: benchTopic };
    const fromBroker = await fromKafka(context, work, target);
    const freshness = await paced(context, work, { ...target, topic: pacedTopic });
    const neo4j = await host.need('neo4j');
    context.log(`the plainest rival for ${work.rivalMs / 1000} s`);
    const rival = await runPlainRival({
      brokers: kafka.address.split(','),
      registryUrl: registry.address,
      neo4jUri: neo4j.address,
      topic: benchTopic,
      eventsMax: work.events,
      durationMs: work.rivalMs,
    });
    return figures(log, fromBroker, freshness, rival.events / rival.seconds);
  } finally {
    await host.dispose();
  }
}

function figures(
  log: Throughput,
  kafka: Throughput,
  fresh: { p50: number; p99: number },
  rivalRate: number,
): Figures {
  return {
    'log.eventsPerSecond': { value: log.eventsPerSecond, unit: 'events/s' },
    'kafka.eventsPerSecond': { value: kafka.eventsPerSecond, unit: 'events/s' },
    'rival.eventsPerSecond': { value: rivalRate, unit: 'events/s' },
    'freshness.p50ms': { value: fresh.p50, unit: 'ms' },
    'freshness.p99ms': { value: fresh.p99, unit: 'ms' },
    'memory.peakMiB': { value: Math.max(log.peakRssMiB, kafka.peakRssMiB), unit: 'MiB' },
    'log.memory.peakMiB': { value: log.peakRssMiB, unit: 'MiB' },
    'kafka.memory.peakMiB': { value: kafka.peakRssMiB, unit: 'MiB' },
  };
}

const ingest: Benchmark = {
  name: 'ingest',
  description:
    'Events/s of the whole product (`jg up`, API included) from the embedded log and from a Kafka broker on the same cores, its ' +
    'freshness at a steady open-loop rate, and the plainest rival: kafkajs eachMessage with one MERGE a message into Neo4j.',
  notMeasured: [
    'a network: broker, registry, Neo4j and product share one machine and its cores',
    'a graph that has outgrown memory: 200,000 accounts, 10,000 titles, one event type (1 step, 2 edges, 1 node with properties)',
    'queries beside ingestion, apart from a status poll every 50 ms',
    'the rival beyond its first seconds: it slows as its graph grows',
    "the rival's missing promises: it keeps no positions, drops no duplicates and has no dead letters",
  ],
  run,
};

export default ingest;
