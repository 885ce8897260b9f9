import { JourneyGraphError, type Log } from '../foundation/index.ts';

/** What failed without being expected to, and which work it was. */
export interface Bug {
  readonly what: string;
  readonly error: unknown;
}

/**
 * What runs beside the live line: the pipelines and the demo. An expected failure ends that one piece and is logged, since one topic's
 * trouble stays its own. A bug ends everything, in order: nobody knows what else is wrong by then. Nothing here ever rejects
 * unheard, because each piece is watched from the moment it starts and not only when the process ends.
 */
export class BackgroundWork {
  /** Aborts when the process was asked to end, when a bug was met, and with {@link stop}. */
  readonly ending: AbortSignal;
  readonly #stop = new AbortController();
  readonly #log: Log;
  readonly #runs: Promise<void>[] = [];
  #bug: Bug | null = null;

  constructor(signal: AbortSignal, log: Log) {
    this.ending = AbortSignal.any([signal, this.#stop.signal]);
    this.#log = log;
  }

  /** The first one met. */
  get bug(): Bug | null {
    return this.#bug;
  }

  /** `what` begins a sentence, such as `The demo`. `run` is to resolve soon after its signal aborts. */
  start(what: string, run: (signal: AbortSignal) => Promise<void>): void {
    this.#runs.push(this.#watch(what, run));
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when everything started has ended; never rejects. */
  async ended(): Promise<void> {
    await Promise.all(this.#runs);
  }

  async #watch(what: string, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await run(this.ending);
    } catch (error) {
      if (error instanceof JourneyGraphError) {
        this.#log.error({ error }, `${what} has stopped; everything else goes on.`);
        return;
      }
      if (this.#bug === null) this.#bug = { what, error };
      else this.#log.error({ error }, `${what} failed as well.`);
      this.#stop.abort();
    }
  }
}
