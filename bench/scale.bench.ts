import { readFileSync } from 'node:fs';
import cassandra from 'cassandra-driver';
import { seededRandom, silentLog, systemClock } from '../foundation/index.ts';
import { type GraphStore, openCassandraStore } from '../graph-store/index.ts';
import { cassandraDataCenter, startCassandraWith } from '../test/services/cassandra.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { findJavaTools } from '../test/services/java-tools.ts';
import { ServiceError } from '../test/services/service-error.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';
import { Histogram } from './histogram.ts';
import { account, batchOf, title } from './scale/member-days.ts';

const eventsDefault = 1_000_000;
const quickEvents = 50_000;
const batchEvents = 500;
const batchesInFlight = 8;
const reads = 1_000;
const keyspace = 'bench';
const tables = ['nodes', 'steps', 'edges_out', 'edges_in'] as const;
const source = { cluster: 'bench', topic: 'plays', topicId: 'life-1', partition: 0 };
const clockTicksPerSecond = 100;

async function run(context: BenchContext): Promise<Figures> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Cannot start Cassandra: it needs ${java.lacking}.`);
  const heapMiB = context.quick ? 1024 : 3072;
  const node = await startCassandraWith(java.tools, environment.cacheDirectory, { heapMiB });
  try {
    return await measureNode(context, node.contactPoint, node.pid);
  } finally {
    await node.dispose();
  }
}

async function measureNode(context: BenchContext, contactPoint: string, pid: number): Promise<Figures> {
  const events = context.events ?? (context.quick ? quickEvents : eventsDefault);
  const settings = {
    contactPoints: [contactPoint],
    dataCenter: cassandraDataCenter,
    keyspace,
    replication: 1,
  };
  const store = await openCassandraStore(settings, systemClock, seededRandom(context.seed), silentLog);
  try {
    const serverBefore = cpuMicrosOf(pid);
    const { elapsedMs, cpuMs } = await context.measure(() => load(context, store, events));
    const serverMicros = cpuMicrosOf(pid) - serverBefore;
    const rows = await rowsIn(contactPoint);
    const figure = (value: number, unit: string): Figure => ({ value, unit });
    return {
      'cassandra.eventsPerSecond': figure(events / (elapsedMs / 1000), 'events/s'),
      'cassandra.rowsPerEvent': figure(rows / events, 'rows'),
      'cassandra.cpuMicrosPerEvent': figure((cpuMs * 1000) / events, 'µs'),
      'cassandra.serverCpuMicrosPerEvent': figure(serverMicros / events, 'µs'),
      ...(await latencies('journey', (i) => store.journey({ ...journey, of: account(i * 7) }))),
      ...(await latencies('hopOut', (i) =>
        store.adjacency({ ...hop, of: account(i * 7), direction: 'out' }),
      )),
      ...(await latencies('hopIn', (i) => store.adjacency({ ...hop, of: title(i % 100), direction: 'in' }))),
      ...(await latencies('node', (i) => store.node(account(i * 7)))),
    };
  } finally {
    await store.close();
  }
}

const allTimes = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER } as const;
const journey = {
  ...allTimes,
  domains: null,
  order: 'newest-first',
  after: null,
  limit: 20,
  scanMax: 1_000,
  bytesMax: 2 ** 20,
} as const;
const hop = { ...allTimes, type: 'WATCHED', limit: 20, scanMax: 1_000 } as const;

async function load(context: BenchContext, store: GraphStore, events: number): Promise<void> {
  const random = seededRandom(context.seed);
  const { epoch } = await store.claim(source);
  const inFlight: Promise<unknown>[] = [];
  for (let from = 0; from < events; from += batchEvents) {
    const count = Math.min(batchEvents, events - from);
    const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
    const advance = {
      source,
      epoch,
      from: BigInt(from),
      next: BigInt(from + count),
      fates,
      newestEventMs: 0,
    };
    inFlight.push(store.apply(advance, batchOf(from, count, random)));
    if (inFlight.length >= batchesInFlight) await inFlight.shift();
    if (from % 100_000 === 0) context.log(`${from} of ${events}`);
  }
  await Promise.all(inFlight);
}

async function latencies(name: string, read: (i: number) => Promise<unknown>): Promise<Figures> {
  const times = new Histogram();
  for (let i = 0; i < reads; i += 1) {
    const began = performance.now();
    await read(i);
    times.record(performance.now() - began);
  }
  return {
    [`cassandra.${name}.p50`]: { value: times.quantile(0.5), unit: 'ms' },
    [`cassandra.${name}.p99`]: { value: times.quantile(0.99), unit: 'ms' },
  };
}

async function rowsIn(contactPoint: string): Promise<number> {
  const client = new cassandra.Client({
    contactPoints: [contactPoint],
    localDataCenter: cassandraDataCenter,
  });
  try {
    let rows = 0;
    for (const table of tables) {
      const key = table === 'nodes' ? 'life' : 'bucket';
      for await (const _ of await client.execute(`SELECT ${key} FROM ${keyspace}.${table}`, [], {
        fetchSize: 10_000,
      })) {
        rows += 1;
      }
    }
    return rows;
  } finally {
    await client.shutdown();
  }
}

/** User and system time of a process, from `/proc`. */
function cpuMicrosOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond) * 1e6;
}

const benchmark: Benchmark = {
  name: 'scale',
  description: 'the graph in Cassandra: one node, writes of a stream of events, then reads',
  notMeasured: [
    'several nodes: one copy of each row, on the machine that also writes',
    'disk: rows are in memory and in the commit log for much of the run',
    'decoding and mapping: batches of mutations are made beside it',
  ],
  run,
};

export default benchmark;
