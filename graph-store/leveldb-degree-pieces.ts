import type { KeyAxis } from './leveldb-key-axis.ts';

/** Bounds of an estimate: so many places are looked at, so many rows at each. */
const probesMax = 40;
const probeRowsMax = 512;
/** LevelDB knows where a row lies by its block, 4 KiB before compression: of less than this it knows nothing. */
const knownBytesMin = 32 * 1024;
const readBytesMin = 8 * 1024;
const assumedRowBytes = 40;

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
 * The rows from one place to another, where nobody knows yet which of them are in files. The axis is halved time after time where most rows are
 * believed to be, some rows are read at the beginning of each piece, and a piece that has enough bytes on disk is counted by
 * them, at the rate of rows to bytes of what was read of it; only what has hardly any is counted by how close its rows lie.
 */
export async function estimateByPieces(axis: KeyAxis, from: bigint, to: bigint): Promise<number> {
  // The oldest rows: where the axis really ends, and a premiere would hide from every look that begins before it.
  const [last, ...before] = await axis.keys(from, to, probeRowsMax, true);
  if (last === undefined) return 0;
  if (before.length + 1 < probeRowsMax) return before.length + 1;
  const end = axis.placeOf(last) + 1n;
  const lastPlaces = Number(end - axis.placeOf(before.at(-1) ?? last));
  const pieces = [await probe(axis, from, end, probeRowsMax / lastPlaces)];
  for (let probes = 1; probes < probesMax; probes += 1) {
    const largest = pieces.reduce((a, b) => (believedRows(b) > believedRows(a) ? b : a));
    if (!largest.more) break;
    const middle = largest.readTo + (largest.to - largest.readTo) / 2n;
    if (middle <= largest.readTo) break;
    const [bytes, behind] = await Promise.all([
      axis.bytes(largest.from, middle),
      probe(axis, middle, largest.to, largest.closenessBehind),
    ]);
    const closenessBehind = behind.rows / Number(behind.readTo - middle);
    pieces.splice(pieces.indexOf(largest), 1, { ...largest, to: middle, bytes, closenessBehind }, behind);
  }
  return sumOf(axis, pieces, last.length);
}

function sumOf(axis: KeyAxis, pieces: readonly Piece[], rowBytes: number): number {
  let sum = 0;
  let inMemory = 0;
  for (const piece of pieces) {
    sum += piece.rows;
    if (!piece.more) continue;
    if (isKnown(piece)) sum += Math.max(0, (piece.bytes / piece.readBytes - 1) * piece.rows);
    else inMemory += believedRows(piece) - piece.rows;
  }
  // Rows that share one time lie closer than any distance tells, but LevelDB says how much it holds in memory.
  return sum + Math.min(inMemory, axis.memoryBytes() / rowBytes);
}

async function probe(axis: KeyAxis, from: bigint, to: bigint, closenessBehind: number): Promise<Piece> {
  const found = await axis.keys(from, to, probeRowsMax);
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined) {
    return { from: to, to, readTo: to, rows: 0, more: false, bytes: 0, readBytes: 0, closenessBehind };
  }
  const start = axis.placeOf(first);
  const readTo = axis.placeOf(last) + 1n;
  const more = found.length === probeRowsMax;
  const [bytes, readBytes] = await Promise.all([axis.bytes(start, to), axis.bytes(start, readTo)]);
  return { from: start, to, readTo, rows: found.length, more, bytes, readBytes, closenessBehind };
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
