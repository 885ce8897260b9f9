import { must } from '../../foundation/index.ts';
import { perClass, type RequestClass } from '../traffic/request-class.ts';
import type { FleetConstants } from './fleet-constants.ts';
import { BroadcastCount, type Recovery, type RehearsalResult } from './rehearsal-result.ts';
import { RehearsalSeries } from './rehearsal-series.ts';
import type { Fault, Scenario } from './scenario.ts';
import { TraceHash } from './trace-hash.ts';
import { causes } from './virtual-devices.ts';
import type { VirtualBroadcast } from './virtual-schedule.ts';

export interface RehearsalSubject {
  readonly scenario: Scenario;
  readonly constants: FleetConstants;
  readonly seed: number;
  /** Devices that each simulated one stands for. */
  readonly weight: number;
}

interface OpenRecovery {
  readonly fault: Fault;
  readonly atMs: number;
  lost: number;
  back: number;
  lastMs: number;
}

/** What happens in a rehearsal, added up: counts, curves, broadcasts, recoveries, and the hash of the trace. */
export class RehearsalLog {
  readonly #subject: RehearsalSubject;
  readonly #weight: number;
  readonly #series: RehearsalSeries;
  readonly #trace = new TraceHash();
  /** No more than stages and faults together. */
  readonly #broadcasts: BroadcastCount[] = [];
  readonly #recoveries = new Map<number, OpenRecovery>();
  readonly #shed = perClass(() => 0);
  #events = 0;
  #connected = 0;
  #peaks = { connected: 0, sockets: 0, gatewayCpu: 0, serverCpu: 0 };
  #counts = { arrived: 0, connectsRefused: 0, prefetches: 0, quietRefreshes: 0, stepsBack: 0 };
  #coverage = { there: 0, prefetched: 0 };
  #users = { requests: 0, refused: 0 };

  constructor(subject: RehearsalSubject) {
    this.#subject = subject;
    this.#weight = subject.weight;
    this.#series = new RehearsalSeries(subject.scenario.durationMs);
  }

  get events(): number {
    return this.#events;
  }

  event(tick: number, kind: number, device: number): void {
    this.#events += 1;
    this.#trace.add(tick * 4 + kind);
    this.#trace.add(device);
  }

  arrived(nowMs: number): void {
    this.#counts.arrived += this.#weight;
    this.#series.count('arrivals', nowMs, this.#weight);
  }

  connected(nowMs: number): void {
    this.#connected += this.#weight;
    this.#series.count('connects', nowMs, this.#weight);
  }

  disconnected(): void {
    this.#connected -= this.#weight;
  }

