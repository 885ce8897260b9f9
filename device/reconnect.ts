import { closeCodes } from './protocol.ts';

/** Why a device goes on no more. */
export type StopReason = 'EVENT_GONE' | 'REPLACED';

/** What follows a closed socket: PROTOCOL.md, section 5. */
export type AfterClose =
  | { readonly kind: 'stop'; readonly reason: StopReason }
  /** As the server said; no failure. */
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** `renew`: with another token. */
  | { readonly kind: 'backoff'; readonly renew: boolean };

/** A server that says more is taken to mean this. */
const retryMsMax = 600_000;

export function afterClose(code: number, reason: string): AfterClose {
  switch (code) {
    case closeCodes.eventGone:
      return { kind: 'stop', reason: 'EVENT_GONE' };
    case closeCodes.replaced:
      return { kind: 'stop', reason: 'REPLACED' };
    case closeCodes.tokenExpired:
      return { kind: 'backoff', renew: true };
    case closeCodes.goingAway: {
      const told = /\bretry=(\d{1,9})\b/.exec(reason)?.[1];
      if (told !== undefined) return { kind: 'wait', delayMs: Math.min(retryMsMax, Number(told)) };
      return { kind: 'backoff', renew: false };
    }
    default:
      return { kind: 'backoff', renew: false };
  }
}

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Decorrelated jitter, `min(cap, random(base, 3 × last))`: devices whose server went away together do not come back together. */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #lastMs: number;

  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#lastMs = limits.baseMs;
  }

  nextMs(): number {
    const { baseMs, capMs } = this.#limits;
    this.#lastMs = Math.min(capMs, baseMs + this.#random() * (this.#lastMs * 3 - baseMs));
    return this.#lastMs;
  }

  reset(): void {
    this.#lastMs = this.#limits.baseMs;
  }
}
