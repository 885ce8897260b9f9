import type { Broadcast } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import { broadcastOf, type JournalEntry, type LiveEvent, type LiveEvents } from '../live-event.ts';

/** Events whose stages are named after their sequence (`s7`), in an order nobody checks; the oldest entries can be trimmed. */
export class FakeJournal implements LiveEvents {
  epoch = 1_000;
  readonly #events = new Map<string, LiveEvent>();
  readonly #broadcasts = new Map<string, Broadcast[]>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  create(id: string): Broadcast {
    const stages = [{ key: 's1', kind: 'announced', startsAtMs: null }] as const;
    return this.#enter({
      id,
      title: id,
      audience: null,
      stages,
      stage: 's0',
      stageKind: 'custom',
      at: 0,
      version: 1,
      epoch: this.epoch,
      sequence: 0,
      createdMs: this.#now(),
      plan: null,
    });
  }

  advance(id: string): Broadcast {
    return this.#enter(must(this.get(id), 'it was created'));
  }

  /** Another life of the journal: what was broadcast before is not in it. */
  restore(id: string): Broadcast {
    this.epoch += 1;
    this.#broadcasts.delete(id);
    return this.#enter({ ...must(this.get(id), 'it was created'), epoch: this.epoch, sequence: 0 });
  }

  remove(id: string): void {
    this.#events.delete(id);
  }

  trim(id: string, keep: number): void {
    const all = this.#broadcasts.get(id) ?? [];
    all.splice(0, Math.max(0, all.length - keep));
  }

  get(id: string): LiveEvent | null {
    return this.#events.get(id) ?? null;
  }

  /** The newest. */
  broadcast(id: string): Broadcast {
    return broadcastOf(must(this.get(id), 'it was created'));
  }

  list(): readonly LiveEvent[] {
    return [...this.#events.values()];
  }

  async broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null> {
    // A disk answers in another turn.
    await new Promise((resolve) => setImmediate(resolve));
    const all = this.#broadcasts.get(id) ?? [];
    const first = all[0]?.sequence ?? Number.POSITIVE_INFINITY;
    return first > sequence + 1 ? null : all.filter((broadcast) => broadcast.sequence > sequence);
  }

  watch(_listener: (entry: JournalEntry) => void): () => void {
    return () => undefined;
  }

  watchRemovals(_listener: (event: string) => void): () => void {
    return () => undefined;
  }

  #enter(event: LiveEvent): Broadcast {
    const sequence = event.sequence + 1;
    const after: LiveEvent = { ...event, sequence, stage: `s${sequence}`, at: this.#now() };
    this.#events.set(event.id, after);
    const broadcast = broadcastOf(after);
    const all = this.#broadcasts.get(event.id) ?? [];
    this.#broadcasts.set(event.id, all);
    all.push(broadcast);
    return broadcast;
  }
}
