import { Backoff, type Clock, type Log, OutageError, type Random } from '../../foundation/index.ts';
import {
  type Subscription,
  type SubscriptionChange,
  type SubscriptionTable,
  subscriptionKey,
} from './subscription-table.ts';

export interface SubscriptionLogParts {
  readonly table: SubscriptionTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const backoff = { baseMs: 200, maxMs: 10_000 };

/**
 * Writes to the table behind the router's back: no broadcast waits for it. What waits to be written is the newest of each row, so it is
 * bounded by the rows there are.
 */
export class SubscriptionLog {
  readonly #parts: SubscriptionLogParts;
  #waiting = new Map<string, SubscriptionChange>();
  #writing: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(parts: SubscriptionLogParts) {
    this.#parts = parts;
  }

  load(): Promise<readonly Subscription[]> {
    return this.#parts.table.load();
  }

  put(change: SubscriptionChange): void {
    this.#waiting.set(subscriptionKey(change), change);
    this.#writing ??= this.#write();
  }

  /** Writes what waits, once more at most, and closes the table. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    await this.#parts.table.close();
  }

  async #write(): Promise<void> {
    const { table, clock, random, log } = this.#parts;
    const waits = new Backoff(backoff, clock, random);
    // What is put in the same turn goes in one write.
    await clock.sleep(0);
    while (this.#waiting.size > 0) {
      const changes = this.#waiting;
      this.#waiting = new Map();
      try {
        await table.write([...changes.values()]);
        waits.reset();
      } catch (error) {
        if (!(error instanceof OutageError)) throw error;
        log.warn({ error }, 'The table of subscriptions cannot be written; trying again.');
        // What came meanwhile is newer.
        this.#waiting = new Map([...changes, ...this.#waiting]);
        if (this.#closing.signal.aborted) break;
        await waits.wait(this.#closing.signal);
      }
    }
    this.#writing = null;
  }
}
