import type { Log, Random } from '../../foundation/index.ts';

export interface LogSamplingLimits {
  /** Debug and info lines a second beyond which fewer are kept. */
  readonly linesPerSecond: number;
  /** Of each message the first so many lines of a window are kept in any case: what is rare stays to be seen. */
  readonly firstLines: number;
  /** Messages that are told apart in a window; lines of others have no first ones. */
  readonly messagesMax: number;
  readonly windowMs: number;
  /** No line is kept with less than this chance, so none weighs more than one by this. */
  readonly shareMin: number;
}

export const logSamplingLimitsDefault: LogSamplingLimits = {
  linesPerSecond: 500,
  firstLines: 3,
  messagesMax: 500,
  windowMs: 1_000,
  shareMin: 0.001,
};

export interface LogSamplingParts {
  readonly nowMs: () => number;
  readonly random: Random;
  /** Of the rules that are on; 1 keeps all. */
  readonly shareInForce: () => number;
}

/**
 * Keeps fewer debug and info lines the faster they come and the nearer an event is; warnings and errors always. A line that was kept with a
 * chance below 1 carries `weight`, one by that chance, for how many it stands; a line without stands for itself. So the sum of weights is an
 * unbiased count of the lines there were (Horvitz and Thompson 1952), for each message and each field as for all: whether a line is kept
 * depends on nothing in it but how often its message came before.
 */
export function sampledLog(inner: Log, parts: LogSamplingParts, limits: LogSamplingLimits): Log {
  const sampling = new LogSampling(parts, limits);
  const sampled =
    (write: Log['info']): Log['info'] =>
    (fields, message) => {
      const weight = sampling.weightOf(message);
      if (weight === 1) write(fields, message);
      else if (weight !== null) write({ ...fields, weight }, message);
    };
  return {
    debug: sampled((fields, message) => inner.debug(fields, message)),
    info: sampled((fields, message) => inner.info(fields, message)),
    warn: (fields, message) => inner.warn(fields, message),
    error: (fields, message) => inner.error(fields, message),
  };
}

class LogSampling {
  readonly #parts: LogSamplingParts;
  readonly #limits: LogSamplingLimits;
  readonly #firstOf = new Map<string, number>();
  #windowStartedMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #shareByRate = 1;

  constructor(parts: LogSamplingParts, limits: LogSamplingLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** For how many lines this one stands; null: it is not kept. */
  weightOf(message: string): number | null {
    const share = this.#share();
    this.#lines += 1;
    if (this.#isFirst(message) || share >= 1) return 1;
    return this.#parts.random() < share ? 1 / share : null;
  }

  /** By the rate of the window before: this line's own fate must not depend on the lines beside it. */
  #share(): number {
    const { windowMs, linesPerSecond, shareMin } = this.#limits;
    const elapsedMs = this.#parts.nowMs() - this.#windowStartedMs;
    if (elapsedMs >= windowMs) {
      const perSecond = (this.#lines * 1000) / elapsedMs;
      this.#shareByRate = perSecond <= linesPerSecond ? 1 : linesPerSecond / perSecond;
      this.#windowStartedMs = this.#parts.nowMs();
      this.#lines = 0;
      this.#firstOf.clear();
    }
    return Math.max(shareMin, Math.min(this.#shareByRate, this.#parts.shareInForce()));
  }

  #isFirst(message: string): boolean {
    const seen = this.#firstOf.get(message);
    if (seen === undefined && this.#firstOf.size >= this.#limits.messagesMax) return false;
    const before = seen ?? 0;
    if (before >= this.#limits.firstLines) return false;
    this.#firstOf.set(message, before + 1);
    return true;
  }
}
