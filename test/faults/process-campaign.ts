import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  must,
  type Random,
  seededRandom,
  silentLog,
  systemClock,
  unreachable,
} from '../../foundation/index.ts';
import { type GraphStore, openCassandraStore } from '../../graph-store/index.ts';
import { type Oracle, readOracle } from '../main-job-oracle.ts';
import { type RunningProducer, startProducer } from '../main-job-producer.ts';
import { cassandraDataCenter } from '../services/cassandra.ts';
import { IngestProcess } from './ingest-process.ts';
import { interruptible } from './interruptible.ts';
import { PositionWatch } from './position-watch.ts';
import { type Fault, planFaults, secondsOf } from './process-plan.ts';
import { type ProcessServices, startProcessServices } from './process-services.ts';
import { judge, type Verdict } from './process-verdict.ts';

export interface ProcessFaultsSummary extends Verdict {
  readonly events: number;
  readonly kills: number;
  readonly freezes: number;
  readonly nodeDownSeconds: number;
  readonly brokerDownSeconds: number;
  readonly claims: number;
  /** Also those that a process fenced by claiming a partition anew itself. */
  readonly fencedBatches: number;
  readonly fencedAfterFreeze: number;
  readonly staleWrites: number;
  readonly readAgain: number;
  readonly looks: number;
  readonly looksUnanswered: number;
  readonly caughtUpSeconds: number;
}

export interface ProcessFaultsRequest {
  readonly seed: number;
  readonly kills: number;
  readonly events: number;
  say(line: string): void;
}

const processes = 3;
const keyspace = 'process_faults';
/** The least that a broker allows unless it is told otherwise. */
const sessionTimeoutMs = 6_000;
const downMs = 60_000;
/** Without any record consumed. */
const standstillMs = 180_000;
const pollMs = 500;
/** A process that was frozen between two batches has nothing to be fenced for. */
const freezesMoreMax = 20;
/** In which one that goes on finds out that it was given up. */
const thawMs = 3_000;
/** Some of the history is left for when all faults are over. */
const producedDuringFaults = 0.65;

class ProcessRun {
  readonly #request: ProcessFaultsRequest;
  readonly #services: ProcessServices;
  readonly #random: Random;
  readonly #ingests: readonly IngestProcess[];
  readonly #producer: RunningProducer;
  readonly #watch: PositionWatch;
  readonly #outages: Promise<number>[] = [];
  #freezes = 0;
  #fencedAfterFreeze = 0;

  constructor(
    request: ProcessFaultsRequest,
    services: ProcessServices,
    ingests: readonly IngestProcess[],
    producer: RunningProducer,
    watch: PositionWatch,
  ) {
    this.#request = request;
    this.#services = services;
    this.#random = seededRandom(request.seed);
    this.#ingests = ingests;
    this.#producer = producer;
    this.#watch = watch;
  }

  /** All faults, once the first record was consumed, while the producer writes. */
  async disturb(faults: readonly Fault[]): Promise<void> {
    await this.#until(1);
    for (const [index, fault] of faults.entries()) {
      await this.#inflict(fault);
      const { consumed } = this.#watch;
      this.#say(
        `${index + 1} of ${faults.length} faults; ${consumed} records consumed, ${this.#watch.claims} claims`,
      );
    }
    for (let more = 0; more < freezesMoreMax && this.#fencedAfterFreeze === 0; more += 1)
      await this.#freeze(2 * sessionTimeoutMs);
    await Promise.all(this.#outages);
    if (this.#fencedAfterFreeze === 0)
      throw new Error(`No batch was fenced, though processes were frozen ${this.#freezes} times.`);
    if (!this.#producer.running)
      throw new Error('The producer was done before the faults were over: take more events.');
  }

  async #inflict(fault: Fault): Promise<void> {
    await this.#pause(fault.afterMs);
    switch (fault.kind) {
      case 'kill':
        return await this.#kill(fault.downMs);
      case 'freeze':
        return await this.#freeze(sessionTimeoutMs + fault.beyondMs);
      case 'node':
        return this.#begin('Cassandra node', this.#services.cassandra.nodes, () =>
          this.#services.cassandra.whole(),
        );
      case 'broker':
        return this.#begin('broker', this.#services.brokers, async () => undefined);
      default:
        return unreachable(fault);
    }
  }

  async #kill(backAfterMs: number): Promise<void> {
    const ingest = this.#oneOf(this.#ingests);
    await ingest.kill();
    await systemClock.sleep(backAfterMs);
    ingest.start();
  }

