import type { Broadcast } from '../../device/index.ts';
import {
  Backoff,
  type BackoffLimits,
  type Clock,
  type Log,
  must,
  type Random,
} from '../../foundation/index.ts';
import type { BroadcastLog } from '../ports.ts';

export interface BroadcastQueueParts {
  readonly broadcasts: Pick<BroadcastLog, 'publish'>;
  /** Called after each that was published. What it throws is logged: then it is published again after a restart. */
  readonly onPublished: (broadcast: Broadcast) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Broadcasts of one event that wait in order; beyond it only the newest waits. */
  readonly waitingMax: number;
  /** Events that are published at the same time. */
  readonly lanes: number;
  readonly backoff: BackoffLimits;
}

/**
 * The way of broadcasts into their log: those of one event one after the other, of several events at once. While the log does not take them only the newest of each event
 * waits, since it states the whole. So what waits is bounded by the number of events.
 */
export class BroadcastQueue {
  readonly #parts: BroadcastQueueParts;
  /** Oldest first; what is on its way is not in it. */
  readonly #waiting = new Map<string, Broadcast[]>();
  /** Events with something that waits and nothing on its way. */
  readonly #ready = new Set<string>();
  readonly #busy = new Set<string>();
  readonly #idle: (() => void)[] = [];
  /** Aborts when the log takes broadcasts again, and at the end, for lanes that wait before they try. */
  #taken = new AbortController();
  #failingSinceMs: number | null = null;

  constructor(parts: BroadcastQueueParts) {
    this.#parts = parts;
  }

  /** Since when the log has taken nothing; null while it takes them. */
  get failingSinceMs(): number | null {
    return this.#failingSinceMs;
  }

  /** Events of which something was not published yet. */
  get unpublishedCount(): number {
    return new Set([...this.#waiting.keys(), ...this.#busy]).size;
  }

  add(broadcast: Broadcast): void {
    const { event } = broadcast;
    const waiting = this.#waiting.get(event) ?? [];
    if (this.#failingSinceMs !== null || waiting.length >= this.#parts.waitingMax) waiting.length = 0;
    waiting.push(broadcast);
    this.#waiting.set(event, waiting);
    if (!this.#busy.has(event)) this.#makeReady(event);
  }

  /** Until `signal` aborts; what is on its way then is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const wakeAll = (): void => {
      this.#taken.abort();
      for (const wake of this.#idle.splice(0)) wake();
    };
    signal.addEventListener('abort', wakeAll, { once: true });
    await Promise.all(Array.from({ length: this.#parts.lanes }, () => this.#runLane(signal)));
  }

  async #runLane(signal: AbortSignal): Promise<void> {
    const { clock, random, backoff: limits } = this.#parts;
    const backoff = new Backoff(limits, clock, random);
    while (!signal.aborted) {
      const [event] = this.#ready;
      if (event === undefined) {
        await new Promise<void>((resolve) => this.#idle.push(resolve));
        continue;
      }
      if (await this.#publishNext(event)) backoff.reset();
      else if (!signal.aborted) await backoff.wait(this.#taken.signal);
    }
  }

  async #publishNext(event: string): Promise<boolean> {
    const { broadcasts, clock, log } = this.#parts;
    const waiting = must(this.#waiting.get(event), 'an event that is ready has something that waits');
    const broadcast = must(waiting.shift(), 'an event that is ready has something that waits');
    if (waiting.length === 0) this.#waiting.delete(event);
    this.#ready.delete(event);
    this.#busy.add(event);
    try {
      await broadcasts.publish(broadcast);
    } catch (error) {
      if (this.#failingSinceMs === null)
        log.error(
          { alarm: 'LIVE_BROADCASTS_WAIT', event, error },
          'Broadcasts cannot be published; the newest of each event waits.',
        );
      this.#failingSinceMs ??= clock.now();
      this.#taken = this.#taken.signal.aborted ? new AbortController() : this.#taken;
      this.#putBack(broadcast);
      return false;
    }
    await this.#published(broadcast);
    this.#busy.delete(event);
    if (this.#waiting.has(event)) this.#makeReady(event);
    return true;
  }

  /** The newest alone. */
  #putBack(broadcast: Broadcast): void {
    const { event } = broadcast;
    const newest = this.#waiting.get(event)?.at(-1) ?? broadcast;
    this.#waiting.set(event, [newest]);
    this.#busy.delete(event);
    this.#makeReady(event);
  }

  async #published(broadcast: Broadcast): Promise<void> {
    const { log, clock, onPublished } = this.#parts;
    if (this.#failingSinceMs !== null) {
      log.info({ afterMs: clock.now() - this.#failingSinceMs }, 'Broadcasts are published again.');
      this.#failingSinceMs = null;
    }
    this.#taken.abort();
    try {
      await onPublished(broadcast);
    } catch (error) {
      const { event, sequence } = broadcast;
      log.warn(
        { event, sequence, error },
        'That a broadcast was published could not be noted; it may be published again.',
      );
    }
  }

  #makeReady(event: string): void {
    this.#ready.add(event);
    this.#idle.shift()?.();
  }
}
