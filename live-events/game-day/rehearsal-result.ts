import type { RequestClass } from '../traffic/request-class.ts';
import type { FleetConstants } from './fleet-constants.ts';
import type { Series } from './rehearsal-series.ts';
import type { Fault, Scenario } from './scenario.ts';
import type { VirtualBroadcast } from './virtual-schedule.ts';
import { WeightedDelays } from './weighted-delays.ts';

/** What became of one broadcast; devices are those that were connected when it was sent. */
export interface BroadcastResult {
  readonly sequence: number;
  readonly version: number;
  readonly stage: string;
  readonly cause: VirtualBroadcast['cause'];
  readonly atMs: number;
  readonly devices: number;
  readonly reached: number;
  /** A newer one came to them before it. */
  readonly superseded: number;
  /** Neither it nor a newer one came to them. */
  readonly missing: number;
  /** Of others, that connected later. */
  readonly caughtUp: number;
  /** Of those it was for; null when so many were never reached. */
  readonly t50Ms: number | null;
  readonly t99Ms: number | null;
  readonly t100Ms: number | null;
}

export interface Recovery {
  readonly fault: Fault;
  readonly lost: number;
  readonly back: number;
  /** From the fault until the last was back; null while some are not. */
  readonly tookMs: number | null;
}

export interface RehearsalTotals {
  readonly arrived: number;
  readonly connectedMax: number;
  readonly socketsPerGatewayMax: number;
  readonly connectsRefused: number;
  readonly prefetches: number;
  readonly quietRefreshes: number;
  readonly stepsBack: number;
  /** Of the devices that were there when the first live stage was entered, those that had prefetched; null: it never was. */
  readonly prefetchCoverage: number | null;
  readonly userAdmitted: number;
  readonly shed: Readonly<Record<RequestClass, number>>;
  readonly gatewayCpuMax: number;
  readonly serverCpuMax: number;
  readonly events: number;
}

export interface RehearsalResult {
  readonly scenario: Scenario;
  readonly constants: FleetConstants;
  readonly seed: number;
  /** Of everything that happened, in order: the same for the same scenario, constants and seed. */
  readonly hash: string;
  readonly series: Series;
  readonly broadcasts: readonly BroadcastResult[];
  readonly recoveries: readonly Recovery[];
  readonly totals: RehearsalTotals;
}

/** One broadcast while it is on its way. */
export class BroadcastCount {
  readonly broadcast: VirtualBroadcast;
  readonly #stage: string;
  readonly #delays = new WeightedDelays();
  #devices = 0;
  #superseded = 0;
  #caughtUp = 0;

  constructor(broadcast: VirtualBroadcast, stage: string) {
    this.broadcast = broadcast;
    this.#stage = stage;
  }

  sent(weight: number): void {
    this.#devices += weight;
  }

  reached(delayMs: number, weight: number): void {
    this.#delays.add(delayMs, weight);
  }

  superseded(weight: number): void {
    this.#superseded += weight;
  }

  caughtUp(weight: number): void {
    this.#caughtUp += weight;
  }

  result(): BroadcastResult {
    const { sequence, version, cause, atMs } = this.broadcast;
    const reached = this.#delays.count;
    const wanted = this.#devices - this.#superseded;
    const missing = Math.max(0, Math.round(wanted - reached));
    const quantile = (share: number): number | null => this.#delays.quantile(share, wanted);
    return {
      sequence,
      version,
      stage: this.#stage,
      cause,
      atMs,
      devices: Math.round(this.#devices),
      reached: Math.round(reached),
      superseded: Math.round(this.#superseded),
      missing,
      caughtUp: Math.round(this.#caughtUp),
      t50Ms: quantile(0.5),
      t99Ms: quantile(0.99),
      t100Ms: quantile(1),
    };
  }
}
