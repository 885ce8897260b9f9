import { cpus } from 'node:os';
import type { Producer } from 'kafkajs';
import { must } from '../../foundation/index.ts';
import type { Figure } from '../benchmark.ts';
import { prepareTopic, send, sendPaced, withProducer } from '../ingest/fill.ts';
import type { PlaybackEvents } from '../ingest/playback-events.ts';
import { type FleetPlace, IngestProcess, sleep, until } from './ingest-process.ts';

const partitionsEach = 2;
const warmChunk = 1000;
/** After the last event was sent: a group's window, its way to the store, and the way of what was sent last. */
const tailMs = 3_000;
/** Producers collect so long what they send. */
const lingerMs = 100;

export interface FleetWork {
  /** From the smallest to the largest, which is at least as large as all others together. */
  readonly processes: readonly number[];
  /** Each process is sent so much: there are more of them because there is more to do. */
  readonly perSecondEach: number;
  /** Of one measured stretch. */
  readonly seconds: number;
  /** In each, every size is measured once. */
  readonly rounds: number;
  /** As fast as they go, before: code that has run for a while is compiled. */
  readonly warmEventsEach: number;
  readonly windowMs: number;
}

export interface Cost {
  readonly cpuMicrosPerEvent: number;
  readonly eventsPerSecond: number;
  /** Share of the machine that did nothing meanwhile, broker, store and generator included. */
  readonly idleShare: number;
}

/** Groups of processes that run at the same time, each with a topic of its own: those that are measured, and one beside them that is not. */
export interface LineUp {
  readonly measured: readonly number[];
  readonly beside: number;
}

/** Processes that share a topic, and the events that they are sent. */
interface Group {
  readonly topic: string;
  readonly events: PlaybackEvents;
  readonly processes: readonly IngestProcess[];
}

/**
 * What an event costs `jg ingest` in CPU, by how many of them share a topic. All sizes but the largest are measured at the same time, with as many others beside them as make the largest, which is
 * measured in turns with them: so as many processes have as much to do each time, and what cores have in common with each other, or do at another speed a minute later, counts as growth of none. The
 * first of them is measured alone as well, once.
 */
export async function measureFleets(
  work: FleetWork,
  place: Omit<FleetPlace, 'windowMs'>,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  const there = { ...place, windowMs: work.windowMs };
  const costs = new Map<string, Cost[]>();
  const run = async (name: string, lineUp: LineUp, keyOf: (size: number) => string): Promise<void> => {
    const measured = await measureLineUp(`bench.${name}`, lineUp, work, there);
    for (const [i, cost] of measured.entries()) {
      const key = keyOf(must(lineUp.measured[i], 'each group has a cost'));
      costs.set(key, [...(costs.get(key) ?? []), cost]);
      const idle = Math.round(cost.idleShare * 100);
      log(`${key}: ${Math.round(cost.cpuMicrosPerEvent)} µs of CPU an event, ${idle} % of the machine idle`);
    }
  };
  await run('alone', { measured: [1], beside: 0 }, () => 'processes.alone');
  for (let round = 1; round <= work.rounds; round += 1) {
    // In turns the other way round: what the store holds grows meanwhile.
    const lineUps = [...lineUpsOf(work.processes).entries()];
    for (const [i, lineUp] of round % 2 === 0 ? lineUps.toReversed() : lineUps)
      await run(`${round}.${i}`, lineUp, (size) => `processes.${size}`);
  }
  return { ...figuresOf(costs), ...conditionsOf(work, costs) };
}

/** All but the largest at once, and the largest. */
export function lineUpsOf(sizes: readonly number[]): readonly LineUp[] {
  const most = must(sizes.at(-1), 'something is to be measured');
  const measured = sizes.slice(0, -1);
  const beside = most - measured.reduce((sum, size) => sum + size, 0);
  const largest: LineUp = { measured: [most], beside: 0 };
  return measured.length === 0 ? [largest] : [{ measured, beside }, largest];
}

function figuresOf(costs: ReadonlyMap<string, readonly Cost[]>): Record<string, Figure> {
  const figures: Record<string, Figure> = {};
  for (const [key, of] of costs) {
    figures[`${key}.cpuMicrosPerEvent`] = {
      value: median(of.map((one) => one.cpuMicrosPerEvent)),
      unit: 'µs',
    };
    figures[`${key}.eventsPerSecond`] = {
      value: median(of.map((one) => one.eventsPerSecond)),
      unit: 'events/s',
    };
    figures[`${key}.machineIdle`] = { value: median(of.map((one) => one.idleShare)) * 100, unit: '%' };
  }
  return figures;
}

