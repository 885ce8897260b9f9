import { ByteReader, encodeContent, encodeName, encodeRank } from './codec.ts';
import { valueTag } from './packed-format.ts';
import type { Register } from './register.ts';
import {
  compareBytes,
  contentAt,
  readTime,
  skipValue,
  timeBytesLength,
  writeTime,
} from './register-bytes.ts';
import { timeBytes } from './rows.ts';
import { mergeSetBytes } from './set-merger.ts';

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
  /** At `[lineageStart, lineageEnd)`: a view of its own would cost as much as the merging. */
  readonly lineage: Buffer;
  readonly lineageStart: number;
  readonly lineageEnd: number;
}

/** A rank is a safe integer: seven bytes and their number. */
const timeAndRankBytesMax = timeBytesLength + 8;
/** Without the lineage, which has its length in the byte before. */
const registersAt = 9;

/** Merges node mutations into rows. It owns a buffer that it reuses: one merge at a time. */
export class NodeRowMerger {
  /** The row that `merge` made: its first `outLength` bytes. */
  out = Buffer.allocUnsafeSlow(8192);
  outLength = 0;
  #row: Buffer = this.out;
  /** Of the mutation under way, as rows have it. */
  #rank: Buffer = Buffer.of(0);
  #rankValue = 0;
  #changed = false;

  /** Makes the row at `[start, end)`, which has no bytes when there is none, with the mutation; false when it already was the result. */
  merge(row: Buffer, start: number, end: number, packed: PackedNode): boolean {
    const { timeMs, rank } = packed;
    const lineageBytes = packed.lineageEnd - packed.lineageStart;
    const worst = end - start + (packed.end - packed.start) * (1 + timeAndRankBytesMax) + lineageBytes + 16;
    if (this.out.length < worst) this.out = Buffer.allocUnsafeSlow(worst * 2);
    this.#row = row;
    this.#setRank(rank);
    const isNew = start === end;
    const mentionedMs = isNew ? -1 : readTime(row, start);
    this.#changed = isNew || timeMs > mentionedMs;
    this.#begin(Math.max(timeMs, mentionedMs), packed);
    this.#mergeRegisters(isNew ? end : start + registersAt + (row[start + 8] ?? 0), end, packed);
    return this.#changed;
  }

  /** As `merge`, of a mutation that writes sets: these have rules of their own. */
  mergeSets(row: Buffer, start: number, end: number, packed: PackedNode): boolean {
    const { bytes, timeMs, rank } = packed;
    this.#setRank(rank);
    const before = row.subarray(start, end);
    const rowAt = before.length === 0 ? 0 : registersAt + (before[8] ?? 0);
    const mentionedMs = before.length === 0 ? -1 : readTime(before, 0);
    const writes = { bytes, start: packed.start, end: packed.end, timeMs, rank: this.#rank };
    const places = mergeSetBytes(before, rowAt, writes);
    if (places === null && before.length > 0 && timeMs <= mentionedMs) return false;
    const size = (places ?? []).reduce((sum, place) => sum + place.end - place.at + timeAndRankBytesMax, 0);
    const lineageBytes = packed.lineageEnd - packed.lineageStart;
    const worst = registersAt + lineageBytes + Math.max(size, before.length);
    if (this.out.length < worst) this.out = Buffer.allocUnsafeSlow(worst * 2);
    this.#begin(Math.max(timeMs, mentionedMs), packed);
    if (places === null) this.#copy(before, rowAt, before.length);
    for (const place of places ?? []) {
      if (place.isNew) this.#write(bytes, place.at, place.nameEnd, place.end, timeMs);
      else this.#copy(before, place.at, place.end);
    }
    return true;
  }

  #begin(mentionedMs: number, { lineage, lineageStart, lineageEnd }: PackedNode): void {
    writeTime(this.out, 0, mentionedMs);
    this.out[8] = lineageEnd - lineageStart;
    this.outLength = registersAt;
    this.#copy(lineage, lineageStart, lineageEnd);
  }

  #setRank(rank: number): void {
    if (rank === this.#rankValue) return;
    this.#rankValue = rank;
    this.#rank = encodeRank(rank);
  }

  #mergeRegisters(rowRegistersAt: number, rowEndsAt: number, packed: PackedNode): void {
    const row = this.#row;
    const { bytes, end, timeMs } = packed;
    let at = packed.start;
    while ((bytes[at++] ?? 0) > 127);
    let rowAt = rowRegistersAt;
    while (at < end) {
      const nameEnd = at + 1 + (bytes[at] ?? 0);
      const valueEnd = skipValue(bytes, nameEnd);
      let order = -1;
      while (rowAt < rowEndsAt) {
        const rowNameEnd = rowAt + 1 + (row[rowAt] ?? 0);
        order = compareBytes(bytes, at + 1, nameEnd, row, rowAt + 1, rowNameEnd);
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
    this.#copy(row, rowAt, rowEndsAt);
  }

  #write(bytes: Buffer, at: number, nameEnd: number, valueEnd: number, timeMs: number): void {
    this.#changed = true;
    this.#copy(bytes, at, nameEnd);
    writeTime(this.out, this.outLength, timeMs);
    this.outLength += timeBytesLength;
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
    const order = compareBytes(rank, 0, rank.length, row, rankAt, rowContentAt);
    return (order || compareBytes(bytes, start, end, row, rowContentAt, rowEnd)) > 0;
  }

  #copy(from: Buffer, start: number, end: number): void {
    const { out } = this;
    let at = this.outLength;
    if (end - start > 128) {
      from.copy(out, at, start, end);
      at += end - start;
    } else {
      for (let i = start; i < end; i += 1) out[at++] = from[i] ?? 0;
    }
    this.outLength = at;
  }
}

/** Of rows of which nobody asks who wrote them. */
export const noLineage = Buffer.alloc(0);

export function sameRegisters(a: readonly Register[], b: readonly Register[]): boolean {
  const row = (registers: readonly Register[]): Buffer =>
    encodeNodeRow({ mentionedMs: 0, lineage: noLineage, registers });
  return row(a).equals(row(b));
}
