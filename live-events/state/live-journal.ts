import type { Broadcast, Cursor } from '../../device/index.ts';
import type { JournalEntry, LiveEvent, Removal } from '../live-event.ts';

/** An entry as it is read back: plans are kept of the newest state only, since a thousand of them would be most of the journal. */
export interface PastEntry extends Omit<JournalEntry, 'after'> {
  readonly after: Omit<LiveEvent, 'plan'>;
}

export interface LiveJournalLimits {
  /** Kept of each event; older ones are trimmed as new ones come. */
  readonly entriesMax: number;
  /** Kept of what is said of removed events; the oldest go. */
  readonly removalsMax: number;
}

export const liveJournalLimitsDefault: LiveJournalLimits = { entriesMax: 1000, removalsMax: 1000 };

/**
 * Who did what to which event. There is one writer, the service, which appends the entries of one event one after the other; of different events several may be under way.
 * An append that failed changed nothing that anybody was told of; whether it is there after a restart is open, as after a crash.
 */
export interface LiveJournal {
  /** Which life of the journal this is. */
  readonly epoch: number;
  /** The newest state of each event, as it was when the journal was opened. */
  readonly events: readonly LiveEvent[];
  /** Resolves when it is durable. Throws OutageError LIVE_JOURNAL_WRITE_FAILED. */
  append(entry: JournalEntry): Promise<void>;
  /** Newest first. Throws OutageError LIVE_JOURNAL_READ_FAILED, as all that read. */
  last(id: string, count: number): Promise<readonly PastEntry[]>;
  /** Those with a greater sequence in this epoch, oldest first; null when not all of them are there. */
  broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null>;
  /** Removes an event with its entries, and keeps who did. Its id is not free before the next epoch: sequences that devices have seen would begin again. */
  remove(removal: Removal): Promise<void>;
  /** Newest first, of all epochs. */
  removals(count: number): Promise<readonly Removal[]>;
  wasRemoved(id: string): boolean;
  readonly removedCount: number;
  /** What was published last of an event, as far as that had reached the disk; null for none. */
  published(id: string): Cursor | null;
  /** Not synced: what is lost of it is published again. */
  setPublished(id: string, cursor: Cursor): Promise<void>;
  close(): Promise<void>;
}
