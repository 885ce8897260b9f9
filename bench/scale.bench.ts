import { join } from 'node:path';
import cassandra from 'cassandra-driver';
import { must, seededRandom, silentLog, systemClock } from '../foundation/index.ts';
import { type GraphStore, openCassandraStore } from '../graph-store/index.ts';
import { hideKafkajsTimeoutWarning } from '../ingest/index.ts';
import { type CassandraNode, cassandraDataCenter, startCassandraWith } from '../test/services/cassandra.ts';
import { readTestEnvironment } from '../test/services/environment.ts';
import { findJavaTools, type JavaTools } from '../test/services/java-tools.ts';
import { ServiceError } from '../test/services/service-error.ts';
import { ServiceHost } from '../test/services/service-host.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';
import { processCpuMs } from './broadcast/machine-meter.ts';
import { growTimedRival, type RivalBounds } from './rivals/grow-rival.ts';
import { type FleetWork, measureFleets } from './scale/ingest-fleet.ts';
import { JanusGraphRival, type JanusGraphWay } from './scale/janusgraph-rival.ts';
import { batchEvents, StoreLoad } from './scale/load-store.ts';
import { batchOf, type MemberDay, memberDays, writeLines } from './scale/member-days.ts';
import { measureSaturated } from './scale/saturated-ingest.ts';
import { startSlowProxy } from './scale/slow-proxy.ts';
import { askAll, questionsOf, type ReadWork, supernodeQuestions } from './scale/store-reads.ts';
import { loadSupernode } from './scale/supernode.ts';
import { statisticsOf, type TableStatistics } from './scale/table-statistics.ts';

const keyspace = 'bench';
const rivalKeyspace = 'janusgraph';
const edgeTables = ['edges_out', 'edges_in'];
const countedTables = ['nodes', 'steps', ...edgeTables];
/** Of the events, before the rest is measured: a node's compiler takes some 300,000. The rival meets a node that has had them, and has its trials. */
const warmShare = 0.3;
const oneWayMs = 10;
/** Groups of a fleet that writes over a distance wait to grow; at this rate most of an event's cost is no longer what a process does anyway. */
const fleet = { perSecondEach: 250, windowMs: 250 };

interface Work {
  readonly events: number;
  readonly heapMiB: number;
  readonly reads: ReadWork;
  readonly rival: RivalBounds;
  readonly members: number;
  /** For one process that never waits for events. */
  readonly saturated: number;
  readonly fleet: FleetWork;
}

function workOf({ quick, events, rivalEvents, members }: BenchContext): Work {
  if (quick) {
    const all = events ?? 20_000;
    return {
      events: all,
      heapMiB: 1024,
      reads: { seconds: 1, questionsMax: 100 },
      rival: {
        eventsMax: Math.min(rivalEvents ?? 6_000, Math.floor(all / 2)),
        loadingMsMax: 3_000,
        trialEvents: 2_000,
      },
      members: members ?? 20_000,
      saturated: 60_000,
      fleet: { ...fleet, processes: [1, 2], seconds: 4, rounds: 1, warmEventsEach: 500 },
    };
  }
  const all = events ?? 1_000_000;
  return {
    events: all,
    heapMiB: 4096,
    reads: { seconds: 20, questionsMax: 2_000 },
    rival: {
      eventsMax: Math.min(rivalEvents ?? all, Math.floor(all / 2)),
      loadingMsMax: 60_000,
      trialEvents: 20_000,
    },
    members: members ?? 5_000_000,
    saturated: 300_000,
    fleet: { ...fleet, processes: [1, 2, 4, 8], seconds: 20, rounds: 2, warmEventsEach: 2_000 },
  };
}

