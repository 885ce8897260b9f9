import { countText } from '../../foundation/index.ts';
import type { FleetConstants } from './fleet-constants.ts';
import {
  type BroadcastPrediction,
  gatewaysFor,
  memoryPerGatewayBytes,
  predictBroadcast,
} from './fleet-model.ts';
import { durationText, percent } from './verdict.ts';

/** What is known of an event before it begins. */
export interface PreflightFacts {
  readonly nowMs: number;
  /** Of the first stage that is live; null: nobody has said when. */
  readonly startsAtMs: number | null;
  readonly hasBegun: boolean;
  /** Members of the frozen audience; null while none was named. */
  readonly members: number | null;
  /** Members with a fresh prefetch; null: not known. */
  readonly prefetched: number | null;
  readonly gateways: number;
  /** Devices that each of them takes, as it said; null for one that did not say. */
  readonly socketLimits: readonly (number | null)[];
  /** Sockets of this event now. */
  readonly sockets: number;
  /** Cores that answer prefetches. */
  readonly serverCores: number;
}

export interface PreflightPlan {
  /** Devices of a member that are there at the same time, on average. */
  readonly devicesPerMember: number;
  /** Every device is to have the stage within it. */
  readonly t100Ms: number;
  /** Share of the audience that is to have prefetched at the start. */
  readonly prefetchShareMin: number;
  /** No prefetch is counted on from so long before the start: the quiet window. */
  readonly quietLeadMs: number;
}

export const preflightPlanDefault: PreflightPlan = {
  devicesPerMember: 1,
  t100Ms: 60_000,
  prefetchShareMin: 0.95,
  quietLeadMs: 600_000,
};

export interface PreflightCheck {
  readonly name: 'schedule' | 'audience' | 'sockets' | 'reach' | 'connects' | 'prefetch' | 'constants';
  /** `unknown` does not stop an event, but says that nobody can promise. */
  readonly verdict: 'yes' | 'no' | 'unknown';
  /** Why, and where it is no, what to do. */
  readonly sentence: string;
}

export interface Preflight {
  /** No check says no. */
  readonly holds: boolean;
  readonly checks: readonly PreflightCheck[];
  /** Null: too little is known. */
  readonly prediction: BroadcastPrediction | null;
  readonly gatewaysNeeded: number | null;
  /** For sockets alone. */
  readonly gatewayMemoryBytes: number | null;
}

/** Above this share of their cores the servers begin to shed prefetches: see `traffic/cubic-shedding.ts`. */
const serverShareMax = 0.6;
const dayMs = 86_400_000;

/** Whether the plan can hold, by the model alone: it asks nobody and changes nothing. */
export function preflight(facts: PreflightFacts, plan: PreflightPlan, constants: FleetConstants): Preflight {
  const devices = facts.members === null ? null : Math.ceil(facts.members * plan.devicesPerMember);
  const fleet = { gateways: facts.gateways, serverCores: facts.serverCores };
  const canReach = devices !== null && facts.gateways > 0;
  const prediction = canReach ? predictBroadcast(devices, fleet, constants) : null;
  const checks = [
    schedule(facts),
    audience(facts),
    ...(devices === null
      ? []
      : [
          sockets(devices, facts, constants),
          reach(devices, prediction, plan, constants),
          connects(devices, facts, constants),
        ]),
    prefetch(facts, plan, constants),
    measured(constants),
  ];
  return {
    holds: checks.every(({ verdict }) => verdict !== 'no'),
    checks,
    prediction,
    gatewayMemoryBytes: canReach ? memoryPerGatewayBytes(devices, fleet, constants) : null,
    gatewaysNeeded: devices === null ? null : gatewaysFor(devices, plan.t100Ms, constants),
  };
}

function schedule({ startsAtMs, hasBegun, nowMs }: PreflightFacts): PreflightCheck {
  const name = 'schedule';
  if (hasBegun) return { name, verdict: 'no', sentence: 'It has begun: there is nothing left to prepare.' };
  if (startsAtMs === null)
    return {
      name,
      verdict: 'no',
      sentence: 'Nobody has said when it goes live: give its live stage a time.',
    };
  const leftMs = startsAtMs - nowMs;
  if (leftMs <= 0) return { name, verdict: 'no', sentence: 'Its time has come: move the start.' };
  const text = leftMs > dayMs ? `${(leftMs / dayMs).toFixed(1)} days` : durationText(leftMs);
  return { name, verdict: 'yes', sentence: `It goes live in ${text}.` };
}

function audience({ members }: PreflightFacts): PreflightCheck {
  const name = 'audience';
  if (members === null)
    return {
      name,
      verdict: 'no',
      sentence: 'It has no audience: freeze one and name it, or nobody can say who is to be reached.',
    };
  if (members === 0) return { name, verdict: 'no', sentence: 'Nobody is in its audience.' };
  return { name, verdict: 'yes', sentence: `${countText(members)} members are to be reached.` };
}