  async #freeze(forMs: number): Promise<void> {
    const ingest = this.#oneOf(this.#ingests);
    const before = await ingest.fencedBatches();
    await ingest.freeze();
    this.#freezes += 1;
    await systemClock.sleep(forMs);
    ingest.thaw();
    await this.#pause(thawMs);
    this.#fencedAfterFreeze += (await ingest.fencedBatches()) - before;
  }

  /** Goes on beside the other faults. */
  #begin(
    what: string,
    all: readonly { kill(): Promise<void>; start(): Promise<void> }[],
    whole: () => Promise<void>,
  ): void {
    const number = Math.floor(this.#random() * all.length);
    const one = must(all[number], 'one of them');
    const run = async (): Promise<number> => {
      const startedMs = systemClock.now();
      await one.kill();
      this.#say(`${what} ${number + 1} is down`);
      await systemClock.sleep(downMs);
      await one.start();
      await whole();
      const seconds = Math.round((systemClock.now() - startedMs) / 1_000);
      this.#say(`${what} ${number + 1} is back after ${seconds} s`);
      return seconds;
    };
    const outage = run();
    // Looked at when the faults are over; until then nobody waits for it.
    outage.catch((error: unknown) => this.#say(String(error)));
    this.#outages.push(outage);
  }

  /** @throws when a process has ended by itself or the positions show what they must not. */
  async #pause(ms: number): Promise<void> {
    await systemClock.sleep(ms);
    await this.check();
  }

  async check(): Promise<void> {
    for (const ingest of this.#ingests) await ingest.check();
    if (this.#watch.stale.length > 0) throw new Error(`Stale writes:\n${this.#watch.stale.join('\n')}`);
  }

  async #fencedBatches(): Promise<number> {
    const counts = await Promise.all(this.#ingests.map((ingest) => ingest.fencedBatches()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when every record has been consumed, with how many seconds that took. */
  async caughtUp(expected: number): Promise<number> {
    const startedMs = systemClock.now();
    await this.#until(expected);
    return Math.round((systemClock.now() - startedMs) / 1_000);
  }

  /** @throws when nothing is consumed for too long. */
  async #until(expected: number): Promise<void> {
    let [last, lastMs] = [-1, systemClock.now()];
    while (this.#watch.consumed < expected) {
      const { consumed } = this.#watch;
      if (consumed > last) [last, lastMs] = [consumed, systemClock.now()];
      else if (systemClock.now() - lastMs > standstillMs)
        throw new Error(`${consumed} of ${expected} records were consumed, and none for ${standstillMs} ms.`);
      await this.#pause(pollMs);
    }
  }

  async summary(verdict: Verdict, caughtUpSeconds: number): Promise<ProcessFaultsSummary> {
    const [nodeDownSeconds = 0, brokerDownSeconds = 0] = await Promise.all(this.#outages);
    return {
      events: this.#request.events,
      kills: this.#ingests.reduce((sum, { kills }) => sum + kills, 0),
      freezes: this.#freezes,
      nodeDownSeconds,
      brokerDownSeconds,
      claims: this.#watch.claims,
      fencedBatches: await this.#fencedBatches(),
      fencedAfterFreeze: this.#fencedAfterFreeze,
      staleWrites: this.#watch.stale.length,
      readAgain: this.#watch.readAgain,
      looks: this.#watch.looks,
      looksUnanswered: this.#watch.unanswered,
      caughtUpSeconds,
      ...verdict,
    };
  }

  #oneOf<T>(all: readonly T[]): T {
    return must(all[Math.floor(this.#random() * all.length)], 'one of them');
  }

  #say(line: string): void {
    this.#request.say(line);
  }
}

/**
 * Three brokers, three Cassandra nodes and three `jg ingest` that share a graph; a producer that is not ours writes all the time. Processes are killed (-9), frozen past
 * their session timeout and let go on; a node of the store and a broker are down for a minute each.
 *
 * @throws {Error} when the graph is not what the oracle says, a record has no fate or two, or a write of a fenced process was taken.
 */
export async function runProcessFaults(request: ProcessFaultsRequest): Promise<ProcessFaultsSummary> {
  return await interruptible((cleanup) => runAll(request, cleanup));
}

async function runAll(
  request: ProcessFaultsRequest,
  cleanup: AsyncDisposableStack,
): Promise<ProcessFaultsSummary> {
  const { seed, kills, events, say } = request;
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-process-faults-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const services = await startProcessServices(cleanup, say);
  const store = await openStore(services);
  cleanup.defer(() => store.close());
  const faults = planFaults(seed, kills);
  const oracleFile = join(folder, 'oracle.jsonl');
  const rate = Math.max(1, Math.floor((events * producedDuringFaults) / secondsOf(faults, sessionTimeoutMs)));
  const { bootstrapServers, registry } = services;
  const suffix = '.processes';
  const producer = await startProducer({
    ...{ bootstrapServers, registryUrl: registry.url, suffix, oracleFile, records: events, seed, rate },
  });
  cleanup.defer(async () => producer.kill());
  const ingests = await createIngests(services, producer.topics, cleanup);
  const watch = new PositionWatch(store, systemClock);
  cleanup.defer(() => watch.stop());
  watch.start();
  for (const ingest of ingests) ingest.start();
  const run = new ProcessRun(request, services, ingests, producer, watch);
  say(`${faults.length} faults while ${rate} records a second are written`);
  await run.disturb(faults);
  producer.hurry();
  await producer.finished;
  const oracle = await readOracle(oracleFile);
  const total = totalOf(oracle);
  say(`all ${total} records are written, ${watch.consumed} consumed`);
  const caughtUpSeconds = await run.caughtUp(total);
  await Promise.all(ingests.map((ingest) => ingest.stop()));
  await watch.stop();
  await run.check();
  say(`all are consumed, ${caughtUpSeconds} s later; comparing`);
  const { topics } = producer;
  const verdict = await judge({ store, oracle, bootstrapServers, topics, folder: join(folder, 'copy') });
  return await run.summary(verdict, caughtUpSeconds);
}

function totalOf({ fates }: Oracle): number {
  return fates.reduce((sum, { consumed }) => sum + consumed, 0);
}

async function openStore({ cassandra }: ProcessServices): Promise<GraphStore> {
  const { contactPoints } = cassandra;
  const settings = { contactPoints, dataCenter: cassandraDataCenter, keyspace, replication: 3 };
  return await openCassandraStore(settings, systemClock, Math.random, silentLog);
}

async function createIngests(
  { bootstrapServers, registry, cassandra }: ProcessServices,
  topics: readonly string[],
  cleanup: AsyncDisposableStack,
): Promise<readonly IngestProcess[]> {
  const words = [
    ...['--store', 'cassandra', '--cassandra.contact.points', cassandra.contactPoints.join(',')],
    ...['--cassandra.datacenter', cassandraDataCenter, '--cassandra.keyspace', keyspace],
    ...['--bootstrap.servers', bootstrapServers, '--schema.registry.url', registry.url],
    ...['--topics', topics.join(','), '--group.id', 'process-faults', '--data', 'never-made'],
    ...['--session.timeout.ms', String(sessionTimeoutMs), '--heartbeat.interval.ms', '1000'],
  ];
  const ingests: IngestProcess[] = [];
  for (let number = 1; number <= processes; number += 1) {
    const ingest = await IngestProcess.create(`jg ingest ${number}`, words);
    cleanup.defer(() => ingest.dispose());
    ingests.push(ingest);
  }
  return ingests;
}
