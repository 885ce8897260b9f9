import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { must } from '../../foundation/index.ts';
import { RunningCommand } from '../../test/pack/running-command.ts';
import type { Figure } from '../benchmark.ts';
import { processCpuMs } from '../broadcast/machine-meter.ts';
import { type KafkaTarget, prepareTopic, send, sendPaced, withProducer } from '../ingest/fill.ts';
import type { PlaybackEvents } from '../ingest/playback-events.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const partitionsEach = 2;
const timeoutMs = 120_000;
const pollMs = 100;
const warmChunk = 1000;
/** Of the paced stretch, before it counts. */
const settleMs = 2_000;

export interface FleetWork {
  readonly processes: readonly number[];
  /** Each process is sent so much: there are more of them because there is more to do. */
  readonly perSecondEach: number;
  readonly seconds: number;
  /** As fast as they go, before: code that has run for a while is compiled. */
  readonly warmEventsEach: number;
}

export interface FleetPlace {
  readonly kafka: Omit<KafkaTarget, 'topic'>;
  /** Where the graph is, as far away as it is to be. */
  readonly contactPoint: string;
  readonly dataCenter: string;
  readonly seed: number;
}

interface Cost {
  readonly cpuMicrosPerEvent: number;
  readonly eventsPerSecond: number;
  /** Share of the machine that did nothing meanwhile, broker, store and generator included. */
  readonly idleShare: number;
}

/** Processes that share a topic, and the events that they are sent. */
interface Group {
  readonly topic: string;
  readonly events: PlaybackEvents;
  readonly processes: readonly IngestProcess[];
}

/**
 * What an event costs `jg ingest` in CPU, by how many of them share a topic. Beside the group that is measured others share another topic, so that as many processes have as
 * much to do whatever the group's size: what cores have in common with each other would otherwise count as growth. The first of them is measured alone as well.
 */
export async function measureFleets(
  work: FleetWork,
  place: FleetPlace,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  const most = Math.max(...work.processes);
  const figures: Record<string, Figure> = {};
  const measured = async (key: string, count: number, others: number): Promise<number> => {
    const { cpuMicrosPerEvent, eventsPerSecond, idleShare } = await measureFleet(
      key,
      count,
      others,
      work,
      place,
    );
    figures[`${key}.cpuMicrosPerEvent`] = { value: cpuMicrosPerEvent, unit: 'µs' };
    figures[`${key}.eventsPerSecond`] = { value: eventsPerSecond, unit: 'events/s' };
    figures[`${key}.machineIdle`] = { value: idleShare * 100, unit: '%' };
    const idle = Math.round(idleShare * 100);
    log(`${key}: ${Math.round(cpuMicrosPerEvent)} µs of CPU an event, ${idle} % of the machine idle`);
    return cpuMicrosPerEvent;
  };
  await measured('processes.alone', 1, 0);
  const costs: number[] = [];
  for (const count of work.processes) costs.push(await measured(`processes.${count}`, count, most - count));
  figures['processes.cpuGrowth'] = { value: growthOf(costs), unit: 'times' };
  return figures;
}

/** The dearest of them all over the first. */
export function growthOf(costs: readonly number[]): number {
  return Math.max(...costs) / must(costs[0], 'something was measured');
}

async function measureFleet(
  key: string,
  count: number,
  others: number,
  work: FleetWork,
  place: FleetPlace,
): Promise<Cost> {
  const groups: Group[] = [];
  try {
    groups.push(await startGroup(`bench.${key}`, count, place));
    if (others > 0) groups.push(await startGroup(`bench.${key}.others`, others, place));
    for (const { processes } of groups) for (const one of processes) await one.untilAssigned(partitionsEach);
    return await measureGroup(groups, work, place);
  } finally {
    await Promise.all(groups.flatMap(({ processes }) => processes.map((one) => one.stop())));
  }
}

async function startGroup(topic: string, count: number, place: FleetPlace): Promise<Group> {
  const target = { ...place.kafka, topic };
  const events = await prepareTopic(target, place.seed + count, count * partitionsEach);
  return { topic, events, processes: Array.from({ length: count }, () => new IngestProcess(target, place)) };
}