function conditionsOf(work: FleetWork, costs: ReadonlyMap<string, readonly Cost[]>): Record<string, Figure> {
  const micros = work.processes.map((size) =>
    must(costs.get(`processes.${size}`), 'each size was measured').map((one) => one.cpuMicrosPerEvent),
  );
  return {
    'processes.cpuGrowth': { value: growthOf(micros), unit: 'times' },
    'processes.eventsPerSecondEach': { value: work.perSecondEach, unit: 'events/s' },
    'processes.windowMs': { value: work.windowMs, unit: 'ms' },
    'processes.rounds': { value: work.rounds, unit: 'rounds' },
  };
}

/** The dearest of all sizes over the first, by the medians of their rounds. */
export function growthOf(costs: readonly (readonly number[])[]): number {
  const medians = costs.map(median);
  return Math.max(...medians) / must(medians[0], 'something was measured');
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return middle.reduce<number>((sum, one) => sum + must(one, 'there is a value') / 2, 0);
}

/** Of each measured group. */
async function measureLineUp(
  name: string,
  { measured, beside }: LineUp,
  work: FleetWork,
  place: FleetPlace,
): Promise<readonly Cost[]> {
  const groups: Group[] = [];
  try {
    // Seeds of their own: two groups of one size would else write the same events.
    for (const [i, size] of [...measured, beside].entries())
      if (size > 0) groups.push(await startGroup(`${name}.${i}`, size, place.seed + i, place));
    for (const { processes } of groups) for (const one of processes) await one.untilAssigned(partitionsEach);
    return (await measureGroups(groups, work, place)).slice(0, measured.length);
  } finally {
    await Promise.all(groups.flatMap(({ processes }) => processes.map((one) => one.stop())));
  }
}

async function startGroup(topic: string, count: number, seed: number, place: FleetPlace): Promise<Group> {
  const target = { ...place.kafka, topic };
  const events = await prepareTopic(target, seed, count * partitionsEach);
  return { topic, events, processes: Array.from({ length: count }, () => new IngestProcess(target, place)) };
}

/**
 * From when all of them have nothing to do until they have nothing to do again: what they were sent in between is what they have consumed, to the event. A stretch cut out of the middle would divide
 * the work by events that were sent before it, or not yet taken behind it.
 */
async function measureGroups(
  groups: readonly Group[],
  work: FleetWork,
  place: FleetPlace,
): Promise<readonly Cost[]> {
  const { topic } = must(groups[0], 'there is one to be measured');
  return await withProducer({ ...place.kafka, topic }, async (producer) => {
    await Promise.all(groups.map((group) => warmUp(producer, group, work)));
    await sleep(tailMs);
    const samples = (): readonly Sample[] => groups.map(({ processes }) => sample(processes));
    const before = samples();
    const sent = await Promise.all(
      groups.map(async ({ topic: to, events, processes }) => {
        const pace = {
          perSecond: work.perSecondEach * processes.length,
          seconds: work.seconds,
          tickMs: lingerMs,
        };
        await sendPaced(producer, to, pace, events);
        return pace.perSecond * pace.seconds;
      }),
    );
    await sleep(tailMs);
    const after = samples();
    const costs: Cost[] = [];
    for (const [i, group] of groups.entries()) {
      const events = must(sent[i], 'each was sent some');
      await expectConsumed(group, work.warmEventsEach * group.processes.length + events);
      costs.push(
        costBetween(
          must(before[i], 'each has a first'),
          must(after[i], 'each has a last'),
          events,
          work.seconds,
        ),
      );
    }
    return costs;
  });
}

/** Asked behind the measurement, for an answer costs as much as some events. */
async function expectConsumed({ topic, processes }: Group, events: number): Promise<void> {
  const consumed = await must(processes[0], 'there is one to ask').consumed();
  if (consumed !== events)
    throw new Error(
      `${topic}: ${consumed} of ${events} events were consumed ${tailMs / 1000} s after the last was sent`,
    );
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
  const asked = must(processes[0], 'there is one');
  await until(`${warm} events are consumed`, async () => (await asked.consumed()) >= warm);
}

interface Sample {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly idleMs: number;
}

function sample(fleet: readonly IngestProcess[]): Sample {
  return {
    atMs: performance.now(),
    cpuMs: fleet.reduce((sum, one) => sum + one.cpuMs, 0),
    idleMs: cpus().reduce((sum, { times }) => sum + times.idle, 0),
  };
}

function costBetween(before: Sample, after: Sample, events: number, seconds: number): Cost {
  const elapsedMs = after.atMs - before.atMs;
  return {
    cpuMicrosPerEvent: ((after.cpuMs - before.cpuMs) * 1000) / events,
    eventsPerSecond: events / seconds,
    idleShare: (after.idleMs - before.idleMs) / (elapsedMs * cpus().length),
  };
}
