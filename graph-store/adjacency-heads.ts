import type { Snapshot } from 'classic-level';
import { EndsArena, endBytes, PackedEnds } from './ends-page.ts';
import type { AdjacencyQuery, EndsPage } from './graph-store.ts';
import type { Level } from './level.ts';
import { NodeRows } from './node-rows.ts';
import * as rows from './rows.ts';
import type { WriteStamps } from './write-stamps.ts';

/** Rows of one adjacency that are kept: the newest ones, as many as somebody asked for. A hop asks for as many as it may have edges. */
const rowsMax = 320;
/** Fewer would be read anew too often. */
const rowsMin = 8;
/** Of one adjacency; what is longer is kept as far as it fits. */
const headBytesMax = 16 * 1024;
/** Keys are longer than what is kept of them. */
const readBytesMax = 64 * 1024;
/** In front of the rows: up to which batch it holds (6 bytes), how many rows there are, whether they are all; then for each row where it ends (2 bytes). */
const countAt = 6;
const wholeAt = 8;
const headerBytes = 9;

/** One moment of the store: its snapshot, and up to which batch everything is in it. */
export interface StampedSnapshot {
  readonly snapshot: Snapshot;
  readonly settled: number;
}

/** Whole milliseconds: `sinceMs` inclusive, `untilMs` exclusive. */
export interface TimeSpan {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * The newest edges of nodes that were asked for lately, by their keys: a hop from hundreds of nodes is as many searches in LevelDB, of some fifty microseconds each, and the
 * nodes that were active last are asked for again and again. What hides edges (tombstones, time to live) is looked at with each answer, as for rows that come from LevelDB.
 *
 * Invariant: an answer is what an iterator on the moment's snapshot would give. What is kept was read at some snapshot, and is used only while no batch that names the node was handed over since.
 * Policy of the bound: the half that was not used lately is forgotten.
 */
export class AdjacencyHeads {
  readonly #db: Level;
  readonly #stamps: WriteStamps;
  readonly #rows: NodeRows;
  readonly #prefix = Buffer.allocUnsafeSlow(rows.prefixBytesMax);
  #isEmpty = true;

