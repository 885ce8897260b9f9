import type { StageKind } from '../live-event.ts';
import type { ArrivalPoint, Fleet } from './fleet-model.ts';

/** Times are milliseconds from the beginning of the rehearsal. */
export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly devices: number;
  /** Devices that are simulated one by one; each stands for as many as it takes. */
  readonly devicesSimulated: number;
  readonly arrivals: readonly ArrivalPoint[];
  readonly stages: readonly ScenarioStage[];
  readonly prefetch: {
    readonly ttlMs: number;
    readonly jitterShare: number;
    readonly spreadMs: number;
    readonly quietLeadMs: number;
    readonly quietTailMs: number;
  };
  /** Connections that break by themselves, an hour and connection. */
  readonly lossesPerHour: number;
  readonly userRequestsPerSecond: number;
  readonly fleet: Fleet;
  readonly faults: readonly Fault[];
  readonly targets: Targets;
}

export interface ScenarioStage {
  readonly key: string;
  readonly kind: StageKind;
  readonly startsAtMs: number;
}

export type Fault =
  /** Its sockets break at once; nothing connects to it until it is back. */
  | {
      readonly kind: 'gateway-killed';
      readonly atMs: number;
      readonly gateway: number;
      readonly downMs: number;
    }
  /** So many of the connected devices lose their connection at once. */
  | { readonly kind: 'connections-lost'; readonly atMs: number; readonly share: number }
  /** Stages that have not been entered come so much later, or earlier where it is negative. */
  | { readonly kind: 'schedule-moved'; readonly atMs: number; readonly byMs: number }
  /** The stage's time comes and nobody is ready: it is moved at that moment. */
  | { readonly kind: 'late-start'; readonly stage: string; readonly byMs: number }
  | { readonly kind: 'user-rush'; readonly atMs: number; readonly factor: number; readonly lastsMs: number };

/** The plan that a rehearsal passes or fails; null: not asked for. */
export interface Targets {
  readonly t50Ms: number | null;
  readonly t99Ms: number | null;
  readonly t100Ms: number | null;
  /** Of the devices that are there when the first live stage is entered. */
  readonly prefetchCoverageMin: number | null;
  readonly userAdmittedMin: number | null;
  /** Refreshes by expiry within the quiet window. */
  readonly quietRefreshesMax: number | null;
  /** Of those that lost their connection by a fault, the last is back. */
  readonly recoveryMs: number | null;
  readonly gatewayCpuMax: number | null;
  readonly stepsBackMax: number | null;
}

export const scenarioBounds = {
  durationMsMax: 24 * 3_600_000,
  devicesMax: 1_000_000_000,
  devicesSimulatedMax: 2_000_000,
  /** Simulated where a scenario says nothing else. */
  devicesSimulatedDefault: 1_000_000,
  gatewaysMax: 20_000,
  arrivalsMax: 1_000,
  stagesMax: 32,
  faultsMax: 100,
  charactersMax: 262_144,
} as const;
