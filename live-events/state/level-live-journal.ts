import { ClassicLevel } from 'classic-level';
import type { Broadcast, Cursor } from '../../device/index.ts';
import { SideDatabase } from '../../graph-store/index.ts';
import { broadcastOf, type JournalEntry, type LiveEvent, type Removal } from '../live-event.ts';
import { journalFailures, openEpoch } from './journal-opening.ts';
import {
  decodeEntry,
  decodePublished,
  decodeRemoval,
  decodeState,
  encodeEntry,
  encodePublished,
  encodeRemoval,
  encodeState,
  entryKey,
  type LiveLevel,
  lineOf,
  metaKey,
  publishedKey,
  rangeOf,
  removalKey,
  removedKey,
  stateKey,
} from './journal-rows.ts';
import type { LiveJournal, LiveJournalLimits, PastEntry } from './live-journal.ts';

const writeBufferBytes = 4 * 2 ** 20;
/**
 * How far versions go on when the journal begins another life: further than any changes that the copy may not have. A device that holds a version of those would
 * otherwise never ask for the one in force.
 */
const versionLeap = 1000;

/** Of the newest entry of an event. */
interface Head {
  readonly line: number;
  readonly sequence: number;
}

/** In a database of its own, which LevelDB's lock keeps for one process. */
export class LevelLiveJournal implements LiveJournal {
  readonly #side: SideDatabase<Buffer>;
  readonly #db: LiveLevel;
  readonly #limits: LiveJournalLimits;
  #epoch: number;
  #events: readonly LiveEvent[];
  readonly #heads = new Map<string, Head>();
  readonly #published = new Map<string, Cursor>();
  readonly #removed = new Set<string>();
  /** Of the newest removal, or one that failed; 0 for none. */
  #removalLine = 0;

  private constructor(side: SideDatabase<Buffer>, db: LiveLevel, limits: LiveJournalLimits, epoch: number) {
    this.#side = side;
    this.#db = db;
    this.#limits = limits;
    this.#epoch = epoch;
    this.#events = [];
  }