function sockets(
  devices: number,
  { gateways, socketLimits }: PreflightFacts,
  constants: FleetConstants,
): PreflightCheck {
  const name = 'sockets';
  const perGateway = constants.socketsPerGateway;
  const withheld = socketLimits.reduce<number>(
    (sum, limit) => sum + Math.max(0, perGateway - (limit ?? perGateway)),
    0,
  );
  const room = gateways * perGateway - withheld;
  const said = gateways === 1 ? '1 gateway has' : `${countText(gateways)} gateways have`;
  if (devices <= room)
    return {
      name,
      verdict: 'yes',
      sentence: `${said} room for ${countText(room)} sockets.`,
    };
  const lack = `${said} room for ${countText(room)} of ${countText(devices)} devices`;
  // What their own settings withhold costs no machine.
  if (devices <= room + withheld)
    return { name, verdict: 'no', sentence: `${lack}: raise their \`live.sockets.max\`.` };
  const needed = Math.ceil(devices / perGateway);
  const raise = withheld === 0 ? '' : ', and raise `live.sockets.max` of those that are there';
  const sentence = `${lack}: start ${countText(needed - gateways)} more${raise}.`;
  return { name, verdict: 'no', sentence };
}

function reach(
  devices: number,
  prediction: BroadcastPrediction | null,
  plan: PreflightPlan,
  constants: FleetConstants,
): PreflightCheck {
  const name = 'reach';
  if (prediction === null) return { name, verdict: 'no', sentence: 'No gateway is connected.' };
  const said = `every device is reached after ${durationText(prediction.t100Ms)}`;
  if (prediction.t100Ms <= plan.t100Ms) return { name, verdict: 'yes', sentence: `By the model ${said}.` };
  const needed = gatewaysFor(devices, plan.t100Ms, constants);
  const remedy = needed === null ? 'allow more time' : `${countText(needed)} gateways would do it`;
  return {
    name,
    verdict: 'no',
    sentence: `By the model ${said}, not within ${durationText(plan.t100Ms)}: ${remedy}.`,
  };
}

function connects(
  devices: number,
  { gateways, sockets: held, startsAtMs, nowMs }: PreflightFacts,
  constants: FleetConstants,
): PreflightCheck {
  const name = 'connects';
  const missing = Math.max(0, devices - held);
  const seconds = startsAtMs === null ? 0 : Math.max(0, startsAtMs - nowMs) / 1000;
  const possible = gateways * constants.connectsPerSecondPerGateway * seconds;
  const said = `${countText(held)} devices are connected, and until the start ${countText(possible)} more can be`;
  if (missing <= possible) return { name, verdict: 'yes', sentence: `${said}.` };
  return {
    name,
    verdict: 'no',
    sentence: `${said}, which leaves out ${countText(missing - possible)}: start more gateways, or later.`,
  };
}

function prefetch(
  { members, prefetched, startsAtMs, nowMs, serverCores }: PreflightFacts,
  { prefetchShareMin, quietLeadMs }: PreflightPlan,
  constants: FleetConstants,
): PreflightCheck {
  const name = 'prefetch';
  if (prefetched === null || members === null || members === 0)
    return { name, verdict: 'unknown', sentence: 'How many have prefetched is not known.' };
  const share = prefetched / members;
  const has = `${percent(share)} of the audience have prefetched`;
  if (share >= prefetchShareMin) return { name, verdict: 'yes', sentence: `${has}.` };
  const seconds = startsAtMs === null ? 0 : Math.max(0, startsAtMs - quietLeadMs - nowMs) / 1000;
  const perSecond = (serverCores * 1e6 * serverShareMax) / constants.cpuMicrosPerPrefetch;
  const missing = members * prefetchShareMin - prefetched;
  const goal = `${percent(prefetchShareMin)} need ${countText(missing)} more`;
  if (missing > perSecond * seconds) {
    const sentence = `${has}; ${goal}, and the servers answer ${countText(perSecond * seconds)} before the quiet window: start later, or add cores.`;
    return { name, verdict: 'no', sentence };
  }
  const rate = missing / Math.max(1, seconds);
  const sentence = `${has}; ${goal}, which the servers can answer, if ${countText(rate)} a second ask until the quiet window.`;
  return { name, verdict: 'unknown', sentence };
}

function measured({ isPlaceholder, source }: FleetConstants): PreflightCheck {
  const name = 'constants';
  if (!isPlaceholder) return { name, verdict: 'yes', sentence: `What a device costs: ${source}.` };
  return { name, verdict: 'unknown', sentence: `What a device costs was not measured here: ${source}.` };
}
