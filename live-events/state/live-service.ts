import type { Broadcast, Cursor } from '../../device/index.ts';
import { type Clock, type Log, RefusedError } from '../../foundation/index.ts';
import { isOver } from '../event-times.ts';
import type { JournalEntry, LiveEvent, LiveEvents } from '../live-event.ts';
import { apply, unknownEvent } from './apply.ts';
import type { Asking, LiveCommand, LiveRefusal, LiveTextLimits } from './live-command.ts';
import { liveTextLimitsDefault } from './live-command.ts';
import type { LiveJournal, PastEntry } from './live-journal.ts';

export interface LiveServiceLimits extends LiveTextLimits {
  readonly eventsMax: number;
  /** Of all events: their plans are in memory. */
  readonly plansBytesMax: number;
  /** Commands of one event that wait for each other; more are refused. */
  readonly waitingMax: number;
  /** Ids that were removed and are kept until the next epoch. */
  readonly removedMax: number;
}

export const liveServiceLimitsDefault: LiveServiceLimits = {
  ...liveTextLimitsDefault,
  eventsMax: 10_000,
  plansBytesMax: 134_217_728,
  waitingMax: 64,
  removedMax: 100_000,
};

export interface LiveServiceParts {
  /** The service's own from then on: it is closed with it. */
  readonly journal: LiveJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LiveServiceLimits;
}

interface Turns {
  last: Promise<unknown>;
  waiting: number;
}

/**
 * All live events of this process. Commands of one event take turns; each is journaled before its state is to be seen anywhere, and watchers are told of it then, in the order
 * of the journal.
 */
export class LiveService implements LiveEvents {
  readonly #parts: LiveServiceParts;
  readonly #events = new Map<string, LiveEvent>();
  readonly #turns = new Map<string, Turns>();
  readonly #watchers = new Set<(entry: JournalEntry) => void>();
  /** Bytes of all plans, with those that are on their way into the journal. */
  #planBytes = 0;
  /** On their way into the journal. */
  #creating = 0;

  constructor(parts: LiveServiceParts) {
    this.#parts = parts;
    for (const event of parts.journal.events) {
      this.#events.set(event.id, event);
      this.#planBytes += planBytesOf(event);
    }
  }

  get epoch(): number {
    return this.#parts.journal.epoch;
  }

  get(id: string): LiveEvent | null {
    return this.#events.get(id) ?? null;
  }

  /** Newest first. */
  list(): readonly LiveEvent[] {
    return [...this.#events.values()].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1));
  }

  async broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null> {
    return await this.#parts.journal.broadcastsAfter(id, sequence);
  }

  /** Newest first. */
  async history(id: string, count: number): Promise<readonly PastEntry[]> {
    return await this.#parts.journal.last(id, count);
  }

  /** What was published last, as far as that is known after a crash; null for nothing. */
  published(id: string): Cursor | null {
    return this.#parts.journal.published(id);
  }

  async markPublished({ event, epoch, sequence }: Broadcast): Promise<void> {
    await this.#parts.journal.setPublished(event, { epoch, sequence });
  }

  /** What a listener throws is a fault of its own: it is logged, and the others are told all the same. */
  watch(listener: (entry: JournalEntry) => void): () => void {
    // Of its own, so that one that watches twice is told twice and may stop either.
    const watcher = (entry: JournalEntry): void => listener(entry);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Resolves when the change is durable and watchers have been told.
   *
   * Throws RefusedError (see {@link LiveRefusal}, LIVE_EVENTS_FULL, LIVE_BUSY) or OutageError LIVE_JOURNAL_WRITE_FAILED.
   */
  async run(id: string, command: LiveCommand, asking: Asking): Promise<JournalEntry> {
    return await this.#inTurn(id, () => this.#run(id, command, asking));
  }

  /** What would come of it, if it were asked now; changes nothing. Throws RefusedError as `run`. */
  tryOut(id: string, command: LiveCommand, asking: Asking): JournalEntry {
    return this.#applied(id, command, asking);
  }

  /** Removes an event that is over. Throws RefusedError (LIVE_EVENT_UNKNOWN, LIVE_TRANSITION_REFUSED, LIVE_EVENTS_FULL) or OutageError LIVE_JOURNAL_WRITE_FAILED. */
  async remove(id: string): Promise<void> {
    await this.#inTurn(id, async () => {
      const event = this.get(id);
      if (event === null) throw refusedBy(unknownEvent(id));
      const { journal, limits } = this.#parts;
      if (!isOver(event)) {
        throw new RefusedError(
          'LIVE_TRANSITION_REFUSED',
          `Event ${id} is in its stage "${event.stage}"; only what has ended or is cancelled can be removed.`,
        );
      }
      if (journal.removedCount >= limits.removedMax) {
        throw new RefusedError(
          'LIVE_EVENTS_FULL',
          `${limits.removedMax} events were removed in this life of the journal; \`jg live renew-epoch\` begins another.`,
        );
      }
      await journal.remove(id);
      this.#events.delete(id);
      this.#planBytes -= planBytesOf(event);
    });
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#turns.values()].map(({ last }) => last));
    await this.#parts.journal.close();
  }

