import { setTimeout as sleep } from 'node:timers/promises';
import { broadcastText } from './broadcast-text.ts';
import { processCpuMs, residentBytes, slabBytes } from './machine-meter.ts';
import { monotonicMs } from './monotonic.ts';
import { type Core, OwnProcess } from './pinned.ts';
import { type Summary, summarize } from './summary.ts';
import type { SwarmOrder } from './swarm.ts';
import type { SwarmNote, SwarmQuestion } from './swarm-process.ts';
import type { BroadcastTarget, Start } from './targets.ts';

export interface BroadcastWork {
  /** Of each server. */
  readonly sockets: number;
  /** Not counted, at the same rate. */
  readonly warmUps: number;
  readonly broadcasts: number;
  readonly everyMs: number;
  /** What connecting leaves behind is done by then, a first heartbeat of everybody among it. */
  readonly settleMs: number;
  readonly idleMs: number;
  readonly acknowledges: boolean;
}

export interface Measured extends Summary {
  readonly sockets: number;
  /** Of all servers' processes, in the time of the broadcasts that are counted, without what they need when nothing is published. */
  readonly cpuMicrosPerDelivery: number;
  /** Token, upgrade and greeting. */
  readonly cpuMicrosPerConnect: number;
  /** As fast as the clients came, who have to make their tokens first: no limit of the server's. */
  readonly connectsPerSecond: number;
  readonly idleCores: number;
  readonly clientCores: number;
  /** Resident memory of a server's process, that of the empty one taken off. */
  readonly bytesPerSocket: number;
  /** The kernel's, of one end of a connection; null where it cannot be read. */
  readonly kernelBytesPerSocket: number | null;
  /** Of all that should have come, those that did not. */
  readonly lost: number;
  /** Deliveries that a later broadcast took the place of, those of warm-ups among them. */
  readonly collapsed: number;
  /** How late messages were published, for the benchmark's own sake, at worst. */
  readonly lateMs: number;
}

export interface Placing {
  readonly folder: string;
  readonly serverCore: Core;
  readonly clientCore: Core;
}

type SwarmProcess = OwnProcess<SwarmQuestion, SwarmNote>;

const drainMs = 60_000;
const pollMs = 50;
/** One server, or several at once, each with as many clients in a process of their own. */
export async function measureBroadcast(
  starts: readonly Start[],
  work: BroadcastWork,
  placing: Placing,
): Promise<Measured> {
  const targets: BroadcastTarget[] = [];
  const swarms: SwarmProcess[] = [];
  try {
    for (const start of starts) targets.push(await start(placing.folder, placing.serverCore));
    await collect(targets);
    const empty = { resident: sum(targets, residentBytes), slab: slabBytes() };
    const connecting = { cpuMs: sum(targets, processCpuMs), atMs: monotonicMs() };
    for (const [i, target] of targets.entries()) swarms.push(startSwarm(target, i, work, placing.clientCore));
    await Promise.all(swarms.map(connected));
    const connectMs = monotonicMs() - connecting.atMs;
    const connectCpuMs = sum(targets, processCpuMs) - connecting.cpuMs;
    await sleep(work.settleMs);
    await collect(targets);
    const full = { resident: sum(targets, residentBytes), slab: slabBytes() };
    const sockets = work.sockets * targets.length;
    const idleCores = await idle(targets, work.idleMs);
    const run = await publishAll(targets, swarms, work);
    const kernel = empty.slab === null || full.slab === null ? null : (full.slab - empty.slab) / sockets / 2;
    const deliveries = sockets * work.broadcasts - run.collapsed - run.lost;
    return {
      ...run.summary,
      sockets,
      cpuMicrosPerDelivery: ((run.serverCpuMs - idleCores * run.elapsedMs) * 1000) / deliveries,
      cpuMicrosPerConnect: (connectCpuMs * 1000) / sockets,
      connectsPerSecond: (sockets * 1000) / connectMs,
      idleCores,
      clientCores: run.clientCpuMs / run.elapsedMs,
      bytesPerSocket: (full.resident - empty.resident) / sockets,
      kernelBytesPerSocket: kernel,
      lost: run.lost,
      collapsed: run.collapsed,
      lateMs: run.lateMs,
    };
  } finally {
    await Promise.all(swarms.map((swarm) => swarm.stop()));
    await Promise.all(targets.map((target) => target.close()));
  }
}

function startSwarm(target: BroadcastTarget, index: number, work: BroadcastWork, core: Core): SwarmProcess {
  const order: SwarmOrder = {
    target: target.name,
    host: '127.0.0.1',
    port: target.port,
    sockets: work.sockets,
    firstClient: index * work.sockets,
    broadcasts: work.warmUps + work.broadcasts,
    acknowledges: work.acknowledges,
  };
  return OwnProcess.start('./swarm-process.ts', JSON.stringify(order), core);
}