  /**
   * `nowMs` becomes the epoch of a journal that is made by this.
   *
   * Throws StopError (LIVE_JOURNAL_LOCKED: another process has the folder open; LIVE_JOURNAL_FORMAT; LIVE_JOURNAL_CORRUPT) or OutageError LIVE_JOURNAL_OPEN_FAILED.
   */
  static async open(folder: string, nowMs: number, limits: LiveJournalLimits): Promise<LevelLiveJournal> {
    const db: LiveLevel = new ClassicLevel<Buffer, Buffer>(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: writeBufferBytes,
    });
    return await SideDatabase.open(db, journalFailures(folder), async (side) => {
      const journal = new LevelLiveJournal(side, db, limits, await openEpoch(side, db, folder, nowMs));
      await journal.#load();
      return journal;
    });
  }

  get epoch(): number {
    return this.#epoch;
  }

  get events(): readonly LiveEvent[] {
    return this.#events;
  }

  get removedCount(): number {
    return this.#removed.size;
  }

  async append(entry: JournalEntry): Promise<void> {
    const { event: id, sequence, after } = entry;
    const line = (this.#heads.get(id)?.line ?? 0) + 1;
    await this.#side.write(async (db) => {
      const batch = db.batch();
      batch.put(entryKey(id, line), encodeEntry(entry));
      batch.put(stateKey(id), encodeState({ line, event: after }));
      if (line > this.#limits.entriesMax) batch.del(entryKey(id, line - this.#limits.entriesMax));
      await batch.write({ sync: true });
    });
    this.#heads.set(id, { line, sequence });
  }

  async last(id: string, count: number): Promise<readonly PastEntry[]> {
    const newest = this.#heads.get(id)?.line ?? 0;
    const entries = await this.#entries(id, Math.max(1, newest - count + 1), newest);
    return entries.toReversed();
  }

  async broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null> {
    const head = this.#heads.get(id);
    const missing = head === undefined ? -1 : head.sequence - sequence;
    if (head === undefined || missing < 0 || missing > this.#limits.entriesMax) return null;
    if (missing === 0) return [];
    const entries = await this.#entries(id, head.line - missing + 1, head.line);
    // Some may have been trimmed since, and before the first of an epoch there are those of another.
    const isWhole =
      entries.length === missing &&
      entries.every((entry, i) => entry.sequence === sequence + 1 + i && entry.after.epoch === this.#epoch);
    return isWhole ? entries.map(({ after }) => broadcastOf(after)) : null;
  }

  async remove(removal: Removal): Promise<void> {
    const { event: id } = removal;
    const newest = this.#heads.get(id)?.line;
    if (newest === undefined) return;
    const { removalsMax } = this.#limits;
    this.#removalLine += 1;
    const removalLine = this.#removalLine;
    await this.#side.write(async (db) => {
      const batch = db.batch();
      batch.del(stateKey(id)).del(publishedKey(id)).put(removedKey(id), Buffer.alloc(0));
      batch.put(removalKey(removalLine), encodeRemoval(removal));
      if (removalLine > removalsMax) batch.del(removalKey(removalLine - removalsMax));
      for (let line = Math.max(1, newest - this.#limits.entriesMax + 1); line <= newest; line += 1)
        batch.del(entryKey(id, line));
      await batch.write({ sync: true });
    });
    this.#heads.delete(id);
    this.#published.delete(id);
    this.#removed.add(id);
  }

  async removals(count: number): Promise<readonly Removal[]> {
    const range = { ...rangeOf('x'), reverse: true, limit: count };
    return (await this.#side.read((db) => db.values(range).all())).map(decodeRemoval);
  }

  wasRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  published(id: string): Cursor | null {
    return this.#published.get(id) ?? null;
  }

  async setPublished(id: string, cursor: Cursor): Promise<void> {
    if (!this.#heads.has(id)) return;
    await this.#side.write((db) => db.put(publishedKey(id), encodePublished(cursor)));
    this.#published.set(id, cursor);
  }

  /**
   * Begins another life, for a journal that was restored from a copy: what devices hold of the changes that the copy does not have must not pass for newer. Before a
   * service has it. Events have their first sequence then, and ids that were removed are free. Gives the epoch, which is greater.
   */
  async renewEpoch(nowMs: number, actor: string): Promise<number> {
    const epoch = Math.max(nowMs, this.#epoch + 1);
    const reason = `a new life of the journal after ${this.#epoch}`;
    await this.#side.write(async (db) => {
      const batch = db.batch();
      batch.put(metaKey.epoch, Buffer.from(String(epoch)));
      for (const id of this.#removed) batch.del(removedKey(id));
      for (const before of this.#events) {
        const { id } = before;
        const line = (this.#heads.get(id)?.line ?? 0) + 1;
        const after: LiveEvent = { ...before, epoch, sequence: 1, version: before.version + versionLeap };
        const entry = {
          event: id,
          sequence: 1,
          timeMs: nowMs,
          actor,
          command: 'epoch',
          reason,
          after,
        } as const;
        batch
          .put(entryKey(id, line), encodeEntry(entry))
          .put(stateKey(id), encodeState({ line, event: after }));
        if (line > this.#limits.entriesMax) batch.del(entryKey(id, line - this.#limits.entriesMax));
      }
      await batch.write({ sync: true });
    });
    this.#epoch = epoch;
    this.#removed.clear();
    await this.#load();
    return epoch;
  }

  async close(): Promise<void> {
    await this.#side.close();
  }

  async #load(): Promise<void> {
    const rows = (await this.#db.values(rangeOf('s')).all()).map(decodeState);
    for (const { line, event } of rows) this.#heads.set(event.id, { line, sequence: event.sequence });
    this.#events = rows.map(({ event }) => event);
    for (const [key, value] of await this.#db.iterator(rangeOf('p')).all())
      this.#published.set(key.toString('utf8', 1), decodePublished(value));
    for (const key of await this.#db.keys(rangeOf('d')).all()) this.#removed.add(key.toString('utf8', 1));
    const [newest] = await this.#db.keys({ ...rangeOf('x'), reverse: true, limit: 1 }).all();
    this.#removalLine = newest === undefined ? 0 : lineOf(newest);
  }

  async #entries(id: string, fromLine: number, toLine: number): Promise<readonly PastEntry[]> {
    if (toLine < fromLine) return [];
    const range = { gte: entryKey(id, fromLine), lte: entryKey(id, toLine) };
    return (await this.#side.read((db) => db.values(range).all())).map(decodeEntry);
  }
}
