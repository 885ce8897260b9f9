import { OutageError, type SteadyTime, StopError } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { lifeMax } from './cassandra-stamps.ts';
import { metaTable } from './cassandra-tables.ts';
import { integerOf, textOf } from './cassandra-values.ts';
import { type HidingType, SweptHorizon, type SweptTypes } from './swept-horizon.ts';
import {
  Expiry,
  keptForEver,
  type NextTimeToLive,
  type TimeToLive,
  timeToLiveAfter,
} from './time-to-live.ts';

/** So old may be what this process knows of what another one wrote here. */
const ageMaxMs = 1_000;
/** Processes that change one thing at once; each that loses looks again. */
const setAttemptsMax = 20;

/** One type of edge at one end of it. */
export interface Side {
  readonly type: string;
  readonly direction: 'out' | 'in';
}

/** A graph that is being restored: which one, and how many of its rows are there. Without an id nobody can go on with it. */
export interface Restoring {
  readonly id: string | null;
  readonly rows: number;
}

interface MetaRow {
  readonly value: string;
  readonly version: number;
}

export type RemovedTombstone = readonly [hiding: HidingType, timeMs: number];

/**
 * What is known of the whole graph, one small partition: times to live, which types of edges are at which types of nodes, of which types anything was ever
 * deleted (others need no look-ups), and the life of what is delivered again. What another process changes is seen within a second.
 */
export class CassandraKnowledge {
  readonly #connection: CassandraConnection;
  readonly #steady: SteadyTime;
  #rows = new Map<string, MetaRow>();
  #rules: TimeToLive = keptForEver;
  #removed: SweptTypes = { nodes: {}, edges: {} };
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;
  /** Grows with each reading that begins, and with each row that is set here. */
  #turn = 0;
  /** Of the newest reading that ended, or row that was set: what was begun before says less. */
  #newest = 0;

  constructor(connection: CassandraConnection, steady: SteadyTime) {
    this.#connection = connection;
    this.#steady = steady;
  }

  get rules(): TimeToLive {
    return this.#rules;
  }

  /** From 1 on: that of rows that are hidden when they are written. */
  get life(): number {
    return Number(this.#rows.get('life')?.value ?? '1');
  }

  isNodeDeleted(type: string): boolean {
    return this.#rows.has(`deleted-node ${type}`);
  }

  isEdgeDeleted(type: string): boolean {
    return this.#rows.has(`deleted-edge ${type}`);
  }

  /** Which edges nodes of a type can have. */
  sidesAt(nodeType: string): readonly Side[] {
    const start = `side ${nodeType} `;
    return [...this.#rows.keys()].flatMap((name) => {
      if (!name.startsWith(start)) return [];
      const direction = name.startsWith('out ', start.length) ? 'out' : 'in';
      return [{ type: name.slice(start.length + direction.length + 1), direction } as const];
    });
  }

