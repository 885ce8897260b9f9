import type { Level } from './level.ts';
import { readTime } from './register-bytes.ts';

interface Context {
  readonly db: Level;
  /** Groups that LevelDB does not have yet, this one included. */
  readonly pending: Iterable<{ readonly deletions: GroupDeletions }>;
}

/** Of one group: tombstones that it writes, and nodes' rows and tombstones that it takes away. */
export class GroupDeletions {
  readonly #context: Context;
  readonly #tombstones = new Map<string, number>();
  /** Names of nodes and keys of tombstones that it takes away: LevelDB still answers them. */
  readonly #removed = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** By their keys as latin1 text. */
  get tombstones(): ReadonlyMap<string, number> {
    return this.#tombstones;
  }

  get removesAnything(): boolean {
    return this.#removed.size > 0;
  }

  removes(what: string): boolean {
    return this.#removed.has(what);
  }

  removeNode(name: string): void {
    this.#removed.add(name);
  }

  /** It is taken away, by this group or a later one. */
  forgetTombstone(key: string): void {
    this.#tombstones.delete(key);
  }

  /** Its time. A later delete may be on its way, which this one must not take away: then null. */
  removeTombstone(key: Buffer, hiddenMs: number): number | null {
    const text = key.toString('latin1');
    const timeMs = this.#tombstoneTime(text, key);
    if (timeMs > hiddenMs) return null;
    for (const { deletions } of this.#context.pending) deletions.forgetTombstone(text);
    this.#removed.add(text);
    return timeMs;
  }

  /** Tombstones combine by max. Deletes are rare, so each reads what is stored. */
  bury(key: Buffer, packed: Buffer, eventAt: number): void {
    const text = key.toString('latin1');
    const timeMs = Number.MAX_SAFE_INTEGER - readTime(packed, eventAt);
    if (timeMs > this.#tombstoneTime(text, key)) this.#tombstones.set(text, timeMs);
  }

  /** Removals are rare: without any, no name becomes a string. */
  isNodeRemoved(name: Buffer, start: number, end: number): boolean {
    for (const { deletions } of this.#context.pending) {
      if (deletions.removesAnything && deletions.removes(name.toString('latin1', start, end))) return true;
    }
    return false;
  }

  /** What LevelDB has or will have once all groups are written. */
  #tombstoneTime(text: string, key: Buffer): number {
    let newest = -1;
    for (const { deletions } of this.#context.pending) {
      newest = Math.max(newest, deletions.tombstones.get(text) ?? -1);
    }
    if (newest >= 0) return newest;
    if (this.#isRemoved(text)) return -1;
    const stored = this.#context.db.getSync(key);
    return stored === undefined ? -1 : readTime(stored, 0);
  }

  /** By a group that LevelDB does not have yet; what was changed again since is found before this is asked. */
  #isRemoved(what: string): boolean {
    for (const { deletions } of this.#context.pending) if (deletions.removes(what)) return true;
    return false;
  }
}
