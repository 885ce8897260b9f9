import type { Log } from '../../foundation/index.ts';
import type { LiveEvent, LiveEvents, StageKind } from '../live-event.ts';
import { perClass, type RequestClass, requestClasses } from './request-class.ts';
import { type Flow, SpillGuard, type SpillLimits, spillLimitsDefault } from './spill-guard.ts';

export interface TrafficRule {
  readonly name: string;
  readonly when: RuleCondition;
  /** Share of each class's requests that is admitted while it is on; absent: all. */
  readonly admitShare: Readonly<Partial<Record<RequestClass, number>>>;
  /** Share of the log's debug and info lines that is kept while it is on. */
  readonly logShare: number;
}

export type RuleCondition =
  /** While any event is in one of these. */
  | { readonly kind: 'phase'; readonly phases: readonly StageKind[] }
  /** Above so many requests, of all classes and refused ones included. */
  | { readonly kind: 'rate'; readonly requestsPerSecond: number };

export interface RuleSetLimits {
  readonly rules: readonly TrafficRule[];
  readonly spill: SpillLimits;
  /** A rule stays on, or off, at least so long; a spill ends it before. */
  readonly holdMs: number;
  /** After a switch nothing is said of spills for so long, and the baseline learns nothing. */
  readonly settleMs: number;
  /** A rule that gave way stays off so long. */
  readonly blockedMs: number;
  /** A rule of a rate ends below this share of its rate. */
  readonly endsBelow: number;
  /** Switches that are remembered; older ones are in the log. */
  readonly switchesMax: number;
}

export const ruleSetLimitsDefault: RuleSetLimits = {
  rules: [
    { name: 'lobby', when: { kind: 'phase', phases: ['lobby'] }, admitShare: { bulk: 0.5 }, logShare: 0.25 },
    {
      name: 'live',
      when: { kind: 'phase', phases: ['live', 'custom'] },
      admitShare: { bulk: 0.25, prefetch: 0.5 },
      logShare: 0.05,
    },
    {
      name: 'rush',
      when: { kind: 'rate', requestsPerSecond: 2_000 },
      admitShare: { bulk: 0 },
      logShare: 0.1,
    },
  ],
  spill: spillLimitsDefault,
  holdMs: 10_000,
  settleMs: 5_000,
  blockedMs: 120_000,
  endsBelow: 0.7,
  switchesMax: 32,
};

export interface RuleSwitch {
  readonly rule: string;
  readonly on: boolean;
  readonly atMs: number;
  readonly reason: string;
}

export interface RuleState {
  readonly rule: string;
  readonly on: boolean;
  readonly sinceMs: number;
  /** It gave way and stays off until then; null: it did not. */
  readonly blockedUntilMs: number | null;
}

/** One window of traffic. */
export interface RuleWindow extends Flow {
  /** Refused ones included. */
  readonly offered: number;
}

/** Rules that an event's phase or a rush switches on, each until its reason is gone or calls spill over. Time comes in with each window. */
export class RuleSet {
  readonly #limits: RuleSetLimits;
  readonly #log: Log;
  readonly #guard: SpillGuard;
  readonly #rules: HeldRule[];
  /** Events in a phase that some rule names: no more than there are events. */
  readonly #phases = new Map<string, StageKind>();
  #switches: readonly RuleSwitch[] = [];
  #switchedMs = Number.NEGATIVE_INFINITY;

  constructor(limits: RuleSetLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
    this.#guard = new SpillGuard(limits.spill);
    this.#rules = limits.rules.map((rule) => ({ rule, on: false, sinceMs: Number.NEGATIVE_INFINITY, blockedUntilMs: null })); // biome-ignore format: one row
  }

  /** Follows the phases of all events; returns how to stop. */
  follow(events: LiveEvents): () => void {
    for (const event of events.list()) this.entered(event);
    return events.watch(({ after }) => this.entered(after));
  }

