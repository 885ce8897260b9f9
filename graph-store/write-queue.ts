import { unreachable } from '../foundation/index.ts';
import type { Advance, Applied } from './graph-store.ts';
import type { PackedMutations } from './packed-format.ts';

/** A batch that waits, and who waits for it. */
export interface ApplyJob {
  readonly kind: 'apply';
  readonly advance: Advance;
  readonly packed: PackedMutations;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (error: unknown) => void;
}

interface TaskJob {
  readonly kind: 'task';
  readonly run: () => Promise<void>;
}

/**
 * All writes of one store on a database server, one after the other in call order: waiting batches together up to so many events, everything else by
 * itself. Bounded by what the pipelines let be in flight.
 */
export class WriteQueue {
  readonly #jobs: (ApplyJob | TaskJob)[] = [];
  readonly #groupEventsMax: number;
  readonly #apply: (group: readonly ApplyJob[]) => Promise<void>;
  #running: Promise<void> | null = null;

  /** `apply` settles each job of its group, and never throws. */
  constructor(groupEventsMax: number, apply: (group: readonly ApplyJob[]) => Promise<void>) {
    this.#groupEventsMax = groupEventsMax;
    this.#apply = apply;
  }

  async apply(advance: Advance, packed: PackedMutations): Promise<Applied> {
    return await new Promise((resolve, reject) => {
      this.#jobs.push({ kind: 'apply', advance, packed, resolve, reject });
      this.#start();
    });
  }

  /** Between two groups. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await new Promise((resolve, reject) => {
      // Settled before the next job begins: whoever claims has his answer before a batch of his is looked at.
      const run = (): Promise<void> => work().then(resolve, reject);
      this.#jobs.push({ kind: 'task', run });
      this.#start();
    });
  }

  async drained(): Promise<void> {
    await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      switch (job.kind) {
        case 'task':
          await job.run();
          break;
        case 'apply':
          await this.#apply(this.#groupFrom(job));
          break;
        default:
          unreachable(job);
      }
    }
    // Not in a `finally` of the promise: a job that comes before that has run would wait for ever.
    this.#running = null;
  }

  #groupFrom(first: ApplyJob): ApplyJob[] {
    const group = [first];
    let events = first.packed.eventCount;
    for (let next = this.#jobs[0]; next?.kind === 'apply'; next = this.#jobs[0]) {
      events += next.packed.eventCount;
      if (events > this.#groupEventsMax) break;
      group.push(next);
      this.#jobs.shift();
    }
    return group;
  }
}