  connectRefused(nowMs: number): void {
    this.#counts.connectsRefused += this.#weight;
    this.#series.count('connectsRefused', nowMs, this.#weight);
    this.shed('live-critical', nowMs, this.#weight);
  }

  prefetchAsked(nowMs: number, cause: number, isQuiet: boolean): void {
    if (cause === causes.expiry) {
      this.#series.count('expirations', nowMs, this.#weight);
      if (isQuiet) this.#counts.quietRefreshes += this.#weight;
    }
    if (cause === causes.version) this.#series.count('versionRefreshes', nowMs, this.#weight);
  }

  prefetched(nowMs: number): void {
    this.#counts.prefetches += this.#weight;
    this.#series.count('prefetches', nowMs, this.#weight);
  }

  shed(requestClass: RequestClass, nowMs: number, count: number): void {
    this.#shed[requestClass] += count;
    this.#series.shed(requestClass, nowMs, count);
  }

  users(requests: number, refused: number): void {
    this.#users.requests += requests;
    this.#users.refused += refused;
  }

  covered(hasPrefetched: boolean): void {
    this.#coverage.there += this.#weight;
    if (hasPrefetched) this.#coverage.prefetched += this.#weight;
  }

  steppedBack(): void {
    this.#counts.stepsBack += this.#weight;
  }

  broadcast(broadcast: VirtualBroadcast, stage: string): BroadcastCount {
    const count = new BroadcastCount(broadcast, stage);
    this.#broadcasts.push(count);
    this.#trace.add(broadcast.sequence * 1_000 + broadcast.stage);
    return count;
  }

  /** By its sequence, which counts from 1. */
  broadcastOf(sequence: number): VirtualBroadcast {
    return this.#count(sequence).broadcast;
  }

  delivered(nowMs: number): void {
    this.#series.count('deliveries', nowMs, this.#weight);
  }

  reached(sequence: number, delayMs: number): void {
    this.#count(sequence).reached(delayMs, this.#weight);
  }

  superseded(sequence: number): void {
    this.#count(sequence).superseded(this.#weight);
  }

  caughtUp(sequence: number): void {
    this.#count(sequence).caughtUp(this.#weight);
  }

  faulted(index: number, fault: Fault, atMs: number): void {
    this.#recoveries.set(index, { fault, atMs, lost: 0, back: 0, lastMs: atMs });
  }

  lost(index: number): void {
    this.#recovery(index).lost += this.#weight;
  }

  recovered(index: number, nowMs: number): void {
    const recovery = this.#recovery(index);
    recovery.back += this.#weight;
    recovery.lastMs = nowMs;
  }

  second(
    nowMs: number,
    gateways: { readonly mean: number; readonly max: number; readonly socketsMax: number },
    serverCpu: number,
  ): void {
    this.#series.peak('connected', nowMs, this.#connected);
    this.#series.mean('gatewayCpuMean', nowMs, gateways.mean);
    this.#series.peak('gatewayCpuMax', nowMs, gateways.max);
    this.#series.peak('serverCpu', nowMs, serverCpu);
    const peaks = this.#peaks;
    this.#peaks = {
      connected: Math.max(peaks.connected, this.#connected),
      sockets: Math.max(peaks.sockets, gateways.socketsMax),
      gatewayCpu: Math.max(peaks.gatewayCpu, gateways.max),
      serverCpu: Math.max(peaks.serverCpu, serverCpu),
    };
  }

  result(): RehearsalResult {
    const { scenario, constants, seed } = this.#subject;
    const { there, prefetched } = this.#coverage;
    const { requests, refused } = this.#users;
    const { arrived, connectsRefused, prefetches, quietRefreshes, stepsBack } = this.#counts;
    return {
      scenario,
      constants,
      seed,
      hash: this.#trace.text(),
      series: this.#series.done(),
      broadcasts: this.#broadcasts.map((count) => count.result()),
      recoveries: [...this.#recoveries.values()].map(recoveryOf),
      totals: {
        arrived: Math.round(arrived),
        connectedMax: Math.round(this.#peaks.connected),
        socketsPerGatewayMax: Math.round(this.#peaks.sockets),
        connectsRefused: Math.round(connectsRefused),
        prefetches: Math.round(prefetches),
        quietRefreshes: Math.round(quietRefreshes),
        stepsBack: Math.round(stepsBack),
        prefetchCoverage: there === 0 ? null : prefetched / there,
        userAdmitted: requests === 0 ? 1 : 1 - refused / requests,
        shed: perClass((name) => Math.round(this.#shed[name])),
        gatewayCpuMax: this.#peaks.gatewayCpu,
        serverCpuMax: this.#peaks.serverCpu,
        events: this.#events,
      },
    };
  }

  #count(sequence: number): BroadcastCount {
    return must(this.#broadcasts[sequence - 1], 'a sequence is of a broadcast that was sent');
  }

  #recovery(index: number): OpenRecovery {
    return must(this.#recoveries.get(index), 'what is lost or back is so by a fault');
  }
}

function recoveryOf({ fault, atMs, lost, back, lastMs }: OpenRecovery): Recovery {
  const isOver = back >= lost - 1e-6;
  return { fault, lost: Math.round(lost), back: Math.round(back), tookMs: isOver ? lastMs - atMs : null };
}
