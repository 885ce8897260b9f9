import type { Broadcast, Cursor } from '../../device/index.ts';
import { type Clock, type Log, RefusedError } from '../../foundation/index.ts';
import type { JournalEntry, LiveEvent, LiveEvents, Removal } from '../live-event.ts';
import { apply } from './apply.ts';
import type { Asking, LiveCommand, LiveRefusal, LiveTextLimits } from './live-command.ts';
import { liveTextLimitsDefault } from './live-command.ts';
import type { LiveJournal, PastEntry } from './live-journal.ts';
import { removed } from './removed.ts';

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
  readonly #removalWatchers = new Set<(event: string) => void>();
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

  /** As {@link watch}. */
  watchRemovals(listener: (event: string) => void): () => void {
    const watcher = (event: string): void => listener(event);
    this.#removalWatchers.add(watcher);
    return () => this.#removalWatchers.delete(watcher);
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

  /**
   * Removes an event that is over; resolves when that is durable and watchers have been told.
   *
   * Throws RefusedError (LIVE_EVENT_UNKNOWN, LIVE_EVENT_INVALID, LIVE_TRANSITION_REFUSED, LIVE_VERSION_STALE, LIVE_EVENTS_FULL) or OutageError LIVE_JOURNAL_WRITE_FAILED.
   */
  async remove(id: string, asking: Asking): Promise<void> {
    await this.#inTurn(id, async () => {
      const removal = this.tryRemoval(id, asking);
      const planBytes = planBytesOf(this.get(id));
      await this.#parts.journal.remove(removal);
      this.#events.delete(id);
      this.#planBytes -= planBytes;
      this.#tellRemoval(id);
    });
  }

  /** What would be left of it, if it were removed now; changes nothing. Throws RefusedError as `remove`. */
  tryRemoval(id: string, asking: Asking): Removal {
    const { clock, journal, limits } = this.#parts;
    const outcome = removed(this.get(id), id, asking, clock.now(), limits);
    if (outcome.kind === 'refused') throw refusedBy(outcome);
    if (journal.removedCount < limits.removedMax) return outcome.removal;
    throw new RefusedError(
      'LIVE_EVENTS_FULL',
      `${limits.removedMax} events were removed in this life of the journal; \`jg live renew-epoch\` begins another.`,
    );
  }

  /** In this life of the journal. */
  wasRemoved(id: string): boolean {
    return this.#parts.journal.wasRemoved(id);
  }

  /** Newest first. */
  async removals(count: number): Promise<readonly Removal[]> {
    return await this.#parts.journal.removals(count);
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
    const { event, sequence } = entry;
    for (const watcher of this.#watchers) this.#told({ event, sequence }, () => watcher(entry));
  }

  #tellRemoval(event: string): void {
    for (const watcher of this.#removalWatchers) this.#told({ event }, () => watcher(event));
  }

  #told(of: object, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#parts.log.error({ error, ...of }, 'A watcher of live events failed.');
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
