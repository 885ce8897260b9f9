import type { Load } from './cubic-shedding.ts';

/** How busy the process was since the last call: the greater of its event loop's utilisation and its CPUs', 0 to 1. */
export interface LoadMeter {
  utilisation(): number;
}

export interface LoadWindowLimits {
  readonly windowMs: number;
  /** Share of a new window in what holds, above 0 to 1: shedding acts on what it measures, and without this it swings. */
  readonly smoothing: number;
  /** Below so many answers a window, smoothed, their slowness says nothing. */
  readonly answersMin: number;
}

export const loadWindowLimitsDefault: LoadWindowLimits = { windowMs: 100, smoothing: 0.1, answersMin: 0.5 };

/** What is measured of the load, smoothed. Windows end when somebody asks, so an idle server does nothing. */
export class LoadWindow {
  readonly #limits: LoadWindowLimits;
  readonly #meter: LoadMeter;
  #startedMs: number;
  #utilisation = 0;
  #slow = 0;
  #answered = 0;
  #slowSmoothed = 0;
  #answeredSmoothed = 0;

  constructor(limits: LoadWindowLimits, meter: LoadMeter, nowMs: number) {
    this.#limits = limits;
    this.#meter = meter;
    this.#startedMs = nowMs;
  }

  ended(isSlow: boolean): void {
    this.#answered += 1;
    if (isSlow) this.#slow += 1;
  }

  load(nowMs: number, inFlightShare: number): Load {
    this.#roll(nowMs);
    const enough = this.#answeredSmoothed >= this.#limits.answersMin;
    const slowShare = enough ? this.#slowSmoothed / this.#answeredSmoothed : 0;
    return { utilisation: this.#utilisation, inFlightShare, slowShare };
  }

  #roll(nowMs: number): void {
    const { windowMs, smoothing } = this.#limits;
    const windows = (nowMs - this.#startedMs) / windowMs;
    if (windows < 1) return;
    this.#startedMs = nowMs;
    // A window that lasted as long as several counts as often.
    const share = 1 - (1 - smoothing) ** windows;
    this.#utilisation += (this.#meter.utilisation() - this.#utilisation) * share;
    this.#slowSmoothed += (this.#slow / windows - this.#slowSmoothed) * share;
    this.#answeredSmoothed += (this.#answered / windows - this.#answeredSmoothed) * share;
    this.#slow = 0;
    this.#answered = 0;
  }
}