  async #run(id: string, command: LiveCommand, asking: Asking): Promise<JournalEntry> {
    const { journal } = this.#parts;
    const before = this.get(id);
    const entry = this.#applied(id, command, asking);
    const moreBytes = planBytesOf(entry.after) - planBytesOf(before);
    const more = before === null ? 1 : 0;
    this.#planBytes += moreBytes;
    this.#creating += more;
    try {
      await journal.append(entry);
    } catch (error) {
      this.#planBytes -= moreBytes;
      throw error;
    } finally {
      this.#creating -= more;
    }
    this.#events.set(id, entry.after);
    this.#tell(entry);
    return entry;
  }

  #applied(id: string, command: LiveCommand, asking: Asking): JournalEntry {
    const { clock, limits, journal } = this.#parts;
    const before = this.get(id);
    const applied = apply(before, { id, epoch: this.epoch, command, ...asking }, clock.now(), limits);
    if (applied.kind === 'refused') throw refusedBy(applied);
    if (before === null && journal.wasRemoved(id)) {
      throw new RefusedError(
        'LIVE_EVENT_EXISTS',
        `There was an event ${id}, which devices may remember; take another id.`,
      );
    }
    this.#checkRoom(before, applied.entry.after);
    return applied.entry;
  }

  #checkRoom(before: LiveEvent | null, after: LiveEvent): void {
    const { eventsMax, plansBytesMax } = this.#parts.limits;
    const moreBytes = planBytesOf(after) - planBytesOf(before);
    const isFull = before === null && this.#events.size + this.#creating >= eventsMax;
    if (!isFull && (moreBytes <= 0 || this.#planBytes + moreBytes <= plansBytesMax)) return;
    const what = isFull ? `${eventsMax} events` : `${plansBytesMax} bytes of plans`;
    throw new RefusedError('LIVE_EVENTS_FULL', `There are ${what} already; remove some that are over.`);
  }

  #tell(entry: JournalEntry): void {
    for (const watcher of this.#watchers) {
      try {
        watcher(entry);
      } catch (error) {
        const { event, sequence } = entry;
        this.#parts.log.error({ error, event, sequence }, 'A watcher of live events failed.');
      }
    }
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(id) ?? { last: Promise.resolve(), waiting: 0 };
    if (turns.waiting >= this.#parts.limits.waitingMax) {
      throw new RefusedError('LIVE_BUSY', `Many commands for event ${id} are under way; ask again shortly.`);
    }
    this.#turns.set(id, turns);
    turns.waiting += 1;
    // Whatever came of the one before.
    const mine = turns.last.then(work, work);
    turns.last = mine;
    try {
      return await mine;
    } finally {
      turns.waiting -= 1;
      if (turns.waiting === 0) this.#turns.delete(id);
    }
  }
}

function refusedBy({ code, message }: LiveRefusal): RefusedError {
  return new RefusedError(code, message);
}

function planBytesOf(event: LiveEvent | null): number {
  return event === null || event.plan === null ? 0 : Buffer.byteLength(event.plan);
}
