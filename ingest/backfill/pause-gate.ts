import type { RateBudget } from './rate-budget.ts';
import type { Yielding } from './rate-control.ts';

/** A budget that an operator can close: nothing is taken until it is opened again, what was taken goes on its way. */
export class PauseGate implements RateBudget {
  readonly #budget: RateBudget;
  #opened: Promise<void> | null = null;
  #open: () => void = () => undefined;

  constructor(budget: RateBudget) {
    this.#budget = budget;
  }

  get perSecond(): number {
    return this.#opened === null ? this.#budget.perSecond : 0;
  }

  get yieldsTo(): Yielding | null {
    return this.#budget.yieldsTo;
  }

  get isPaused(): boolean {
    return this.#opened !== null;
  }

  pause(): void {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#opened = null;
    this.#open();
  }

  async take(rowsMax: number, signal: AbortSignal): Promise<number> {
    let taken = 0;
    while (!signal.aborted && (taken === 0 || this.#opened !== null)) {
      if (this.#opened !== null) await untilAborted(this.#opened, signal);
      else taken = await this.#budget.take(rowsMax, signal);
    }
    return signal.aborted ? 0 : taken;
  }
}

async function untilAborted(waited: Promise<void>, signal: AbortSignal): Promise<void> {
  let done: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    done = resolve;
    signal.addEventListener('abort', done, { once: true });
  });
  await Promise.race([waited, aborted]);
  signal.removeEventListener('abort', done);
}