async function connected(swarm: SwarmProcess): Promise<void> {
  const note = await swarm.note('ready', 'failed');
  if (note.kind === 'failed') throw new Error(`the clients could not connect: ${note.reason}`);
}

async function collect(targets: readonly BroadcastTarget[]): Promise<void> {
  for (const target of targets) await target.collect();
}

async function idle(targets: readonly BroadcastTarget[], idleMs: number): Promise<number> {
  const before = sum(targets, processCpuMs);
  const beganMs = monotonicMs();
  await sleep(idleMs);
  return (sum(targets, processCpuMs) - before) / (monotonicMs() - beganMs);
}

interface Run {
  readonly summary: Summary;
  readonly lost: number;
  readonly collapsed: number;
  readonly serverCpuMs: number;
  readonly clientCpuMs: number;
  readonly elapsedMs: number;
  readonly lateMs: number;
}

/** Open loop: each message has its moment, whatever has become of those before it. */
async function publishAll(
  targets: readonly BroadcastTarget[],
  swarms: readonly SwarmProcess[],
  work: BroadcastWork,
): Promise<Run> {
  const { warmUps, broadcasts, everyMs } = work;
  const count = warmUps + broadcasts;
  const firstMs = monotonicMs() + everyMs;
  const wallOffsetMs = Date.now() - monotonicMs();
  const intended = Array.from({ length: count }, (_one, nth) => firstMs + nth * everyMs);
  let lateMs = 0;
  let before = { server: 0, client: 0, atMs: 0 };
  for (const [nth, momentMs] of intended.entries()) {
    // Between two broadcasts, so that the first that is counted is counted whole.
    if (nth === warmUps) {
      await until(momentMs - everyMs / 10);
      before = { server: sum(targets, processCpuMs), client: sum(swarms, processCpuMs), atMs: monotonicMs() };
    }
    const text = broadcastText(nth, momentMs + wallOffsetMs);
    await until(momentMs);
    for (const target of targets) target.publish(text);
    if (nth >= warmUps) lateMs = Math.max(lateMs, monotonicMs() - momentMs);
  }
  const collapsed = await drained(swarms, work.sockets * count);
  const elapsedMs = monotonicMs() - before.atMs;
  const serverCpuMs = sum(targets, processCpuMs) - before.server;
  const clientCpuMs = sum(swarms, processCpuMs) - before.client;
  const arrivals = await Promise.all(swarms.map(arrivalsOf));
  const endMs = monotonicMs();
  const sockets = work.sockets * targets.length;
  let lost = 0;
  const latencies = intended.slice(warmUps).map((momentMs, i) => {
    const moments = arrivals.flatMap((one) => [...(one[warmUps + i] ?? [])]);
    lost += sockets - moments.length;
    // Who was sent nothing has waited until now at least.
    while (moments.length < sockets) moments.push(endMs);
    return Float64Array.from(moments, (moment) => moment - momentMs).sort();
  });
  const summary = summarize(latencies);
  return { summary, lost, collapsed, serverCpuMs, clientCpuMs, elapsedMs, lateMs };
}

/** A timer of Node's may be a millisecond late; the rest is waited for turn by turn. */
async function until(momentMs: number): Promise<void> {
  const early = momentMs - monotonicMs() - 2;
  if (early > 0) await sleep(early);
  while (monotonicMs() < momentMs) await new Promise((resolve) => setImmediate(resolve));
}

/** Until all of each swarm's are there; answers how many were reached by a later one. Throws when a client was closed, or a probe was sent something else. */
async function drained(swarms: readonly SwarmProcess[], each: number): Promise<number> {
  let all = 0;
  const deadline = monotonicMs() + drainMs;
  for (const swarm of swarms) {
    for (;;) {
      const note = swarm.note('progress');
      swarm.tell({ kind: 'progress' });
      const { received, closed, collapsed, fault } = await note;
      if (fault !== null) throw new Error(`a probe: ${fault}`);
      if (closed > 0) throw new Error(`${closed} clients were closed`);
      if (received >= each || monotonicMs() > deadline) {
        all += collapsed;
        break;
      }
      await sleep(pollMs);
    }
  }
  return all;
}

async function arrivalsOf(swarm: SwarmProcess): Promise<readonly Float64Array[]> {
  const note = swarm.note('arrivals');
  swarm.tell({ kind: 'arrivals' });
  return (await note).arrivals;
}

function sum(of: readonly { readonly pid: number }[], measure: (pid: number) => number): number {
  return of.reduce((total, { pid }) => total + measure(pid), 0);
}
