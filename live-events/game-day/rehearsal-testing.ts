import { bundledConstants } from './fleet-constants.ts';
import { type RehearsalParts, rehearse } from './rehearsal.ts';
import type { RehearsalResult } from './rehearsal-result.ts';
import type { Scenario } from './scenario.ts';

export const minuteMs = 60_000;

/** Half an hour with 2,000 devices, live from the 15th minute to the 25th, without faults. */
export const smallScenario: Scenario = {
  name: 'Small',
  seed: 3,
  durationMs: 30 * minuteMs,
  devices: 2_000,
  devicesSimulated: 2_000,
  arrivals: [
    { atMs: 0, share: 0.2 },
    { atMs: 10 * minuteMs, share: 1 },
  ],
  stages: [
    { key: 'announced', kind: 'announced', startsAtMs: 0 },
    { key: 'lobby', kind: 'lobby', startsAtMs: 12 * minuteMs },
    { key: 'live', kind: 'live', startsAtMs: 15 * minuteMs },
    { key: 'ended', kind: 'ended', startsAtMs: 25 * minuteMs },
  ],
  prefetch: {
    ttlMs: 4 * minuteMs,
    jitterShare: 0.2,
    spreadMs: 2 * minuteMs,
    quietLeadMs: 2 * minuteMs,
    quietTailMs: 2 * minuteMs,
  },
  lossesPerHour: 1,
  userRequestsPerSecond: 100,
  fleet: { gateways: 4, serverCores: 4 },
  faults: [],
  targets: {
    t50Ms: null,
    t99Ms: null,
    t100Ms: null,
    prefetchCoverageMin: null,
    userAdmittedMin: null,
    quietRefreshesMax: null,
    recoveryMs: null,
    gatewayCpuMax: null,
    stepsBackMax: null,
  },
};

export function play(over: Partial<Scenario> = {}, parts: Partial<RehearsalParts> = {}): RehearsalResult {
  const steps = rehearse({ ...smallScenario, ...over }, { constants: bundledConstants(), ...parts });
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}
