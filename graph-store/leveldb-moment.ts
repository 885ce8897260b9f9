import type { Snapshot } from 'classic-level';
import type { StampedSnapshot } from './adjacency-heads.ts';
import type { DeletedTypes } from './deleted-types.ts';
import type { OccurrenceView } from './graph-store.ts';
import type { Level } from './level.ts';
import type { NodeRef } from './model.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** What decides whether an occurrence is visible. */
export type Occurrence = Pick<OccurrenceView, 'type' | 'from' | 'to' | 'key' | 'timeMs'>;

/** Ends of hops meet again and again; what has been looked up once at one moment stays true of it. Forgotten all at once when full. */
const knownMax = 8_192;
/** Of so many keys on LevelDB's threads look for them; of fewer the way there and back takes longer than looking. */
const keysOffThreadMin = 12;

/** One moment of the store, and what hides what at it. Valid as long as its snapshot is open. */
export class Moment {
  readonly snapshot: Snapshot;
  /** All batches up to this one are in it; see `WriteStamps`. */
  readonly settled: number;
  readonly expiry: Expiry;
  readonly deleted: DeletedTypes;
  readonly #db: Level;
  /** Tombstones of nodes, by type and id; -1 where there is none. */
  readonly #known = new Map<string, number>();

  constructor(db: Level, { snapshot, settled }: StampedSnapshot, expiry: Expiry, deleted: DeletedTypes) {
    this.#db = db;
    this.snapshot = snapshot;
    this.settled = settled;
    this.expiry = expiry;
    this.deleted = deleted;
  }

  /** Up to which event time everything of the node is hidden: it was deleted then, or is kept no longer. */
  hiddenMs(ref: NodeRef): number {
    const ofType = this.expiry.ofNode(ref.type);
    if (!this.deleted.nodes.has(ref.type)) return ofType;
    const stored = this.#db.getSync(rows.tombstoneKey(ref), { snapshot: this.snapshot });
    return Math.max(rows.decodeTime(stored), ofType);
  }

  /** That no occurrence is hidden by its edge's tombstone or the other end's, because there are none. */
  get showsAll(): boolean {
    return this.deleted.edges.size === 0 && this.showsAllNodes;
  }

  /** That no node is hidden. */
  get showsAllNodes(): boolean {
    return this.deleted.nodes.size === 0 && this.expiry.keepsNodes;
  }

  /** Leaves out occurrences hidden by their edge's tombstone or the other end's; the own end bounded the range. */
  async visible<T extends Occurrence>(occurrences: readonly T[], way: 'out' | 'in'): Promise<readonly T[]> {
    const { nodes, edges } = this.deleted;
    if (this.showsAll) return occurrences;
    const edgeKeys = occurrences.map(({ type, from, to, key }) =>
      edges.has(type) ? rows.edgeTombstoneKey(type, from, to, key) : null,
    );
    const others = occurrences.map(({ from, to }) => (way === 'out' ? to : from));
    const edgeMs = edges.size === 0 ? [] : await this.tombstones(edgeKeys);
    const otherMs = nodes.size === 0 ? [] : await this.#ofNodes(others);
    return occurrences.filter(({ timeMs }, i) => {
      const ofType = this.expiry.ofNode(others[i]?.type ?? '');
      return timeMs > Math.max(edgeMs[i] ?? -1, otherMs[i] ?? -1, ofType);
    });
  }

  /** For each node up to which event time links to it are hidden. */
  async hiddenLinksMs(refs: readonly NodeRef[]): Promise<readonly number[]> {
    const deletedMs = this.deleted.nodes.size === 0 ? [] : await this.#ofNodes(refs);
    return refs.map(({ type }, i) => Math.max(deletedMs[i] ?? -1, this.expiry.ofNode(type)));
  }

  /** Each node is looked up once, all of them together. */
  async #ofNodes(refs: readonly NodeRef[]): Promise<readonly number[]> {
    const missing = new Map<string, Buffer>();
    const found = new Map<string, number>();
    const names = refs.map((ref) => (this.deleted.nodes.has(ref.type) ? `${ref.type}\0${ref.id}` : null));
    for (const [i, name] of names.entries()) {
      const ref = refs[i];
      if (name === null || ref === undefined) continue;
      const known = this.#known.get(name);
      if (known !== undefined) found.set(name, known);
      else if (!missing.has(name)) missing.set(name, rows.tombstoneKey(ref));
    }
    const times = await this.tombstones([...missing.values()]);
    if (this.#known.size + missing.size > knownMax) this.#known.clear();
    for (const [i, name] of [...missing.keys()].entries()) {
      found.set(name, times[i] ?? -1);
      this.#known.set(name, times[i] ?? -1);
    }
    return names.map((name) => (name === null ? -1 : (found.get(name) ?? -1)));
  }

  /** Their times; -1 where there is none, and for a null: a key that there cannot be. */
  async tombstones(keys: readonly (Buffer | null)[]): Promise<readonly number[]> {
    const asked = keys.filter((key) => key !== null);
    if (asked.length === 0) return keys.map(() => -1);
    const found = (await this.#stored(asked)).map(rows.decodeTime);
    let next = 0;
    return keys.map((key) => (key === null ? -1 : (found[next++] ?? -1)));
  }

  async #stored(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    const { snapshot } = this;
    if (keys.length < keysOffThreadMin) return keys.map((key) => this.#db.getSync(key, { snapshot }));
    return await this.#db.getMany([...keys], { snapshot });
  }
}
