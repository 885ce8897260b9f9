import { LRUCache } from 'lru-cache';
import { type Cells, putRegisters } from './cassandra-cells.ts';
import type { NodeChanges } from './cassandra-group.ts';
import type { Applied } from './graph-store.ts';

/** What is known of a node's row: at least so much is in the database, or on its way in a group whose failure fails all behind it and empties this. */
interface Known {
  mentionedMs: number;
  readonly cells: Cells;
}

/** Cells of one event time, which is the stamp of the statement that writes them. */
export interface CellWrite {
  readonly node: Buffer;
  readonly life: number;
  readonly timeMs: number;
  readonly lineage: Buffer;
  readonly cells: ReadonlyMap<Buffer, Buffer>;
}

/** A node with more is not remembered. */
const cellsMax = 4_096;

type Counts = { -readonly [name in keyof Applied]: number };

/**
 * What this process wrote of nodes lately. The database may know more than this. Never less, once what is on its way is there: so a mutation that changes nothing
 * here is left out, and nothing is read for it. Emptied when a group fails, which fails all that were made on the assumption that it would not.
 */
export class CassandraNodeCache {
  readonly #known: LRUCache<string, Known>;

  constructor(entriesMax: number) {
    this.#known = new LRUCache({ max: entriesMax });
  }

  /** Merges a group's changes of one node; answers what is to be written, and counts each mutation in its batch's `applied`. */
  merge({ node, life, changes }: NodeChanges, applied: readonly Counts[]): CellWrite[] {
    if (changes.length === 0) return [];
    const name = node.toString('latin1');
    // Of later lives nothing is remembered: a sweep may have removed it.
    const known: Known = (life === 0 ? this.#known.get(name) : undefined) ?? {
      mentionedMs: -1,
      cells: new Map(),
    };
    const changed = new Set<string>();
    const lineages = new Map<number, Buffer>();
    let written = false;
    for (const change of changes) {
      const counts = applied[change.batch];
      const keys = putRegisters(known.cells, change.mutation, change);
      const isNewer = change.timeMs > known.mentionedMs;
      if (keys.length === 0 && !isNewer) {
        if (counts !== undefined) counts.nodeWritesSuppressed += 1;
        continue;
      }
      known.mentionedMs = Math.max(known.mentionedMs, change.timeMs);
      for (const key of keys) changed.add(key);
      lineages.set(change.timeMs, change.lineage);
      if (counts !== undefined) counts[written ? 'nodeWritesCoalesced' : 'nodeWrites'] += 1;
      written = true;
    }
    if (life === 0 && known.cells.size <= cellsMax) this.#known.set(name, known);
    else this.#known.delete(name);
    return written ? cellWrites(node, life, known, changed, lineages) : [];
  }

  forget(): void {
    this.#known.clear();
  }
}

function cellWrites(
  node: Buffer,
  life: number,
  { mentionedMs, cells }: Known,
  changed: ReadonlySet<string>,
  lineages: ReadonlyMap<number, Buffer>,
): CellWrite[] {
  const byTime = new Map<number, Map<Buffer, Buffer>>();
  if (lineages.has(mentionedMs)) byTime.set(mentionedMs, new Map());
  for (const key of changed) {
    const cell = cells.get(key);
    if (cell === undefined) continue;
    const of = byTime.get(cell.timeMs) ?? new Map<Buffer, Buffer>();
    byTime.set(cell.timeMs, of.set(Buffer.from(key, 'latin1'), cell.value));
  }
  return [...byTime].map(([timeMs, of]) => ({
    node,
    life,
    timeMs,
    lineage: lineages.get(timeMs) ?? Buffer.alloc(0),
    cells: of,
  }));
}
