import { must } from '../foundation/index.ts';
import { ByteReader, encodeContent, encodeName, encodeRank } from './codec.ts';
import { valueTag } from './packed-format.ts';
import { mergeRegisters, type Register } from './register.ts';
import { timeBytes } from './rows.ts';

/**
 * A node's registers as one row: the newest time a node mutation mentioned it (8), the lineage of the write that changed it last
 * (1 + n), then for each register, sorted by name, of a set by element: name (1 + n), event time (8), rank (1 + n), encoded content.
 * Merging walks two sorted lists of bytes; nothing is decoded unless a set is written.
 */
export interface NodeRow {
  readonly mentionedMs: number;
  readonly lineage: Buffer;
  readonly registers: readonly Register[];
}

export function decodeNodeRow(bytes: Buffer): NodeRow {
  const reader = new ByteReader(bytes);
  const mentionedMs = reader.time();
  const lineage = reader.take(reader.byte());
  const registers: Register[] = [];
  while (!reader.done) {
    registers.push({
      name: reader.name(),
      timeMs: reader.time(),
      rank: reader.rank(),
      content: reader.content(),
    });
  }
  return { mentionedMs, lineage, registers };
}

/** The registers are in their order. */
export function encodeNodeRow({ mentionedMs, lineage, registers }: NodeRow): Buffer {
  return Buffer.concat([
    timeBytes(mentionedMs),
    Buffer.of(lineage.length),
    lineage,
    ...registers.map(({ name, timeMs, rank, content }) =>
      Buffer.concat([encodeName(name), timeBytes(timeMs), encodeRank(rank), encodeContent(content)]),
    ),
  ]);
}

/** A node mutation as it stands in a packed batch: its properties at `[start, end)`. */
export interface PackedNode {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly timeMs: number;
  readonly rank: number;
  readonly lineage: Buffer;
}

const timeBytesLength = 8;
/** A rank is a safe integer: seven bytes and their number. */
const timeAndRankBytesMax = timeBytesLength + 8;
/** Without the lineage, which has its length in the byte before. */
const registersAt = 9;

/** Merges node mutations into rows. It owns two buffers that it reuses: one merge at a time. */
export class NodeRowMerger {
  #row = Buffer.allocUnsafe(4096);
  #out = Buffer.allocUnsafe(8192);
  #outLength = 0;
  /** Of the mutation under way, as rows have it. */
  #rank: Buffer = Buffer.of(0);
  #rankValue = 0;
  #changed = false;

