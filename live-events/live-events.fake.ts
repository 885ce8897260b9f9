import type { Broadcast } from '../device/index.ts';
import type { JournalEntry, LiveEvent, LiveEvents } from './live-event.ts';

/** Events in memory; whoever changes one says by which command. */
export class FakeLiveEvents implements LiveEvents {
  readonly epoch = 1;
  readonly #events = new Map<string, LiveEvent>();
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

  change(command: JournalEntry['command'], after: LiveEvent): void {
    this.#events.set(after.id, after);
    const { id: event, sequence, at: timeMs } = after;
    for (const listener of this.#listeners)
      listener({ event, sequence, timeMs, actor: 'local', command, reason: null, after });
  }
}