  constructor(db: Level, stamps: WriteStamps, bytesMax: number) {
    this.#db = db;
    this.#stamps = stamps;
    this.#rows = new NodeRows(bytesMax, () => []);
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether these are among the newest edges, and few enough to be worth keeping. */
  static isFor({ limit, endsOnly }: AdjacencyQuery): boolean {
    return limit <= rowsMax && endsOnly === true;
  }

  /** The page of the rows within the span, hidden ones included; null where what is kept holds no longer or is too little. */
  kept(query: AdjacencyQuery, span: TimeSpan, settled: number, arena: EndsArena): EndsPage | null {
    const at = this.#find(query, settled);
    return at < 0 ? null : cut(this.#rows.bytes, at, query, span, arena);
  }

  /**
   * The same from LevelDB, kept from here on; null where the newest are too little. Behind a place it reads on from the beginning: a node that is read on is asked for
   * again as a rule, and then all of it is there.
   */
  async read(
    query: AdjacencyQuery,
    span: TimeSpan,
    { snapshot, settled }: StampedSnapshot,
  ): Promise<EndsPage | null> {
    const before = this.#countBefore(query, settled);
    const limit = Math.max(rowsMin, before + query.limit);
    if (limit > rowsMax) return null;
    const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
    const range = { gte: prefix, lt: behind(prefix) };
    await using iterator = this.#db.keysAlone({ ...range, snapshot, highWaterMarkBytes: readBytesMax });
    const keys = (await iterator.nextv(limit)).map(([key]) => key);
    const read = keys.reduce((sum, key) => sum + key.length, 0);
    const row = encoded(keys, prefix.length, keys.length < limit && read <= readBytesMax, settled);
    this.#rows.set(prefix, 0, prefix.length, rows.prefixHash(prefix), row, row.length, 0);
    this.#isEmpty = false;
    return cut(row, 0, query, span, new EndsArena(row.length));
  }

  /** Where the adjacency's rows lie, until the table's next change; -1 where there are none that hold. */
  #find({ of, direction, type }: AdjacencyQuery, settled: number): number {
    const prefix = this.#prefix;
    const end = rows.writeAdjacencyPrefix(prefix, of, direction, type);
    if (end < 0) return -1;
    const hash = rows.prefixHash(prefix);
    const slot = this.#rows.find(prefix, 0, end, hash);
    if (slot < 0) return -1;
    const at = this.#rows.start(slot);
    // Nor for a moment from before it was read: a batch in between may be in it.
    const known = Math.min(this.#rows.bytes.readUIntBE(at, countAt), settled);
    return this.#stamps.holds(hash, known) ? at : -1;
  }

  /** How many rows lie in front of the place that the query begins behind; infinitely many where that is not known. */
  #countBefore(query: AdjacencyQuery, settled: number): number {
    if ((query.after ?? null) === null) return 0;
    const at = this.#find(query, settled);
    return at < 0 ? Number.POSITIVE_INFINITY : indexBehind(this.#rows.bytes, at, query.after);
  }
}

function countOf(head: Buffer, at: number): number {
  return head.readUInt16BE(at + countAt);
}

/** Where a row ends, counted from where the first one begins: at -1 the beginning. */
function endOf(head: Buffer, at: number, index: number): number {
  return index < 0 ? 0 : head.readUInt16BE(at + headerBytes + index * endBytes);
}

function timeOf(head: Buffer, at: number, index: number): number {
  const rowsAt = at + headerBytes + countOf(head, at) * endBytes;
  return rows.eventTimeAt(head, rowsAt + endOf(head, at, index - 1));
}

/** The first of the rows for which it is so; they are in order, so that it is for all behind it. */
function firstOf(from: number, count: number, isSo: (index: number) => boolean): number {
  let low = from;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first row behind the place. */
function indexBehind(head: Buffer, at: number, after: AdjacencyQuery['after']): number {
  if (after === null || after === undefined) return 0;
  const place = rows.occurrencePlace(after);
  const count = countOf(head, at);
  const rowsAt = at + headerBytes + count * endBytes;
  return firstOf(0, count, (index) => {
    const [start, end] = [endOf(head, at, index - 1), endOf(head, at, index)];
    return head.compare(place, 0, place.length, rowsAt + start, rowsAt + end) > 0;
  });
}

/** Null where the rows at hand end before the page does. */
function cut(
  head: Buffer,
  at: number,
  query: AdjacencyQuery,
  { sinceMs, untilMs }: TimeSpan,
  arena: EndsArena,
): EndsPage | null {
  const { limit, scanMax } = query;
  const count = countOf(head, at);
  let first = indexBehind(head, at, query.after);
  if (first < count && timeOf(head, at, first) >= untilMs)
    first = firstOf(first, count, (index) => timeOf(head, at, index) < untilMs);
  // Behind the last one that is new enough; most spans begin before all of them.
  const isAll = first === count || timeOf(head, at, count - 1) >= sinceMs;
  const end = isAll ? count : firstOf(first, count, (index) => timeOf(head, at, index) < sinceMs);
  const found = Math.min(limit, scanMax, end - first);
  const hasNext = first + found < end;
  const isOver = !isAll || head[at + wholeAt] === 1;
  if (found < limit && !hasNext && !isOver) return null;
  const rowsAt = at + headerBytes + count * endBytes;
  const base = endOf(head, at, first - 1);
  const rowBytes = endOf(head, at, first + found - 1) - base;
  // A copy: what the table hands out holds until its next change only.
  const { chunk, at: to } = arena.reserve(found * endBytes + rowBytes);
  const endsAt = at + headerBytes + first * endBytes;
  head.copy(chunk, to, endsAt, endsAt + found * endBytes);
  head.copy(chunk, to + found * endBytes, rowsAt + base, rowsAt + base + rowBytes);
  return new PackedEnds(query, { bytes: chunk, at: to, count: found, base }, hasNext && found < limit);
}

/** As many of the keys as one head takes. */
function encoded(keys: readonly Buffer[], prefixLength: number, isAll: boolean, settled: number): Buffer {
  let bytes = headerBytes;
  let count = 0;
  for (const key of keys) {
    const next = bytes + endBytes + key.length - prefixLength;
    if (next > headBytesMax) break;
    bytes = next;
    count += 1;
  }
  const row = Buffer.allocUnsafe(bytes);
  row.writeUIntBE(settled, 0, countAt);
  row.writeUInt16BE(count, countAt);
  row[wholeAt] = isAll && count === keys.length ? 1 : 0;
  const rowsAt = headerBytes + count * endBytes;
  let at = rowsAt;
  for (const [i, key] of keys.slice(0, count).entries()) {
    at += key.copy(row, at, prefixLength);
    row.writeUInt16BE(at - rowsAt, headerBytes + i * endBytes);
  }
  return row;
}

/** The first key that does not begin with the prefix, which ends in a NUL. */
function behind(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  next[next.length - 1] = 1;
  return next;
}
