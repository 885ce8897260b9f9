import type { Log, Random } from '../../foundation/index.ts';
import {
  isKept,
  keptShare,
  type Load,
  overloadOf,
  type SheddingLimits,
  sheddingLimitsDefault,
} from './cubic-shedding.ts';
import type { EventPools } from './event-pool.ts';
import { GradientLimit, type GradientLimits, gradientLimitsDefault } from './gradient-limit.ts';
import { type LoadMeter, LoadWindow, type LoadWindowLimits, loadWindowLimitsDefault } from './load-window.ts';
import {
  OverloadHistory,
  type OverloadHistoryLimits,
  overloadHistoryLimitsDefault,
} from './overload-history.ts';
import { type PartitionLimits, Partitions, type Place, partitionLimitsDefault } from './partitions.ts';
import { type Refusal, type RefusalLimits, refusalLimitsDefault, refusalOf } from './refusal.ts';
import { perClass, type RequestClass, requestClasses } from './request-class.ts';
import { RuleSet, type RuleSetLimits, ruleSetLimitsDefault } from './rule-set.ts';

export interface TrafficLimits {
  readonly gradient: GradientLimits;
  readonly shedding: SheddingLimits;
  readonly partitions: PartitionLimits;
  readonly refusals: RefusalLimits;
  readonly rules: RuleSetLimits;
  readonly load: LoadWindowLimits;
  readonly history: OverloadHistoryLimits;
  /** A request that takes longer is slow; timeouts are in any case. */
  readonly objectivesMs: Readonly<Record<RequestClass, number>>;
  readonly ruleWindowMs: number;
}

export const trafficLimitsDefault: TrafficLimits = {
  gradient: gradientLimitsDefault,
  shedding: sheddingLimitsDefault,
  partitions: partitionLimitsDefault,
  refusals: refusalLimitsDefault,
  rules: ruleSetLimitsDefault,
  load: loadWindowLimitsDefault,
  history: overloadHistoryLimitsDefault,
  objectivesMs: { 'live-critical': 250, user: 500, prefetch: 2_000, bulk: 10_000 },
  ruleWindowMs: 1_000,
};

export interface TrafficParts {
  /** Monotonic, with fractions of a millisecond. */
  readonly nowMs: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly meter: LoadMeter;
  readonly pools: EventPools;
}

export interface Arrival {
  readonly requestClass: RequestClass;
  /** Null: of none. */
  readonly event: string | null;
}

export type SocketAdmission = { readonly kind: 'admitted' } | Refused;

/**
 * What became of an admitted request. `abandoned`: its caller went away, or it lasts as long as somebody wants it (a socket, a subscription): its
 * time is no latency. A failed one's is none either: errors are often fast.
 */
export interface Outcome {
  readonly kind: 'answered' | 'failed' | 'timed-out' | 'abandoned';
  /** Calls of the store for it. */
  readonly downstreamCalls: number;
}

export type Admission =
  /** To be called once, when it has ended; further calls do nothing. */
  { readonly kind: 'admitted'; readonly done: (outcome: Outcome) => void } | Refused;

export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusedBy;
  readonly refusal: Refusal;
}

/** `rule`: a rule holds its class back; `load`: shed by class; `limit`: no place in the limit, or in its event's pool. */
export type RefusedBy = 'rule' | 'load' | 'limit';

interface ClassCounts {
  admitted: number;
  readonly refused: Record<RefusedBy, number>;
}

export interface TrafficState {
  readonly load: Load;
  readonly overload: number;
  readonly limit: number;
  readonly inFlight: number;
  /** Share of each class that is admitted by load now. */
  readonly keptShare: Readonly<Record<RequestClass, number>>;
  /** Since the start. */
  readonly counts: Readonly<Record<RequestClass, { readonly admitted: number; readonly refused: Readonly<Record<RefusedBy, number>> }>>; // biome-ignore format: one type
  readonly rules: ReturnType<RuleSet['state']>;
}

/** Counts of each class; none where nothing is held back. */
export function requestClassesOf(
  state: TrafficState | null,
): readonly ({ readonly requestClass: RequestClass } & TrafficState['counts'][RequestClass])[] {
  if (state === null) return [];
  return requestClasses.map((requestClass) => ({ requestClass, ...state.counts[requestClass] }));
}

/** Whether a request may be worked on now: by rule, by load and by a place in the limit, in that order, each cheaper to ask than the next. */
export class TrafficControl {
  readonly rules: RuleSet;
  readonly #parts: TrafficParts;
  readonly #limits: TrafficLimits;
  readonly #gradient: GradientLimit;
  readonly #partitions: Partitions;
  readonly #window: LoadWindow;
  readonly #history: OverloadHistory;
  readonly #counts = perClass((): ClassCounts => ({ admitted: 0, refused: { rule: 0, load: 0, limit: 0 } }));
  #overload = 0;
  #ruleWindow = { startedMs: 0, offered: 0, admitted: 0, downstreamCalls: 0 };