  async fresh(): Promise<void> {
    if (this.#steady() - this.#readAt < ageMaxMs) return;
    this.#reading ??= this.refresh().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async refresh(): Promise<void> {
    const at = this.#steady();
    this.#turn += 1;
    const turn = this.#turn;
    const before = new Set(this.#rows.keys());
    const found = await this.#connection.rows(
      `SELECT name, value, version FROM ${this.#connection.table(metaTable)} WHERE part = 'graph'`,
    );
    if (turn < this.#newest) return;
    this.#newest = turn;
    const learnedMeanwhile = [...this.#rows].filter(([name]) => !before.has(name));
    // What was learned while this read was under way may not be in it: without it a delete would go unseen for as long as this is fresh.
    this.#rows = new Map([
      ...learnedMeanwhile,
      ...found.map((row) => [textOf(row[0]), { value: textOf(row[1]), version: integerOf(row[2]) }] as const),
    ]);
    this.#readAt = at;
    const rules = this.#rows.get('time-to-live')?.value;
    this.#rules = rules === undefined ? keptForEver : JSON.parse(rules);
    const removed = this.#rows.get('removed-until')?.value;
    this.#removed = removed === undefined ? { nodes: {}, edges: {} } : JSON.parse(removed);
  }

  /** Null of a graph that is whole. */
  get restoring(): Restoring | null {
    const stored = this.#rows.get('restoring')?.value;
    if (stored === undefined) return null;
    // Versions before said nothing of it.
    return stored === '' ? { id: null, rows: 0 } : JSON.parse(stored);
  }

  /** Of the graph that was restored here to its end; null where that had no id, or there was none. */
  get restoredId(): string | null {
    return this.#rows.get('restored')?.value ?? null;
  }

  /** Durable before anything of a type is. */
  async learnSide(nodeType: string, { direction, type }: Side): Promise<void> {
    await this.#learn(`side ${nodeType} ${direction} ${type}`);
  }

  async learnDeleted(what: 'node' | 'edge', type: string): Promise<void> {
    await this.#learn(`deleted-${what} ${type}`);
  }

  /** Those of a snapshot, with what its sweeps took away. */
  async restoreRules(rules: TimeToLive): Promise<void> {
    await this.#set('time-to-live', () => JSON.stringify(rules));
    await this.refresh();
  }

  /** What sweeps took away stays, of other processes too. */
  async setRules(next: NextTimeToLive): Promise<void> {
    await this.#keepRules(next, []);
  }

  /** Before tombstones are removed: all that they hid stays hidden, also when its type is kept for longer. */
  async tombstonesGo(removed: readonly RemovedTombstone[]): Promise<void> {
    const { swept } = this.#rules;
    const isRaised = ([{ kind, type }, timeMs]: RemovedTombstone): boolean =>
      timeMs > (swept?.[kind][type] ?? -1);
    if (removed.some(isRaised)) await this.#keepRules((stored) => stored, removed);
  }

  async #keepRules(next: NextTimeToLive, removed: readonly RemovedTombstone[]): Promise<void> {
    await this.#set('time-to-live', (stored) => {
      const before: TimeToLive = stored === null ? keptForEver : JSON.parse(stored);
      const swept = new SweptHorizon(before.swept);
      for (const [hiding, timeMs] of removed) swept.removed(hiding, timeMs);
      return JSON.stringify(swept.with(timeToLiveAfter(before, next)));
    });
    await this.refresh();
  }

  /**
   * Up to when rows may have been removed, also where none are hidden since rules are longer: what is written there again is of the life in force, or the deletes
   * of the sweep, which carry those times, would hide it.
   */
  removals(nowMs: number): Expiry {
    return new Expiry({ ...this.#rules, swept: later(this.#removed, this.#rules.swept ?? noTypes) }, nowMs);
  }

  /** Before a page of the sweep removes anything; rounded up, so that it is written once an hour, or sixteen times in a shorter time to live. */
  async removesUntil(nowMs: number): Promise<void> {
    const { nodes, edges } = this.#rules;
    const until = (ttls: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
      Object.fromEntries(Object.entries(ttls).map(([type, ttlMs]) => [type, removedUntil(nowMs, ttlMs)]));
    const removing = { nodes: until(nodes), edges: until(edges) };
    if (JSON.stringify(later(this.#removed, removing)) === JSON.stringify(later(this.#removed, noTypes)))
      return;
    await this.#set('removed-until', (stored) => {
      const before: SweptTypes = stored === null ? noTypes : JSON.parse(stored);
      return JSON.stringify(later(before, removing));
    });
    await this.refresh();
  }

  /** Before a row of a life is written: a pass of the sweep then begins another. */
  async useLife(): Promise<void> {
    await this.#learn(`life-used ${this.life}`);
  }

  /** At the beginning of a pass: rows of lives before are removed, which those of the new one outlive. */
  async beginPass(): Promise<void> {
    const { life } = this;
    if (life >= lifeMax || !this.#rows.has(`life-used ${life}`)) return;
    await this.#set('life', () => String(life + 1));
    await this.refresh();
  }

  /** Throws StopError STORE_RESTORE_INCOMPLETE when somebody else has begun, but with the same graph: both write the same rows. */
  async beginRestoring(id: string | null): Promise<void> {
    // Without an id only the mark tells what was written here, where the answer was lost, from another one's.
    const value = id === null ? textOfMarked(this.#connection.mark()) : textOfRestoring({ id, rows: 0 });
    await this.#set('restoring', (stored) => {
      if (stored === null || stored === value) return value;
      throw restoreIncomplete(this.#connection.settings.keyspace);
    });
  }

  /** So many rows of it are durable. Throws OutageError when somebody else has come to the end of it, or given it up. */
  async restored(restoring: Restoring): Promise<void> {
    await this.#set('restoring', (stored) => {
      if (stored !== null) return textOfRestoring(restoring);
      throw new OutageError(
        'STORE_WRITE_FAILED',
        `Another process ended the restoring of the graph in keyspace ${this.#connection.settings.keyspace}; see what is there before anything is restored again.`,
      );
    });
  }

  /** The id first: between the two the restoring is as one that was interrupted, and is ended again. */
  async endRestoring(id: string | null): Promise<void> {
    if (id !== null) await this.#set('restored', () => id);
    await this.#connection.conditionally(
      `DELETE FROM ${this.#connection.table(metaTable)} WHERE part = 'graph' AND name = 'restoring' IF EXISTS`,
      [],
    );
    await this.refresh();
  }

  async #learn(name: string): Promise<void> {
    if (this.#rows.has(name)) return;
    await this.#connection.conditionally(
      `INSERT INTO ${this.#connection.table(metaTable)} (part, name, value, version) VALUES ('graph', ?, '', 1) IF NOT EXISTS`,
      [name],
    );
    this.#rows.set(name, { value: '', version: 1 });
  }

  /** Of two that set it at once, the one that comes later. */
  async #set(name: string, valueFor: (stored: string | null) => string): Promise<void> {
    const meta = this.#connection.table(metaTable);
    for (let attempt = 0; attempt < setAttemptsMax; attempt += 1) {
      const known = this.#rows.get(name);
      const version = known?.version ?? 0;
      const value = valueFor(known?.value ?? null);
      const isSet =
        known === undefined
          ? await this.#connection.conditionally(
              `INSERT INTO ${meta} (part, name, value, version) VALUES ('graph', ?, ?, 1) IF NOT EXISTS`,
              [name, value],
            )
          : await this.#connection.conditionally(
              `UPDATE ${meta} SET value = ?, version = ? WHERE part = 'graph' AND name = ? IF version = ?`,
              [value, version + 1, name, version],
            );
      if (isSet) {
        this.#turn += 1;
        this.#newest = this.#turn;
        this.#rows.set(name, { value, version: version + 1 });
        return;
      }
      await this.refresh();
    }
    throw new OutageError(
      'STORE_WRITE_FAILED',
      `Other processes set \`${name}\` of the graph in Cassandra ${setAttemptsMax} times in a row; try again.`,
    );
  }
}

