export interface GradientLimits {
  readonly start: number;
  readonly min: number;
  /** What is answered within so long may be in flight, be it more than `min`. */
  readonly burstMs: number;
  readonly max: number;
  /** Share of a new estimate that is taken over at once, above 0 to 1. */
  readonly smoothing: number;
  /** How many times the long average a window's latency may be before the limit shrinks; 1 or more. */
  readonly tolerance: number;
  /** Windows that the long average remembers. */
  readonly longWindows: number;
  /** Requests that may wait: what the limit grows by while latency is flat. */
  readonly queue: number;
  readonly windowMs: number;
  /** A window with fewer samples is continued. */
  readonly samplesMin: number;
}

/** Start, bounds, smoothing, tolerance, long window and queue as the source has them; windows are shorter, since an event's rush is. */
export const gradientLimitsDefault: GradientLimits = {
  start: 20,
  min: 20,
  burstMs: 50,
  max: 200,
  smoothing: 0.2,
  tolerance: 1.5,
  longWindows: 600,
  queue: 4,
  windowMs: 250,
  samplesMin: 10,
};

const warmUpWindows = 10;
/** A long average that is so many times the newest is a memory of an overload that is over. */
const forgetAbove = 2;
const forgetFactor = 0.9;

/**
 * How many requests may be in flight, learned from their latency: Gradient2 of Netflix's concurrency-limits (`Gradient2Limit.java`
 * and `WindowedLimit.java` at 78a74b9, Apache-2.0), written anew. Each window compares its average latency with a long average:
 *
 *     gradient = clamp(tolerance × long / short, 0.5, 1)
 *     limit    = limit × (1 − smoothing) + (limit × gradient + queue) × smoothing
 *
 * It is never less than what is answered in `burstMs`: a process that stood still for a moment, as a collector makes it, finds all that came meanwhile at once, and nobody in front of
 * whom no more than that are waits longer. The source's least limit is a constant, which a server of quick answers fills within such a moment.
 *
 * Averages rather than minima, for requests differ in what they cost. The limit does not grow while less than half of it is used: that
 * would say nothing. What lasts as long as somebody wants it (sockets, subscriptions) must not be sampled: its time is no latency.
 */
export class GradientLimit {
  readonly #limits: GradientLimits;
  #estimate: number;
  #longMs = 0;
  #windows = 0;
  #window: Window | null = null;

  constructor(limits: GradientLimits) {
    this.#limits = limits;
    this.#estimate = limits.start;
  }

  /** Whole requests. */
  get limit(): number {
    return Math.floor(this.#estimate);
  }

  /** Long average latency; 0 before the first window. */
  get longMs(): number {
    return this.#longMs;
  }

  /** One request that ended after `latencyMs`, with so many in flight when it did, itself included. */
  sample(nowMs: number, latencyMs: number, inFlight: number): void {
    this.#window ??= { startedMs: nowMs, samples: 0, sumMs: 0, inFlightMax: 0 };
    const window = this.#window;
    window.samples += 1;
    window.sumMs += Math.max(0, latencyMs);
    window.inFlightMax = Math.max(window.inFlightMax, inFlight);
    if (nowMs - window.startedMs < this.#limits.windowMs || window.samples < this.#limits.samplesMin) return;
    this.#window = null;
    const { min, max, burstMs } = this.#limits;
    const answeredInBurst = (window.samples / (nowMs - window.startedMs)) * burstMs;
    this.#update(window.sumMs / window.samples, window.inFlightMax);
    this.#estimate = Math.max(this.#estimate, min, Math.min(max, answeredInBurst));
  }

  #update(shortMs: number, inFlightMax: number): void {
    this.#remember(shortMs);
    if (inFlightMax < this.#estimate / 2) return;
    const { tolerance, smoothing, queue, min, max } = this.#limits;
    const ratio = shortMs === 0 ? 1 : (tolerance * this.#longMs) / shortMs;
    const gradient = Math.max(0.5, Math.min(1, ratio));
    const target = this.#estimate * gradient + queue;
    const next = this.#estimate * (1 - smoothing) + target * smoothing;
    this.#estimate = Math.max(min, Math.min(max, next));
  }

  #remember(shortMs: number): void {
    this.#windows += 1;
    const weight = this.#windows <= warmUpWindows ? 1 / this.#windows : 2 / (this.#limits.longWindows + 1);
    this.#longMs += (shortMs - this.#longMs) * weight;
    if (shortMs > 0 && this.#longMs / shortMs > forgetAbove) this.#longMs *= forgetFactor;
  }
}

interface Window {
  readonly startedMs: number;
  samples: number;
  sumMs: number;
  inFlightMax: number;
}
