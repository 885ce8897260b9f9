import type { Random } from '../../foundation/index.ts';
import { silentLog } from '../../foundation/index.ts';
import { EventPools } from './event-pool.ts';
import { perClass, type RequestClass, requestClasses } from './request-class.ts';
import { type Admission, TrafficControl, type TrafficLimits } from './traffic-control.ts';

/** A server of one core: work waits in one queue, as in an event loop, and a look at a request's head costs CPU too. */
export interface VirtualServerCosts {
  readonly serviceMs: Readonly<Record<RequestClass, number>>;
  readonly refusalMs: number;
  /** Waiting without CPU, such as for a disk. */
  readonly waitMs: number;
  /** Callers give up after that; the work is done all the same. */
  readonly patienceMs: number;
}

export const virtualServerCosts: VirtualServerCosts = {
  serviceMs: { 'live-critical': 0.5, user: 2, prefetch: 1, bulk: 4 },
  refusalMs: 0.03,
  waitMs: 5,
  patienceMs: 1_000,
};

export interface Second {
  readonly offered: Record<RequestClass, number>;
  readonly admitted: Record<RequestClass, number>;
  /** Answered before their callers had given up. */
  readonly useful: Record<RequestClass, number>;
  latencyMaxMs: number;
}

type RatesAt = (second: number) => Readonly<Record<RequestClass, number>>;

interface Ending {
  readonly atMs: number;
  readonly startedMs: number;
  readonly requestClass: RequestClass;
  readonly admission: Admission | null;
}

/** Offers so many requests a second (Poisson) and says what became of them. Without limits everything is admitted. */
export function runVirtualServer(
  seconds: number,
  ratesAt: RatesAt,
  limits: TrafficLimits | null,
  random: Random,
): { readonly seconds: readonly Second[]; readonly control: TrafficControl | null } {
  const costs = virtualServerCosts;
  let nowMs = 0;
  let busyUntilMs = 0;
  let workMs = 0;
  const meter = meterOf(() => ({ nowMs, doneMs: workMs - Math.max(0, busyUntilMs - nowMs) }));
  const parts = { nowMs: () => nowMs, random, log: silentLog, meter, pools: new EventPools([]) };
  const control = limits === null ? null : new TrafficControl(limits, parts);
  const list = Array.from({ length: seconds }, emptySecond);
  const ends: Ending[] = [];
  let firstEnd = 0;
  const work = (ms: number): void => {
    busyUntilMs = Math.max(nowMs, busyUntilMs) + ms;
    workMs += ms;
  };
  const endUntil = (untilMs: number): void => {
    for (let end = ends[firstEnd]; end !== undefined && end.atMs <= untilMs; end = ends[firstEnd]) {
      firstEnd += 1;
      nowMs = end.atMs;
      const latencyMs = end.atMs - end.startedMs;
      const kind = latencyMs > costs.patienceMs ? 'timed-out' : 'answered';
      if (end.admission?.kind === 'admitted') end.admission.done({ kind, downstreamCalls: 1 });
      const second = list[Math.floor(end.atMs / 1000)];
      if (second === undefined) continue;
      second.latencyMaxMs = Math.max(second.latencyMaxMs, latencyMs);
      if (kind === 'answered') second.useful[end.requestClass] += 1;
    }
  };
  for (const { atMs, requestClass } of arrivals(seconds, ratesAt, random)) {
    endUntil(atMs);
    nowMs = atMs;
    const second = list[Math.floor(atMs / 1000)];
    if (second === undefined) break;
    second.offered[requestClass] += 1;
    const admission = control?.admit({ requestClass, event: null }) ?? null;
    work(costs.refusalMs);
    if (admission?.kind === 'refused') continue;
    second.admitted[requestClass] += 1;
    work(costs.serviceMs[requestClass]);
    ends.push({ atMs: busyUntilMs + costs.waitMs, startedMs: atMs, requestClass, admission });
  }
  return { seconds: list, control };
}

function* arrivals(
  seconds: number,
  ratesAt: RatesAt,
  random: Random,
): Generator<{ atMs: number; requestClass: RequestClass }> {
  let atMs = 0;
  while (atMs < seconds * 1000) {
    const rates = ratesAt(Math.floor(atMs / 1000));
    const total = requestClasses.reduce((sum, name) => sum + rates[name], 0);
    atMs += (-Math.log(1 - random()) * 1000) / total;
    let drawn = random() * total;
    const found = requestClasses.find((name) => {
      drawn -= rates[name];
      return drawn < 0;
    });
    yield { atMs, requestClass: found ?? 'user' };
  }
}

function meterOf(read: () => { readonly nowMs: number; readonly doneMs: number }): {
  utilisation(): number;
} {
  let last = { nowMs: 0, doneMs: 0 };
  return {
    utilisation: () => {
      const next = read();
      const share = (next.doneMs - last.doneMs) / Math.max(1e-9, next.nowMs - last.nowMs);
      last = next;
      return Math.min(1, share);
    },
  };
}

function emptySecond(): Second {
  const zero = (): Record<RequestClass, number> => perClass(() => 0);
  return { offered: zero(), admitted: zero(), useful: zero(), latencyMaxMs: 0 };
}

export function sumOf(
  seconds: readonly Second[],
  what: 'offered' | 'admitted' | 'useful',
  requestClass: RequestClass,
): number {
  return seconds.reduce((sum, second) => sum + second[what][requestClass], 0);
}
