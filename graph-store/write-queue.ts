import { type Clock, unreachable } from '../foundation/index.ts';
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

/** Leaves to the queue what of a group is still on its way when the next one may be made. Never rejected. */
export type LeaveRest = (rest: Promise<void>) => void;

/** Groups whose writes may be under way at once: one is made while another is written. */
const groupsUnderWayMax = 2;

/** How long a group that is not full waits for more, from its first batch on. */
export interface GroupWindow {
  readonly ms: number;
  readonly clock: Clock;
}

interface OpenWindow {
  readonly end: AbortController;
  isOver: boolean;
}

/**
 * All writes of one store on a database server, in call order: waiting batches together up to so many events, everything else by itself. What `apply` leaves to the queue
 * goes on beside the next group, if half of one waits already: smaller ones would cost more of an event, and wait to grow instead. One that is not full waits for its window as well, unless a task is
 * behind it or the queue is to end. Bounded by what the pipelines let be in flight.
 */
export class WriteQueue {
  readonly #jobs: (ApplyJob | TaskJob)[] = [];
  readonly #groupEventsMax: number;
  readonly #apply: (group: readonly ApplyJob[], leave: LeaveRest) => Promise<void>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #window: GroupWindow | null;
  #open: OpenWindow | null = null;
  #isDraining = false;
  #running: Promise<void> | null = null;
  #jobCame: () => void = () => undefined;

  /** `apply` settles each job of its group, and never throws. */
  constructor(
    groupEventsMax: number,
    apply: (group: readonly ApplyJob[], leave: LeaveRest) => Promise<void>,
    window: GroupWindow | null = null,
  ) {
    this.#groupEventsMax = groupEventsMax;
    this.#window = window;
    this.#apply = apply;
  }

  async apply(advance: Advance, packed: PackedMutations): Promise<Applied> {
    return await new Promise((resolve, reject) => {
      this.#jobs.push({ kind: 'apply', advance, packed, resolve, reject });
      this.#openWindow();
      this.#start();
    });
  }

  /** Between two groups, with nothing under way. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await new Promise((resolve, reject) => {
      // Settled before the next job begins: whoever claims has his answer before a batch of his is looked at.
      const run = (): Promise<void> => work().then(resolve, reject);
      this.#jobs.push({ kind: 'task', run });
      this.#start();
    });
  }

  /** Waits for no window: nothing comes any more. */
  async drained(): Promise<void> {
    this.#isDraining = true;
    this.#jobCame();
    while (this.#running !== null || this.#underWay.size > 0) {
      await Promise.all([this.#running, ...this.#underWay]);
    }
  }

  #start(): void {
    this.#jobCame();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      switch (job.kind) {
        case 'task':
          await Promise.all(this.#underWay);
          this.#jobs.shift();
          await job.run();
          break;
        case 'apply':
          while (this.#mustWait()) await this.#change();
          await this.#apply(this.#nextGroup(), (rest) => this.#follow(rest));
          break;
        default:
          unreachable(job);
      }
    }
    // Not in a `finally` of the promise: a job that comes before that has run would wait for ever.
    this.#running = null;
  }

  #mustWait(): boolean {
    if (this.#underWay.size === 0) return this.#mayGrow() && this.#waitingEvents() < this.#groupEventsMax;
    return this.#underWay.size >= groupsUnderWayMax || this.#waitingEvents() * 2 < this.#groupEventsMax;
  }

  #mayGrow(): boolean {
    return this.#open !== null && !this.#open.isOver && !this.#isDraining;
  }

  /** Of the group whose first batch waits; the clock is not asked again, for it may be set back. */
  #openWindow(): void {
    if (this.#window === null || this.#window.ms === 0 || this.#open !== null) return;
    const open: OpenWindow = { end: new AbortController(), isOver: false };
    this.#open = open;
    void this.#window.clock.sleep(this.#window.ms, open.end.signal).then(() => {
      open.isOver = true;
      this.#jobCame();
    });
  }

  async #change(): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#jobCame = resolve;
    });
    await Promise.race([came, ...this.#underWay]);
  }

  #follow(rest: Promise<void>): void {
    const ended = rest.then(() => {
      this.#underWay.delete(ended);
    });
    this.#underWay.add(ended);
  }

  /** Of the batches in front, as far as that matters. */
  #waitingEvents(): number {
    let events = 0;
    for (const job of this.#jobs) {
      // Somebody waits for all that is in front of him: nothing will be added to it.
      if (job.kind === 'task') return this.#groupEventsMax;
      events += job.packed.eventCount;
      if (events >= this.#groupEventsMax) break;
    }
    return events;
  }

  #nextGroup(): ApplyJob[] {
    const group: ApplyJob[] = [];
    let events = 0;
    for (let next = this.#jobs[0]; next?.kind === 'apply'; next = this.#jobs[0]) {
      events += next.packed.eventCount;
      if (group.length > 0 && events > this.#groupEventsMax) break;
      group.push(next);
      this.#jobs.shift();
    }
    this.#open?.end.abort();
    this.#open = null;
    if (this.#jobs[0]?.kind === 'apply') this.#openWindow();
    return group;
  }
}
