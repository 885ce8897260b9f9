import type { BackoffLimits, Clock, Log, Random } from '../../foundation/index.ts';
import { broadcastOf, type LiveEvent } from '../live-event.ts';
import type { BroadcastLog } from '../ports.ts';
import type { LiveService } from '../state/live-service.ts';
import { BroadcastQueue } from './broadcast-queue.ts';
import { StageTimers } from './stage-timers.ts';

export interface LiveProducerLimits {
  /** The longest wait of a timer: a clock that was set is noticed so late. */
  readonly waitMsMax: number;
  /** Broadcasts of one event that wait in order; beyond it only the newest waits. */
  readonly waitingMax: number;
  /** Events that are published at the same time. */
  readonly lanes: number;
  /** While the journal or the log of broadcasts does not answer. */
  readonly backoff: BackoffLimits;
}

export const liveProducerLimitsDefault: LiveProducerLimits = {
  waitMsMax: 1000,
  waitingMax: 32,
  lanes: 16,
  backoff: { baseMs: 50, maxMs: 5000 },
};

export interface LiveProducerParts {
  readonly live: LiveService;
  /** Closed by whoever made it. */
  readonly broadcasts: BroadcastLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: LiveProducerLimits;
}

export interface LiveProducerStatus {
  /** Events of which something was not published yet. */
  readonly unpublishedCount: number;
  readonly failingSinceMs: number | null;
}

/**
 * Enters stages at their time, and publishes what is in the journal. One a journal.
 *
 * After a start it enters what became due while nothing ran, and publishes the newest state of each event of which it does not know that it was published: at least once, with the
 * same sequence.
 */
export class LiveProducer {
  readonly #parts: LiveProducerParts;
  readonly #timers: StageTimers;
  readonly #queue: BroadcastQueue;
  readonly #stopping = new AbortController();
  #unwatch: () => void = () => undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: LiveProducerParts) {
    const { live, broadcasts, limits, ...rest } = parts;
    this.#parts = parts;
    this.#timers = new StageTimers({ live, ...rest, ...limits });
    this.#queue = new BroadcastQueue({
      broadcasts,
      onPublished: (broadcast) => live.markPublished(broadcast),
      ...rest,
      ...limits,
    });
  }

  /** Once. */
  start(): void {
    const { live } = this.#parts;
    this.#unwatch = live.watch(({ after }) => {
      this.#queue.add(broadcastOf(after));
      this.#timers.set(after);
    });
    for (const event of live.list()) {
      if (!this.#wasPublished(event)) this.#queue.add(broadcastOf(event));
      this.#timers.set(event);
    }
    const { signal } = this.#stopping;
    this.#running = Promise.all([this.#timers.run(signal), this.#queue.run(signal)]);
  }

  get status(): LiveProducerStatus {
    const { unpublishedCount, failingSinceMs } = this.#queue;
    return { unpublishedCount, failingSinceMs };
  }

  /** Waits for what is on its way. What waits is published after the next start. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#stopping.abort();
    await this.#running;
  }

  #wasPublished({ id, epoch, sequence }: LiveEvent): boolean {
    const last = this.#parts.live.published(id);
    return last !== null && last.epoch === epoch && last.sequence >= sequence;
  }
}