  constructor(limits: TrafficLimits, parts: TrafficParts) {
    this.#limits = limits;
    this.#parts = parts;
    this.rules = new RuleSet(limits.rules, parts.log);
    this.#gradient = new GradientLimit(limits.gradient);
    this.#partitions = new Partitions(limits.partitions);
    this.#window = new LoadWindow(limits.load, parts.meter, parts.nowMs());
    this.#history = new OverloadHistory(limits.history);
    this.#ruleWindow.startedMs = parts.nowMs();
  }

  admit({ requestClass, event }: Arrival): Admission {
    const nowMs = this.#parts.nowMs();
    const shed = this.#shed(requestClass, nowMs);
    if (shed !== null) return shed;
    const pool = this.#parts.pools.of(event);
    const place: Place = { requestClass, pool: pool.kind === 'partition' ? pool : null };
    if (!this.#partitions.take(place, this.#gradient.limit)) return this.#refuse(requestClass, 'limit');
    this.#counts[requestClass].admitted += 1;
    this.#ruleWindow.admitted += 1;
    let ended = false;
    const done = (outcome: Outcome): void => {
      if (ended) return;
      ended = true;
      this.#end(place, nowMs, outcome);
    };
    return { kind: 'admitted', done };
  }

  /**
   * A connect, held back by rule and by load as a request is, and counted as offered. Admitted says that it is let on to its gateway, whose own bounds come after. It takes no place among requests: a socket lasts as long as somebody wants it, and a
   * storm of connects is one burst that its gateway bounds by rate, while the limit learns from latencies how many questions may be answered at once.
   */
  admitSocket(requestClass: RequestClass): SocketAdmission {
    const shed = this.#shed(requestClass, this.#parts.nowMs());
    if (shed !== null) return shed;
    this.#counts[requestClass].admitted += 1;
    return { kind: 'admitted' };
  }

  state(): TrafficState {
    const nowMs = this.#parts.nowMs();
    this.#roll(nowMs);
    return {
      load: this.#window.load(nowMs, this.#inFlightShare()),
      overload: this.#overload,
      limit: this.#gradient.limit,
      inFlight: this.#partitions.total,
      keptShare: perClass((name) => this.#keptShare(name)),
      counts: perClass((name) => ({
        admitted: this.#counts[name].admitted,
        refused: { ...this.#counts[name].refused },
      })),
      rules: this.rules.state(),
    };
  }

  /** Of debug and info lines, by the rules that hold now: where no requests come, only those who ask find out that a phase began or ended. */
  logShare(): number {
    const nowMs = this.#parts.nowMs();
    if (nowMs - this.#ruleWindow.startedMs >= this.#limits.ruleWindowMs) this.#roll(nowMs);
    return this.rules.logShare();
  }

  #shed(requestClass: RequestClass, nowMs: number): Refused | null {
    this.#roll(nowMs);
    this.#ruleWindow.offered += 1;
    const { random } = this.#parts;
    if (!isKept(this.rules.admitShare(requestClass), random)) return this.#refuse(requestClass, 'rule');
    return isKept(this.#keptShare(requestClass), random) ? null : this.#refuse(requestClass, 'load');
  }

  #end(place: Place, startedMs: number, { kind, downstreamCalls }: Outcome): void {
    const nowMs = this.#parts.nowMs();
    const inFlight = this.#partitions.total;
    this.#partitions.giveBack(place);
    this.#ruleWindow.downstreamCalls += downstreamCalls;
    if (kind === 'abandoned' || kind === 'failed') return;
    const latencyMs = nowMs - startedMs;
    this.#gradient.sample(nowMs, latencyMs, inFlight);
    this.#window.ended(kind === 'timed-out' || latencyMs > this.#limits.objectivesMs[place.requestClass]);
  }

  #refuse(requestClass: RequestClass, reason: RefusedBy): Refused {
    this.#counts[requestClass].refused[reason] += 1;
    const code = reason === 'rule' ? 'CLASS_PAUSED' : 'OVERLOADED';
    const budget = this.#limits.refusals[requestClass];
    return { kind: 'refused', reason, refusal: refusalOf(code, budget, this.#overload, this.#parts.random) };
  }

  #keptShare(requestClass: RequestClass): number {
    const goesByMoment = requestClass === 'prefetch' || requestClass === 'bulk';
    return keptShare(requestClass, goesByMoment ? this.#overload : this.#history.lasting());
  }

  #inFlightShare(): number {
    return this.#partitions.total / this.#gradient.limit;
  }

  #roll(nowMs: number): void {
    this.#overload = overloadOf(this.#window.load(nowMs, this.#inFlightShare()), this.#limits.shedding);
    this.#history.add(nowMs, this.#overload);
    const { startedMs, ...counts } = this.#ruleWindow;
    const elapsedMs = nowMs - startedMs;
    if (elapsedMs < this.#limits.ruleWindowMs) return;
    this.#ruleWindow = { startedMs: nowMs, offered: 0, admitted: 0, downstreamCalls: 0 };
    this.rules.tick(nowMs, { ...counts, seconds: elapsedMs / 1000 });
  }
}
