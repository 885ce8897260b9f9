import type { Broadcast } from '../device/index.ts';
import type { JournalEntry, LiveEvent, LiveEvents } from './live-event.ts';

/** Events in memory; whoever changes one says by which command. */
export class FakeLiveEvents implements LiveEvents {
  readonly epoch = 1;
  readonly #events = new Map<string, LiveEvent>();
  readonly #entries: JournalEntry[] = [];
  readonly #removed = new Set<string>();
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  readonly #removalListeners = new Set<(event: string) => void>();

  constructor(...events: readonly LiveEvent[]) {
    for (const event of events) this.#events.set(event.id, event);
  }

  get(id: string): LiveEvent | null {
    return this.#events.get(id) ?? null;
  }

  list(): readonly LiveEvent[] {
    return [...this.#events.values()];
  }

  async broadcastsAfter(): Promise<readonly Broadcast[]> {
    return [];
  }

  watch(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watchRemovals(listener: (event: string) => void): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  wasRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  remove(id: string): void {
    this.#events.delete(id);
    this.#removed.add(id);
    for (const listener of this.#removalListeners) listener(id);
  }

  /** Newest first. Of an event as it was given at the beginning nobody knows when it came to be so. */
  async history(id: string, count: number): Promise<readonly JournalEntry[]> {
    return this.#entries.filter(({ event }) => event === id).slice(0, count);
  }

  change(command: JournalEntry['command'], after: LiveEvent, timeMs: number = after.at): void {
    this.#events.set(after.id, after);
    const { id: event, sequence } = after;
    const entry: JournalEntry = { event, sequence, timeMs, actor: 'local', command, reason: null, after };
    this.#entries.unshift(entry);
    for (const listener of this.#listeners) listener(entry);
  }
}