/** The first of the groups. */
async function measureGroup(groups: readonly Group[], work: FleetWork, place: FleetPlace): Promise<Cost> {
  const { topic, processes } = must(groups[0], 'there is one to be measured');
  return await withProducer({ ...place.kafka, topic }, async (producer) => {
    await Promise.all(groups.map((group) => warmUp(producer, group, work)));
    const sending = Promise.all(
      groups.map((group) => {
        const perSecond = work.perSecondEach * group.processes.length;
        return sendPaced(producer, group.topic, { perSecond, seconds: work.seconds }, group.events);
      }),
    );
    const [before] = await Promise.all([sleep(settleMs).then(() => sample(processes)), sending]);
    const after = await sample(processes);
    const each = work.warmEventsEach + work.perSecondEach * work.seconds;
    await untilConsumed(processes, each * processes.length);
    return costBetween(before, after);
  });
}

async function warmUp(producer: Producer, group: Group, { warmEventsEach }: FleetWork): Promise<void> {
  const { topic, events, processes } = group;
  const warm = warmEventsEach * processes.length;
  for (let sent = 0; sent < warm; sent += warmChunk) {
    const size = Math.min(warmChunk, warm - sent);
    await send(
      producer,
      topic,
      Array.from({ length: size }, () => events.next(Date.now())),
    );
  }
  await untilConsumed(processes, warm);
}

async function untilConsumed(processes: readonly IngestProcess[], events: number): Promise<void> {
  const asked = must(processes[0], 'there is one');
  await until(`${events} events are consumed`, async () => (await asked.consumed()) >= events);
}

interface Sample {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly idleMs: number;
  readonly consumed: number;
}

async function sample(fleet: readonly IngestProcess[]): Promise<Sample> {
  const consumed = await must(fleet[0], 'there is one').consumed();
  return {
    consumed,
    atMs: performance.now(),
    cpuMs: fleet.reduce((sum, one) => sum + one.cpuMs, 0),
    idleMs: cpus().reduce((sum, { times }) => sum + times.idle, 0),
  };
}

function costBetween(before: Sample, after: Sample): Cost {
  const events = after.consumed - before.consumed;
  const elapsedMs = after.atMs - before.atMs;
  return {
    cpuMicrosPerEvent: ((after.cpuMs - before.cpuMs) * 1000) / events,
    eventsPerSecond: events / (elapsedMs / 1000),
    idleShare: (after.idleMs - before.idleMs) / (elapsedMs * cpus().length),
  };
}

/** `jg ingest`, as its users run it. */
class IngestProcess {
  readonly #command: RunningCommand;
  readonly #topic: string;

  constructor(target: KafkaTarget, { contactPoint, dataCenter }: FleetPlace) {
    this.#topic = target.topic;
    const words = [
      ...['--store', 'cassandra', '--cassandra.contact.points', contactPoint],
      ...['--cassandra.datacenter', dataCenter, '--cassandra.replication', '1'],
      ...['--cassandra.keyspace', 'processes', '--log.level', 'error'],
      ...['--bootstrap.servers', target.bootstrapServers, '--schema.registry.url', target.registryUrl],
      ...['--topics', target.topic, '--group.id', target.topic, '--metadata.max.age.ms', '1000'],
    ];
    const args = ['--max-semi-space-size=8', main, 'ingest', '--port', '0', ...words];
    this.#command = new RunningCommand(process.execPath, args, import.meta.dirname);
  }

  get cpuMs(): number {
    return processCpuMs(must(this.#command.pid, 'it was started'));
  }

  async untilAssigned(partitions: number): Promise<void> {
    await until('partitions are given out', async () => {
      const begins = `journey_graph_assigned_partitions{topic="${this.#topic}"}`;
      return valuesOf(await this.#metrics(), begins)[0] === partitions;
    });
  }

  /** By all processes: that is in the store which they share. */
  async consumed(): Promise<number> {
    const text = await this.#metrics();
    const begins = `journey_graph_records_total{topic="${this.#topic}",fate=`;
    return valuesOf(text, begins).reduce((sum, value) => sum + value, 0);
  }

  async #metrics(): Promise<string> {
    const [, url = ''] = await this.#command.printed(/(http:\/\/127\.0\.0\.1:\d+)\//);
    return await (await fetch(`${url}/metrics`)).text();
  }

  async stop(): Promise<void> {
    this.#command.kill('SIGTERM');
    await this.#command.exited;
  }
}

/** Of the lines that begin so. */
function valuesOf(metrics: string, begins: string): readonly number[] {
  const lines = metrics.split('\n').filter((line) => line.startsWith(begins));
  return lines.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(pollMs);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
