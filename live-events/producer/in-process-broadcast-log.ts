import type { Broadcast } from '../../device/index.ts';
import type { Log } from '../../foundation/index.ts';
import type { BroadcastLog } from '../ports.ts';

type Handler = (broadcast: Broadcast) => Promise<void>;

/**
 * From the producer to the router of the same process. What a handler is told it has: there is nothing in between that could be lost and found again, so a broadcast that
 * one fails on is logged, and caught up with by whoever needs it.
 */
export class InProcessBroadcastLog implements BroadcastLog {
  readonly #log: Log;
  readonly #handlers = new Set<Handler>();
  /** As long as the producer has lanes, since each waits for its own. */
  #last: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
  }

  async publish(broadcast: Broadcast): Promise<void> {
    this.#last = this.#last.then(() => this.#deliver(broadcast));
    await this.#last;
  }

  async subscribe(handler: Handler): Promise<() => Promise<void>> {
    const own: Handler = (broadcast) => handler(broadcast);
    this.#handlers.add(own);
    return async () => {
      this.#handlers.delete(own);
    };
  }

  async close(): Promise<void> {
    this.#handlers.clear();
    await this.#last;
  }

  async #deliver(broadcast: Broadcast): Promise<void> {
    for (const handler of this.#handlers) {
      try {
        await handler(broadcast);
      } catch (error) {
        const { event, sequence } = broadcast;
        this.#log.error({ event, sequence, error }, 'A broadcast could not be handled.');
      }
    }
  }
}