interface Bench {
  readonly context: BenchContext;
  readonly work: Work;
  readonly tools: JavaTools;
  readonly cacheDirectory: string;
  readonly node: CassandraNode;
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  const environment = readTestEnvironment(process.env);
  const { cacheDirectory } = environment;
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Cannot start Cassandra: it needs ${java.lacking}.`);
  const { tools } = java;
  const node = await startCassandraWith(tools, cacheDirectory, { heapMiB: work.heapMiB });
  try {
    const bench: Bench = { context, work, tools, cacheDirectory, node };
    const ours = await withStore(bench, (store) => measureStore(bench, store));
    const theirs = await measureRival(bench);
    const crowded = await withStore(bench, (store) => measureSupernode(bench, store));
    const fleets = await measureProcesses(bench);
    return { ...ours, ...theirs, ...ratios(ours, theirs), ...crowded, ...fleets };
  } finally {
    await node.dispose();
  }
}

function ratios(ours: Figures, theirs: Figures): Figures {
  const rate = (figures: Figures, name: string): number =>
    must(figures[`${name}.eventsPerSecond`], 'it was measured').value;
  const ratio = (name: string): Figure => figure(rate(ours, 'cassandra') / rate(theirs, name), 'times');
  return { ratioToJanusgraph: ratio('janusgraph'), ratioToBlindJanusgraph: ratio('janusgraph.blind') };
}

async function withStore<T>({ context, node }: Bench, work: (store: GraphStore) => Promise<T>): Promise<T> {
  const contactPoints = [node.contactPoint];
  const settings = { contactPoints, dataCenter: cassandraDataCenter, keyspace, replication: 1 };
  const store = await openCassandraStore(settings, systemClock, seededRandom(context.seed), silentLog);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function figure(value: number, unit: string): Figure {
  return { value, unit };
}

async function measureStore(bench: Bench, store: GraphStore): Promise<Record<string, Figure>> {
  const { context, work, node } = bench;
  const { events } = work;
  const days = memberDays(events, seededRandom(context.seed));
  const load = await StoreLoad.of(store, 'plays');
  const warm = Math.ceil(events * warmShare);
  context.log(`our store: ${events} events, of which the first ${warm} warm up`);
  await apply(load, days, warm, () => undefined);
  const serverBefore = processCpuMs(node.pid);
  const { elapsedMs, cpuMs } = await context.measure(() => apply(load, days, events - warm, context.log));
  const serverMs = processCpuMs(node.pid) - serverBefore;
  const measured = events - warm;
  context.log('our store: reads');
  const read = await askAll(questionsOf(store, events, seededRandom(context.seed)), work.reads, context.log);
  context.log('our store: counting rows and bytes');
  const rows = await rowsIn(node.contactPoint);
  const statistics = await statisticsOf(node, keyspace);
  return {
    'cassandra.eventsPerSecond': figure(measured / (elapsedMs / 1000), 'events/s'),
    rowsPerEvent: figure(rows / events, 'rows'),
    cpuMicrosPerEvent: figure((cpuMs * 1000) / measured, 'µs'),
    'cassandra.serverCpuMicrosPerEvent': figure((serverMs * 1000) / measured, 'µs'),
    bytesPerEdge: figure(liveBytes(statistics, edgeTables) / events, 'B'),
    bytesPerEvent: figure(liveBytes(statistics, null) / events, 'B'),
    ...read,
  };
}

/** The next so many of them. */
async function apply(
  load: StoreLoad,
  days: Iterator<MemberDay>,
  count: number,
  log: (line: string) => void,
): Promise<void> {
  for (let done = 0; done < count; ) {
    const batch: MemberDay[] = [];
    for (let left = Math.min(batchEvents, count - done); left > 0; left -= 1) {
      const next = days.next();
      if (next.done === true) throw new Error('there are fewer events than were asked for');
      batch.push(next.value);
    }
    await load.apply(batch.length, batchOf(batch));
    done += batch.length;
    if (done % 100_000 === 0) log(`our store: ${done} of ${count}`);
  }
  await load.settled();
}

function liveBytes(statistics: readonly TableStatistics[], tables: readonly string[] | null): number {
  const some = statistics.filter(({ table }) => tables === null || tables.includes(table));
  return some.reduce((sum, one) => sum + one.liveBytes, 0);
}

/** Twice, one after the other: as many events again are added without looking whether they are there. */
async function measureRival(bench: Bench): Promise<Record<string, Figure>> {
  const { context, work, tools, cacheDirectory, node } = bench;
  const { eventsMax, loadingMsMax } = work.rival;
  context.log(`janusgraph: up to ${eventsMax} of the same events or ${loadingMsMax / 1000} s of loading`);
  const eventsFile = join(context.tempDir, 'events.tsv');
  await writeLines(eventsFile, memberDays(work.events, seededRandom(context.seed)));
  const { contactPoint } = node;
  const place = { tools, cacheDirectory, contactPoint, dataCenter: cassandraDataCenter, eventsFile };
  const rival = await JanusGraphRival.start({ ...place, keyspace: rivalKeyspace });
  try {
    const upserts = await growRival(bench, rival, 'upsert', 'janusgraph');
    const blind = await growRival(bench, rival, 'blind', 'janusgraph.blind');
    const statistics = await statisticsOf(node, rivalKeyspace);
    return {
      ...upserts,
      ...blind,
      'janusgraph.bytesPerEvent': figure(liveBytes(statistics, null) / rival.loaded, 'B'),
    };
  } finally {
    await rival.close();
  }
}

async function growRival(
  { context, work, node }: Bench,
  rival: JanusGraphRival,
  way: JanusGraphWay,
  key: string,
): Promise<Record<string, Figure>> {
  const before = { cpuSeconds: rival.cpuSeconds, serverMs: processCpuMs(node.pid) };
  const grown = await growTimedRival(await rival.loader(way), work.rival, context.log);
  const { eventsPerSecond, events, early, late, lost, plan } = grown;
  const micros = ((rival.cpuSeconds - before.cpuSeconds) / events) * 1e6;
  const serverMicros = ((processCpuMs(node.pid) - before.serverMs) * 1000) / events;
  return {
    [`${key}.eventsPerSecond`]: figure(eventsPerSecond, 'events/s'),
    [`${key}.early.eventsPerSecond`]: figure(early, 'events/s'),
    [`${key}.late.eventsPerSecond`]: figure(late, 'events/s'),
    [`${key}.events`]: figure(events, 'events'),
    [`${key}.lost`]: figure(lost, 'events'),
    [`${key}.batch`]: figure(plan.eventsPerBatch, 'events'),
    [`${key}.threads`]: figure(plan.sessions, 'at once'),
    [`${key}.cpuMicrosPerEvent`]: figure(micros, 'µs'),
    [`${key}.serverCpuMicrosPerEvent`]: figure(serverMicros, 'µs'),
  };
}

async function measureSupernode(bench: Bench, store: GraphStore): Promise<Record<string, Figure>> {
  const { context, work, node } = bench;
  context.log(`supernode: ${work.members} members of one title`);
  const serverBefore = processCpuMs(node.pid);
  const { result: loaded, cpuMs } = await context.measure(() =>
    loadSupernode(store, work.members, context.log),
  );
  const serverMs = processCpuMs(node.pid) - serverBefore;
  const read = await askAll(supernodeQuestions(store), work.reads, context.log);
  const statistics = await statisticsOf(node, keyspace);
  const largest = (of: (one: TableStatistics) => number): number => Math.max(...statistics.map(of));
  for (const { table, partitionBytesMax, partitionCellsMax } of statistics) {
    context.log(`${table}: no partition above ${partitionBytesMax} bytes or ${partitionCellsMax} cells`);
  }
  return {
    ...loaded,
    'supernode.cpuMicrosPerEdge': figure((cpuMs * 1000) / work.members, 'µs'),
    'supernode.serverCpuMicrosPerEdge': figure((serverMs * 1000) / work.members, 'µs'),
    ...read,
    'partition.maxBytes': figure(
      largest((one) => one.partitionBytesMax),
      'B',
    ),
    'partition.maxCells': figure(
      largest((one) => one.partitionCellsMax),
      'cells',
    ),
  };
}

async function measureProcesses({ context, work, node }: Bench): Promise<Record<string, Figure>> {
  hideKafkajsTimeoutWarning(process);
  const { perSecondEach, windowMs } = work.fleet;
  context.log(
    `processes: the store is ${oneWayMs} ms away, ${perSecondEach} events/s for each, groups of ${windowMs} ms`,
  );
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  const proxy = await startSlowProxy(node.contactPoint, oneWayMs);
  try {
    const [kafka, registry] = await Promise.all([host.need('kafka'), host.need('registry')]);
    const place = {
      kafka: { bootstrapServers: kafka.address, registryUrl: registry.address },
      contactPoint: proxy.address,
      dataCenter: cassandraDataCenter,
      seed: context.seed,
    };
    // Beside its store: what it waits for is not its cost.
    const beside = { ...place, contactPoint: node.contactPoint, windowMs: 0 };
    const saturated = await measureSaturated(work.saturated, beside, context.log);
    return { ...saturated, ...(await measureFleets(work.fleet, place, context.log)) };
  } finally {
    await proxy.close();
    await host.dispose();
  }
}

async function rowsIn(contactPoint: string): Promise<number> {
  const client = new cassandra.Client({
    contactPoints: [contactPoint],
    localDataCenter: cassandraDataCenter,
  });
  try {
    let rows = 0;
    for (const table of countedTables) {
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

const benchmark: Benchmark = {
  name: 'scale',
  description:
    'The graph in one node of Cassandra: rate, rows and CPU of events, bytes of an edge; JanusGraph given the same events on the same node; reads; a title ' +
    'that millions of members have in common (`--members`), and the largest partitions; `jg ingest` as one, two, four and eight processes.',
  notMeasured: [
    'several nodes: one copy of each row, on the machine that also writes; commit logs are synced every ten seconds, which is the default of Cassandra',
    'a graph that has outgrown memory: reads are of what has just been written',
    'decoding and mapping, but in the part with processes: our mutations, and the lines of the rival, are made from decoded events',
    'what the rival is spared: positions, lineage, estimates, merge rules by event time; it remembers the identities of all nodes in memory and has them to itself, so that two processes of it would make nodes twice. `janusgraph.blind` adds an edge without looking whether it is there: an event that comes again is there twice, which `janusgraph`, as ours, does not allow',
    'the rival at other tunings than a few sizes of transactions and numbers of threads; the nodes of the first events are made in its trials',
    'bytes of an edge: of the tables of edges alone, where each edge is there from both of its ends, with keys, properties, lineage and indexes of the files, compressed, after a compaction of everything, which leaves less than a node in use has; commit log left out',
    'rows of partitions: cells, which are what the database counts; a row of a step or an edge is one',
    'rows of a partition and bytes of it to the byte: the database tells them up to a fifth too high',
    'the same load shared by more processes, whose groups are smaller and cost more of an event: here each process brings as much load along as the first had, and two partitions of its own',
    'processes that have more to do than they can, but for one (`saturated`), which finds its topic full and its store, on the same machine, without a distance',
    'what processes take from each other: eight run in each of these measurements, one, two and four of them at the same time with topics of their own and one more beside them; `processes.alone` is one with nothing beside it, measured once',
    'small groups: processes wait `processes.windowMs` for a group to grow, and producers collect for 100 ms',
  ],
  run,
};

export default benchmark;