  /** The row after the mutation, as a binary string, or null when the row already was the result. */
  merge(row: string | undefined, packed: PackedNode): string | null {
    const { bytes, start, end, timeMs, rank, lineage } = packed;
    const rowLength = row?.length ?? 0;
    if (this.#row.length < rowLength) this.#row = Buffer.allocUnsafe(rowLength * 2);
    const worst = rowLength + (end - start) * (1 + timeAndRankBytesMax) + lineage.length + 16;
    if (this.#out.length < worst) this.#out = Buffer.allocUnsafe(worst * 2);
    if (row !== undefined) this.#row.write(row, 0, 'latin1');
    if (rank !== this.#rankValue) {
      this.#rankValue = rank;
      this.#rank = encodeRank(rank);
    }
    this.#changed = row === undefined;
    const mentionedMs = row === undefined ? -1 : readTime(this.#row, 0);
    if (timeMs > mentionedMs) this.#changed = true;
    writeTime(this.#out, 0, Math.max(timeMs, mentionedMs));
    this.#out[8] = lineage.length;
    this.#outLength = registersAt;
    this.#copy(lineage, 0, lineage.length);
    this.#mergeRegisters(rowLength, bytes, start, end, timeMs);
    return this.#changed ? this.#out.toString('latin1', 0, this.#outLength) : null;
  }

  /** As `merge`, of a mutation that writes sets: these have rules that bytes alone do not show. */
  mergeSets(row: string | undefined, packed: PackedNode): string | null {
    const { timeMs, rank, lineage } = packed;
    const writes = new ByteReader(packed.bytes, packed.start)
      .contents()
      .map(([name, content]) => ({ name, timeMs, rank, content }));
    const empty = { mentionedMs: -1, lineage: Buffer.alloc(0), registers: [] };
    const before = row === undefined ? empty : decodeNodeRow(Buffer.from(row, 'latin1'));
    const registers = mergeRegisters(before.registers, writes);
    const mentionedMs = Math.max(timeMs, before.mentionedMs);
    const same = encodeNodeRow({ ...before, mentionedMs, registers }).toString('latin1');
    return same === row ? null : encodeNodeRow({ lineage, mentionedMs, registers }).toString('latin1');
  }

  #mergeRegisters(rowLength: number, bytes: Buffer, start: number, end: number, timeMs: number): void {
    const row = this.#row;
    let at = start;
    while ((bytes[at++] ?? 0) > 127);
    let rowAt = rowLength === 0 ? 0 : registersAt + (row[8] ?? 0);
    while (at < end) {
      const nameEnd = at + 1 + (bytes[at] ?? 0);
      const valueEnd = skipValue(bytes, nameEnd);
      let order = -1;
      while (rowAt < rowLength) {
        const rowNameEnd = rowAt + 1 + (row[rowAt] ?? 0);
        order = compare(bytes, at + 1, nameEnd, row, rowAt + 1, rowNameEnd);
        // A property that was a set once: a value stands before the set's registers.
        if (order === 0 && (row[contentAt(row, rowNameEnd)] ?? 0) >= valueTag.cleared) order = -1;
        if (order <= 0) break;
        const rowEnd = skipValue(row, contentAt(row, rowNameEnd));
        this.#copy(row, rowAt, rowEnd);
        rowAt = rowEnd;
        order = -1;
      }
      if (order === 0) {
        const rowNameEnd = rowAt + 1 + (row[rowAt] ?? 0);
        const rowEnd = skipValue(row, contentAt(row, rowNameEnd));
        if (this.#wins(bytes, nameEnd, valueEnd, timeMs, rowNameEnd, rowEnd)) {
          this.#write(bytes, at, nameEnd, valueEnd, timeMs);
        } else {
          this.#copy(row, rowAt, rowEnd);
        }
        rowAt = rowEnd;
      } else {
        this.#write(bytes, at, nameEnd, valueEnd, timeMs);
      }
      at = valueEnd;
    }
    this.#copy(row, rowAt, rowLength);
  }

  #write(bytes: Buffer, at: number, nameEnd: number, valueEnd: number, timeMs: number): void {
    this.#changed = true;
    this.#copy(bytes, at, nameEnd);
    writeTime(this.#out, this.#outLength, timeMs);
    this.#outLength += timeBytesLength;
    this.#copy(this.#rank, 0, this.#rank.length);
    this.#copy(bytes, nameEnd, valueEnd);
  }

  /** Is (time, rank, encoded value) greater than what the register at `rowAt` holds? Equal is not greater. */
  #wins(bytes: Buffer, start: number, end: number, timeMs: number, rowAt: number, rowEnd: number): boolean {
    const row = this.#row;
    const rowTimeMs = readTime(row, rowAt);
    if (timeMs !== rowTimeMs) return timeMs > rowTimeMs;
    const rank = this.#rank;
    const rankAt = rowAt + timeBytesLength;
    const rowContentAt = contentAt(row, rowAt);
    // The length comes first, so that the greater rank is the greater text of bytes.
    const order = compare(rank, 0, rank.length, row, rankAt, rowContentAt);
    return (order || compare(bytes, start, end, row, rowContentAt, rowEnd)) > 0;
  }

  #copy(from: Buffer, start: number, end: number): void {
    const out = this.#out;
    let at = this.#outLength;
    if (end - start > 128) {
      from.copy(out, at, start, end);
      at += end - start;
    } else {
      for (let i = start; i < end; i += 1) out[at++] = from[i] ?? 0;
    }
    this.#outLength = Math.max(at, this.#outLength);
  }
}

/** Where the content of a register begins whose name ends there. */
function contentAt(row: Buffer, nameEnd: number): number {
  const rankAt = nameEnd + timeBytesLength;
  return rankAt + 1 + (row[rankAt] ?? 0);
}

function compare(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number, bEnd: number): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[aStart + i] ?? 0) - (b[bStart + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

function skipValue(bytes: Buffer, at: number): number {
  const kind = must(bytes[at], 'a value has a tag');
  if (kind === valueTag.number || kind === valueTag.integer) return at + 9;
  if (kind === valueTag.element) return skipValue(bytes, at + 2);
  if (kind !== valueTag.text) return at + 1;
  let length = 0;
  let next = at + 1;
  for (let factor = 1; ; factor *= 128) {
    const byte = must(bytes[next++], 'a value has a length');
    length += (byte & 127) * factor;
    if (byte < 128) return next + length;
  }
}

function readTime(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function writeTime(bytes: Buffer, at: number, timeMs: number): void {
  bytes.writeUInt32BE(Math.floor(timeMs / 2 ** 32), at);
  bytes.writeUInt32BE(timeMs % 2 ** 32, at + 4);
}
