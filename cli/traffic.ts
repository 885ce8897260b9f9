import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Settings } from '../config/index.ts';
import { type Log, RefusedError } from '../foundation/index.ts';
import {
  classOf,
  EventPools,
  eventOfAddress,
  type LiveService,
  type LoadMeter,
  type Refusal,
  raiseClassScope,
  readEventPool,
  TrafficControl,
  type TrafficState,
  trafficLimitsDefault,
} from '../live-events/index.ts';
import type { Caller, TrafficGate } from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';

export interface Traffic {
  /** Null where nothing is to be held back. */
  readonly gate: TrafficGate | null;
  /** Why a device may not connect now; null when it may. */
  readonly refusesSocket: (request: IncomingMessage) => Refusal | null;
  readonly state: () => TrafficState | null;
  /** Of debug and info lines, by the rules that are on. */
  readonly logShare: () => number;
  close(): void;
}

/** A wait of so long for a turn of the event loop counts as fully loaded. */
const loopDelayFullMs = 100;
const delayResolutionMs = 10;
const nanosOfMs = 1e6;

/** @throws RefusedError `INVALID_SETTINGS`. */
export function poolsOf(settings: Settings): EventPools {
  const rules = settings['live.pools'].map((text) => {
    const rule = readEventPool(text);
    if (rule !== null) return rule;
    const message = `live.pools: "${text}" is neither EVENT=SHARE, with a share above 0 to 1, nor EVENT=URL.`;
    throw new RefusedError('INVALID_SETTINGS', message);
  });
  return new EventPools(rules);
}

/** Holds requests back by their class when there are more than can be answered, by rules of the live events that are on, and by what an answer takes. */
export function openTraffic(
  settings: Settings,
  service: LiveService | null,
  io: Pick<CommandIo, 'random'>,
  log: Log,
  pools: EventPools,
): Traffic {
  if (!settings['api.shedding'])
    return {
      gate: null,
      refusesSocket: () => null,
      state: () => null,
      logShare: () => 1,
      close: () => undefined,
    };
  const meter = loopDelayMeter();
  const control = new TrafficControl(trafficLimitsDefault, {
    nowMs: () => performance.now(),
    random: io.random,
    log,
    meter,
    pools,
  });
  // Without live events there are none whose rules could be on.
  const unfollow = service === null ? () => undefined : control.rules.follow(service);
  return {
    gate: {
      admit: ({ headers, path, search, caller }) => {
        const ofRoute = classOf({ path, headers }, mayRaise(caller));
        const isOperators = caller.kind !== 'token' && headers['x-request-class'] === undefined;
        // A backup during an event is what its operator wants, until it is said to be less urgent.
        const requestClass = ofRoute === 'bulk' && isOperators ? 'user' : ofRoute;
        const admission = control.admit({ requestClass, event: eventOfAddress(path, search) });
        return admission.kind === 'admitted' ? admission : { kind: 'refused', ...admission.refusal };
      },
    },
    refusesSocket: ({ headers, url = '' }) => {
      const [path = ''] = url.split('?', 1);
      // Its token is not looked at before there is room for it, so nobody is known to be more than a stranger.
      const admission = control.admitSocket(classOf({ path, headers }, false));
      return admission.kind === 'admitted' ? null : admission.refusal;
    },
    state: () => control.state(),
    logShare: () => control.logShare(),
    close: () => {
      unfollow();
      meter.close();
    },
  };
}

function mayRaise({ kind, scopes }: Caller): boolean {
  return kind !== 'token' || scopes.has(raiseClassScope);
}

/**
 * How long the event loop lets others wait. Its share of busy time says nothing in a process that also applies events: that fills whatever time there is, in slices, and
 * gives way to requests.
 */
function loopDelayMeter(): LoadMeter & { close(): void } {
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delays.enable();
  return {
    utilisation: () => {
      const delayMs = Math.max(0, delays.percentile(90) / nanosOfMs - delayResolutionMs);
      delays.reset();
      return Number.isFinite(delayMs) ? Math.min(1, delayMs / loopDelayFullMs) : 0;
    },
    close: () => delays.disable(),
  };
}
