export interface OverloadHistoryLimits {
  /** Overload is remembered in so many steps of `stepMs`. */
  readonly steps: number;
  readonly stepMs: number;
}

export const overloadHistoryLimitsDefault: OverloadHistoryLimits = { steps: 20, stepMs: 100 };

/**
 * The least overload of a while: what lasts. Overload swings by a few percent around the point where enough is shed, and on the steep part of
 * the cubic that is the whole band of the next class. So what users and the live event lose goes by what lasts, and what is below them by the
 * moment: they are shed only after shedding everything below them was not enough.
 */
export class OverloadHistory {
  readonly #limits: OverloadHistoryLimits;
  readonly #least: number[];
  #step = Number.NEGATIVE_INFINITY;

  constructor(limits: OverloadHistoryLimits) {
    this.#limits = limits;
    this.#least = Array.from({ length: limits.steps }, () => 0);
  }

  add(nowMs: number, overload: number): void {
    const { steps, stepMs } = this.#limits;
    const step = Math.floor(nowMs / stepMs);
    // Steps in which nobody asked had no request, and so no overload worth the name.
    for (let missed = Math.max(this.#step + 1, step - steps + 1); missed <= step; missed += 1) {
      this.#least[missed % steps] = missed === step ? overload : 0;
    }
    this.#step = step;
    this.#least[step % steps] = Math.min(this.#least[step % steps] ?? 0, overload);
  }

  lasting(): number {
    return Math.min(...this.#least);
  }
}
