import type { Snapshot } from 'classic-level';
import { ByteReader } from './codec.ts';
import type { DegreeQuery, DegreeView } from './graph-store.ts';
import type { Level } from './leveldb-group.ts';
import type { Moment, Occurrence } from './leveldb-moment.ts';
import { eventKeyBytes } from './packed-format.ts';
import * as rows from './rows.ts';

const chunkRowsMax = 256;
/** Of one answer from LevelDB's thread. */
const chunkBytesMax = 256 * 1024;
/** Bounds of an estimate: so many places are looked at, so many rows at each. */
const probesMax = 40;
const probeRowsMax = 512;
/** LevelDB knows where a row lies by its block, 4 KiB before compression: of less than this it knows nothing. */
const knownBytesMin = 32 * 1024;
const readBytesMin = 8 * 1024;
const assumedRowBytes = 40;

/** Counts exactly where `scanMax` rows are all there are; estimates the rest otherwise. Reads keys alone. */
export async function scanDegree(db: Level, moment: Moment, query: DegreeQuery): Promise<DegreeView> {
  const { snapshot } = moment;
  const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
  const hiddenMs = Math.max(moment.hiddenMs(query.of), moment.expiry.ofEdge(query.type));
  const range = rows.timeRange(prefix, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
  if (range === null) return { count: 0, exact: true };
  const keys = await firstKeys(db, snapshot, range, query.scanMax + 1);
  if (keys.length <= query.scanMax) {
    let count = 0;
    for (let at = 0; at < keys.length; at += chunkRowsMax) {
      const chunk = keys.slice(at, at + chunkRowsMax);
      const occurrences = chunk.map((key) => occurrenceOf(query, prefix.length, key));
      count += (await moment.visible(occurrences, query.direction)).length;
    }
    return { count, exact: true };
  }
  const axis = new KeyAxis(db, snapshot, prefix);
  // The last of them only told that there are more.
  const behind = await axis.estimate(axis.placeOf(keys.at(-2) ?? range.gte) + 1n, axis.placeOf(range.lt));
  return { count: Math.round(query.scanMax + behind), exact: false };
}

async function firstKeys(
  db: Level,
  snapshot: Snapshot,
  range: { readonly gte: Buffer; readonly lt: Buffer },
  limit: number,
  reverse = false,
): Promise<Buffer[]> {
  return await db.keys({ ...range, limit, reverse, snapshot, highWaterMarkBytes: chunkBytesMax }).all();
}

function occurrenceOf(query: DegreeQuery, keyAt: number, key: Buffer): Occurrence {
  const reader = new ByteReader(key, keyAt);
  const { timeMs } = reader.eventKey();
  const other = reader.nodeName();
  const edgeKey = key.toString('utf8', reader.at);
  const [from, to] = query.direction === 'out' ? [query.of, other] : [other, query.of];
  return { type: query.type, from, to, key: edgeKey === '' ? null : edgeKey, timeMs };
}

/** A part of the axis: rows that were read from its beginning on, and what LevelDB says of it. */
interface Piece {
  readonly from: bigint;
  readonly to: bigint;
  /** One past the last row read. */
  readonly readTo: bigint;
  readonly rows: number;
  /** False when all rows of the piece were read. */
  readonly more: boolean;
  /** On disk, compressed, of all levels. */
  readonly bytes: number;
  readonly readBytes: number;
  /** Rows a place where the next piece begins. */
  readonly closenessBehind: number;
}

/**
 * Rows of one prefix in their order, at places that are the 128 bits of their event keys.
 *
 * Neither of two measures is enough alone. What LevelDB knows of the bytes between two keys is true of its files only: rows of the last
 * seconds lie in its memory table and count nothing. How close rows lie together at one place is true of all of them, but says
 * little of another place: a premiere has more in an hour than the year after it. So the axis is halved time after time where most rows are
 * believed to be, some rows are read at the beginning of each piece, and a piece that has enough bytes on disk is counted by
 * them, at the rate of rows to bytes of what was read of it; only what has hardly any is counted by how close its rows lie.
 */
class KeyAxis {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #prefix: Buffer;
  #rowBytes = assumedRowBytes;

  constructor(db: Level, snapshot: Snapshot, prefix: Buffer) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#prefix = prefix;
  }

  placeOf(key: Buffer): bigint {
    const place = Buffer.alloc(eventKeyBytes);
    key.copy(place, 0, this.#prefix.length);
    return (place.readBigUInt64BE(0) << 64n) | place.readBigUInt64BE(8);
  }

  async estimate(from: bigint, to: bigint): Promise<number> {
    // The oldest rows: where the axis really ends, and a premiere would hide from every look that begins before it.
    const range = { gte: this.#keyOf(from), lt: this.#keyOf(to) };
    const [last, ...before] = await firstKeys(this.#db, this.#snapshot, range, probeRowsMax, true);
    if (last === undefined || before.length + 1 < probeRowsMax)
      return before.length + (last === undefined ? 0 : 1);
    const end = this.placeOf(last) + 1n;
    const lastPlaces = Number(end - this.placeOf(before.at(-1) ?? last));
    const pieces = [await this.#probe(from, end, probeRowsMax / lastPlaces)];
    for (let probes = 1; probes < probesMax; probes += 1) {
      const largest = pieces.reduce((a, b) => (believedRows(b) > believedRows(a) ? b : a));
      if (!largest.more) break;
      const middle = largest.readTo + (largest.to - largest.readTo) / 2n;
      if (middle <= largest.readTo) break;
      const bytes = await this.#bytes(largest.from, middle);
      const behind = await this.#probe(middle, largest.to, largest.closenessBehind);
      const closenessBehind = behind.rows / Number(behind.readTo - middle);
      pieces.splice(pieces.indexOf(largest), 1, { ...largest, to: middle, bytes, closenessBehind }, behind);
    }
    return this.#sum(pieces);
  }

  #sum(pieces: readonly Piece[]): number {
    let sum = 0;
    let inMemory = 0;
    for (const piece of pieces) {
      sum += piece.rows;
      if (!piece.more) continue;
      if (isKnown(piece)) sum += Math.max(0, (piece.bytes / piece.readBytes - 1) * piece.rows);
      else inMemory += believedRows(piece) - piece.rows;
    }
    // Rows that share one time lie closer than any distance tells, but LevelDB says how much it holds in memory.
    const memoryBytes = Number(this.#db.getProperty('leveldb.approximate-memory-usage'));
    return sum + Math.min(inMemory, memoryBytes / this.#rowBytes);
  }

  async #probe(from: bigint, to: bigint, closenessBehind: number): Promise<Piece> {
    const range = { gte: this.#keyOf(from), lt: this.#keyOf(to) };
    const found = await firstKeys(this.#db, this.#snapshot, range, probeRowsMax);
    const [first] = found;
    const last = found.at(-1);
    if (first === undefined || last === undefined) {
      return { from: to, to, readTo: to, rows: 0, more: false, bytes: 0, readBytes: 0, closenessBehind };
    }
    this.#rowBytes = first.length;
    const start = this.placeOf(first);
    const readTo = this.placeOf(last) + 1n;
    return {
      from: start,
      to,
      readTo,
      rows: found.length,
      more: found.length === probeRowsMax,
      bytes: await this.#bytes(start, to),
      readBytes: await this.#bytes(start, readTo),
      closenessBehind,
    };
  }

  async #bytes(from: bigint, to: bigint): Promise<number> {
    return await this.#db.approximateSize(this.#keyOf(from), this.#keyOf(to));
  }

  #keyOf(place: bigint): Buffer {
    const key = Buffer.alloc(this.#prefix.length + eventKeyBytes);
    this.#prefix.copy(key);
    key.writeBigUInt64BE(place >> 64n, this.#prefix.length);
    key.writeBigUInt64BE(BigInt.asUintN(64, place), this.#prefix.length + 8);
    return key;
  }
}

function isKnown({ bytes, readBytes }: Piece): boolean {
  return bytes >= knownBytesMin && readBytes >= readBytesMin;
}

/** Before the rate of rows to bytes is known: it only says where to look. */
function believedRows(piece: Piece): number {
  if (!piece.more) return 0;
  if (isKnown(piece)) return piece.bytes / assumedRowBytes;
  const closeness = (piece.rows / Number(piece.readTo - piece.from) + piece.closenessBehind) / 2;
  return piece.rows + closeness * Number(piece.to - piece.readTo);
}