  entered({ id, stageKind }: Pick<LiveEvent, 'id' | 'stageKind'>): void {
    const named = this.#limits.rules.some(
      ({ when }) => when.kind === 'phase' && when.phases.includes(stageKind),
    );
    if (named) this.#phases.set(id, stageKind);
    else this.#phases.delete(id);
  }

  /** Called once a window, with what went through in it. */
  tick(nowMs: number, window: RuleWindow): void {
    const settled = nowMs - this.#switchedMs >= this.#limits.settleMs;
    const holdsBack = this.#rules.some((held) => held.on && holdsSomethingBack(held.rule));
    if (settled) this.#guard.observe(window, !holdsBack);
    const spill = settled && holdsBack ? this.#guard.spill() : null;
    // One at a time, the newest first: it is the likeliest cause, and what is left shows whether it was.
    const newest = spill === null ? null : this.#newestOn();
    for (const held of this.#rules) {
      if (held === newest && spill !== null) {
        this.#switch(held, false, nowMs, spill);
        held.blockedUntilMs = nowMs + this.#limits.blockedMs;
      } else this.#follow(held, nowMs, window);
    }
  }

  /** The strictest of all rules that are on. */
  admitShare(requestClass: RequestClass): number {
    let share = 1;
    for (const { on, rule } of this.#rules)
      if (on) share = Math.min(share, rule.admitShare[requestClass] ?? 1);
    return share;
  }

  logShare(): number {
    let share = 1;
    for (const { on, rule } of this.#rules) if (on) share = Math.min(share, rule.logShare);
    return share;
  }

  state(): {
    readonly rules: readonly RuleState[];
    readonly admitShare: Readonly<Record<RequestClass, number>>;
    readonly switches: readonly RuleSwitch[];
    readonly baseline: SpillGuard['baseline'];
    readonly measured: SpillGuard['measured'];
  } {
    return {
      rules: this.#rules.map(({ rule, on, sinceMs, blockedUntilMs }) => ({ rule: rule.name, on, sinceMs, blockedUntilMs })), // biome-ignore format: one row
      admitShare: perClass((name) => this.admitShare(name)),
      switches: this.#switches,
      baseline: this.#guard.baseline,
      measured: this.#guard.measured,
    };
  }

  #follow(held: HeldRule, nowMs: number, window: RuleWindow): void {
    if (held.blockedUntilMs !== null && nowMs < held.blockedUntilMs) return;
    held.blockedUntilMs = null;
    const reason = this.#reasonFor(held, window);
    if ((reason !== null) === held.on || nowMs - held.sinceMs < this.#limits.holdMs) return;
    this.#switch(held, reason !== null, nowMs, reason ?? 'what switched it on is over');
  }

  #reasonFor({ rule, on }: HeldRule, { offered, seconds }: RuleWindow): string | null {
    const { when } = rule;
    if (when.kind === 'rate') {
      const perSecond = seconds > 0 ? offered / seconds : 0;
      const from = on ? when.requestsPerSecond * this.#limits.endsBelow : when.requestsPerSecond;
      return perSecond >= from ? `${Math.round(perSecond)} requests a second` : null;
    }
    for (const [event, phase] of this.#phases) if (when.phases.includes(phase)) return `${event} is ${phase}`;
    return null;
  }

  #newestOn(): HeldRule | null {
    const on = this.#rules.filter((held) => held.on && holdsSomethingBack(held.rule));
    return on.reduce<HeldRule | null>((newest, held) => (newest === null || held.sinceMs > newest.sinceMs ? held : newest), null); // biome-ignore format: one row
  }

  #switch(held: HeldRule, on: boolean, nowMs: number, reason: string): void {
    held.on = on;
    held.sinceMs = nowMs;
    this.#switchedMs = nowMs;
    this.#guard.restart();
    const rule = held.rule.name;
    this.#switches = [...this.#switches, { rule, on, atMs: nowMs, reason }].slice(-this.#limits.switchesMax);
    this.#log.warn({ rule, on, reason }, on ? 'A traffic rule is on.' : 'A traffic rule is off.');
  }
}

interface HeldRule {
  readonly rule: TrafficRule;
  on: boolean;
  sinceMs: number;
  blockedUntilMs: number | null;
}

function holdsSomethingBack({ admitShare }: TrafficRule): boolean {
  return requestClasses.some((name) => (admitShare[name] ?? 1) < 1);
}
