import type { DeviceClock } from './device-ports.ts';
import type { Report } from './device-problem.ts';
import type { Show } from './prefetch.ts';

/** What the application is to show now. */
export interface ShownStage {
  readonly stage: string;
  /** Null while the stage map that has it is still to be fetched, or has nothing for it. */
  readonly show: Show | null;
  /** The stage holds from then, by the server's clock. */
  readonly at: number;
  readonly from: 'cache' | 'broadcast' | 'resync';
}

/** Shows a stage; what it returns resolves when the stage can be seen. */
export type OnStage = (shown: ShownStage) => void | Promise<void>;

/**
 * One stage is rendered at a time, in order. What comes meanwhile waits in one place, where newer takes the place of older: a slow application skips
 * stages rather than show them late.
 */
export class StageRenderer {
  readonly #onStage: OnStage;
  readonly #clock: DeviceClock;
  readonly #renderMs: number;
  readonly #report: Report;
  readonly #rendered: () => void;
  #next: ShownStage | null = null;
  #isBusy = false;
  #isSeen = true;

  /** `rendered`: what was pushed last can be seen. */
  constructor(onStage: OnStage, clock: DeviceClock, renderMs: number, report: Report, rendered: () => void) {
    this.#onStage = onStage;
    this.#clock = clock;
    this.#renderMs = renderMs;
    this.#report = report;
    this.#rendered = rendered;
  }

  /** Whether what was pushed last can be seen. */
  get isSeen(): boolean {
    return this.#isSeen && !this.#isBusy;
  }

  push(shown: ShownStage): void {
    this.#next = shown;
    if (!this.#isBusy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (let shown = this.#take(); shown !== null; shown = this.#take()) {
      this.#isSeen = await this.#render(shown);
    }
    this.#isBusy = false;
    if (this.#isSeen) this.#rendered();
  }

  #take(): ShownStage | null {
    const shown = this.#next;
    this.#next = null;
    return shown;
  }

  /** An application that fails shows the next stage none the worse. */
  async #render(shown: ShownStage): Promise<boolean> {
    const ended = new AbortController();
    const tooLate = this.#clock.sleep(this.#renderMs, ended.signal).then(() => 'late' as const);
    try {
      const how = await Promise.race([Promise.resolve(this.#onStage(shown)), tooLate]);
      if (how !== 'late') return true;
      this.#report('RENDER_TIMEOUT', `${shown.stage} was not rendered within ${this.#renderMs} ms.`);
    } catch (cause) {
      this.#report('RENDER_FAILED', `${shown.stage} could not be rendered.`, cause);
    } finally {
      ended.abort();
    }
    return false;
  }
}
