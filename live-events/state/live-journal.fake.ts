import type { Broadcast, Cursor } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import { broadcastOf, type JournalEntry, type LiveEvent, type Removal } from '../live-event.ts';
import type { LiveJournal, PastEntry } from './live-journal.ts';

/** What outlives a process: give it to another {@link FakeLiveJournal} and it is as after a restart. */
export interface FakeDisk {
  readonly epoch: number;
  readonly entries: JournalEntry[];
  readonly published: Map<string, Cursor>;
  readonly removed: Map<string, Removal>;
}

export function fakeDisk(epoch = 1000): FakeDisk {
  return { epoch, entries: [], published: new Map(), removed: new Map() };
}

/** In memory, without trimming; `isBroken` lets writes fail. */
export class FakeLiveJournal implements LiveJournal {
  readonly disk: FakeDisk;
  isBroken = false;
  /** Called before each write. */
  onWrite: () => Promise<void> = async () => undefined;

  constructor(disk: FakeDisk = fakeDisk()) {
    this.disk = disk;
  }

  get epoch(): number {
    return this.disk.epoch;
  }

  get events(): readonly LiveEvent[] {
    return [...new Map(this.disk.entries.map(({ event, after }) => [event, after])).values()];
  }

  get removedCount(): number {
    return this.disk.removed.size;
  }

  async append(entry: JournalEntry): Promise<void> {
    await this.#write();
    this.disk.entries.push(entry);
  }

  async last(id: string, count: number): Promise<readonly PastEntry[]> {
    return this.#of(id).toReversed().slice(0, count);
  }

  async broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null> {
    const newest = this.#of(id).at(-1)?.sequence ?? -1;
    if (newest < sequence) return null;
    return this.#of(id)
      .filter((entry) => entry.sequence > sequence)
      .map(({ after }) => broadcastOf(after));
  }

  async remove(removal: Removal): Promise<void> {
    const { event: id } = removal;
    await this.#write();
    const kept = this.disk.entries.filter(({ event }) => event !== id);
    this.disk.entries.splice(0, this.disk.entries.length, ...kept);
    this.disk.removed.set(id, removal);
  }

  async removals(count: number): Promise<readonly Removal[]> {
    return [...this.disk.removed.values()].toReversed().slice(0, count);
  }

  wasRemoved(id: string): boolean {
    return this.disk.removed.has(id);
  }

  published(id: string): Cursor | null {
    return this.disk.published.get(id) ?? null;
  }

  async setPublished(id: string, cursor: Cursor): Promise<void> {
    await this.#write();
    this.disk.published.set(id, cursor);
  }

  async close(): Promise<void> {
    this.isBroken = true;
  }

  async #write(): Promise<void> {
    await this.onWrite();
    if (this.isBroken) throw new OutageError('LIVE_JOURNAL_WRITE_FAILED', 'The fake journal is broken.');
  }

  #of(id: string): readonly JournalEntry[] {
    return this.disk.entries.filter(({ event }) => event === id);
  }
}