export function restoreIncomplete(keyspace: string): StopError {
  return new StopError(
    'STORE_RESTORE_INCOMPLETE',
    `The graph in keyspace ${keyspace} was being restored and is not complete; if that was \`jg store copy\`, give the same command again, which goes on with it; else drop the keyspace, or take another \`cassandra.keyspace\`, then restore it again.`,
  );
}

function textOfMarked(mark: string): string {
  return JSON.stringify({ id: null, rows: 0, mark });
}

function textOfRestoring({ id, rows }: Restoring): string {
  return JSON.stringify({ id, rows });
}

const noTypes: SweptTypes = { nodes: {}, edges: {} };
const roundMsMax = 3_600_000;

/** Far from now: what happens now would use up a life with each pass of the sweep. */
export function removedUntil(nowMs: number, ttlMs: number): number {
  const roundMs = Math.min(roundMsMax, Math.max(1, Math.floor(ttlMs / 16)));
  return Math.ceil((nowMs - ttlMs) / roundMs) * roundMs;
}

/** Of each type the later time; types in one order, whoever named them first. */
function later(a: SweptTypes, b: SweptTypes): SweptTypes {
  const both = (
    one: Readonly<Record<string, number>>,
    other: Readonly<Record<string, number>>,
  ): Readonly<Record<string, number>> => {
    const types = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
    return Object.fromEntries(types.map((type) => [type, Math.max(one[type] ?? -1, other[type] ?? -1)]));
  };
  return { nodes: both(a.nodes, b.nodes), edges: both(a.edges, b.edges) };
}
