export interface SpillLimits {
  /** Both measures at so many times their baseline: calls spill over. Above 1. */
  readonly spillFrom: number;
  /** Share of a new window in the baseline, above 0 to 1. */
  readonly smoothing: number;
  /** A window with fewer admitted requests is continued. */
  readonly requestsMin: number;
}

export const spillLimitsDefault: SpillLimits = { spillFrom: 1.3, smoothing: 0.1, requestsMin: 50 };

/** What went through in a while. */
export interface Flow {
  readonly seconds: number;
  readonly admitted: number;
  /** Calls of the store, or of whatever stands behind, for those requests. */
  readonly downstreamCalls: number;
}

interface Measures {
  readonly callsPerRequest: number;
  readonly callsPerSecond: number;
}

/**
 * Whether holding requests back makes things worse behind us, as Netflix reported of its live events: what is refused one way comes another
 * way. Measured are downstream calls for each admitted request and downstream calls a second, against what both were while no rule was on.
 * Both have to rise: calls for each request alone rise when cheap requests are held back, and calls a second alone when more people come.
 * More people and fewer cheap requests together look like a spill; then a rule is given up that did no harm, and shedding by load remains.
 */
export class SpillGuard {
  readonly #limits: SpillLimits;
  #baseline: Measures | null = null;
  /** The baseline is from under a rule. */
  #isMakeshift = false;
  #now: Measures | null = null;
  #pending: Flow = nothing;

  constructor(limits: SpillLimits) {
    this.#limits = limits;
  }

  get baseline(): Measures | null {
    return this.#baseline;
  }

  /** The last full window. */
  get measured(): Measures | null {
    return this.#now;
  }

  /**
   * While `learns` is false the baseline stays what it was. A process that was started in the middle of an event has none: then it is the first window under the rule, or the rule
   * would not give way for as long as the event lasts, until there is a calm one.
   */
  observe(flow: Flow, learns: boolean): void {
    const { seconds, admitted, downstreamCalls } = this.#pending;
    this.#pending = {
      seconds: seconds + flow.seconds,
      admitted: admitted + flow.admitted,
      downstreamCalls: downstreamCalls + flow.downstreamCalls,
    };
    if (this.#pending.admitted < this.#limits.requestsMin || this.#pending.seconds <= 0) return;
    const measured = measuresOf(this.#pending);
    this.#pending = nothing;
    this.#now = measured;
    if (learns)
      this.#baseline = blend(this.#isMakeshift ? null : this.#baseline, measured, this.#limits.smoothing);
    else this.#baseline ??= measured;
    this.#isMakeshift = !learns && (this.#isMakeshift || this.#baseline === measured);
  }

  /** What was measured began under other rules and says nothing any more. */
  restart(): void {
    this.#pending = nothing;
    this.#now = null;
  }

  /** Why it is a spill, as people read it; null: none, or too little is known. */
  spill(): string | null {
    const { spillFrom } = this.#limits;
    const base = this.#baseline;
    const now = this.#now;
    if (base === null || now === null) return null;
    const rises =
      now.callsPerRequest > base.callsPerRequest * spillFrom &&
      now.callsPerSecond > base.callsPerSecond * spillFrom;
    if (!rises) return null;
    const text = (value: number, before: number): string =>
      `${value.toFixed(1)} (before ${before.toFixed(1)})`;
    const perRequest = text(now.callsPerRequest, base.callsPerRequest);
    return `store calls rose to ${perRequest} a request and ${text(now.callsPerSecond, base.callsPerSecond)} a second`;
  }
}

const nothing: Flow = { seconds: 0, admitted: 0, downstreamCalls: 0 };

function measuresOf({ seconds, admitted, downstreamCalls }: Flow): Measures {
  return { callsPerRequest: downstreamCalls / admitted, callsPerSecond: downstreamCalls / seconds };
}

function blend(before: Measures | null, next: Measures, share: number): Measures {
  if (before === null) return next;
  const of = (a: number, b: number): number => a + (b - a) * share;
  return {
    callsPerRequest: of(before.callsPerRequest, next.callsPerRequest),
    callsPerSecond: of(before.callsPerSecond, next.callsPerSecond),
  };
}
