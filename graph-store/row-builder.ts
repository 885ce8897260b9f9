import { must } from '../foundation/index.ts';
import type { LineageBytes } from './lineage.ts';
import { eventKeyBytes, nameLengthBytes, nodeHashBytes } from './packed-format.ts';
import { putUint32, uint16At, uint32At } from './read-bytes.ts';
import type { QueuedRow } from './row-queue.ts';
import { nameAt, rowKind } from './rows.ts';

/** Values up to this size are copied; longer ones get a view. */
const copiedValueBytesMax = 512;
/** Two names, a prefix, an edge type, an event key, an edge's key and change. */
const keyBytesMax = 2 * (1024 + 128 + 2) + nameAt + 128 + eventKeyBytes + 255 + 8;

/**
 * Builds keys and values of rows from a packed batch. LevelDB's binding copies what it is given at once, so all are built in one place, and there is
 * a view of it for each length: to make an object for each row, and to collect it, would cost more than the copying. What a method returns
 * holds until the next call of one that returns the same.
 */
export class RowBuilder {
  readonly #key = Buffer.allocUnsafeSlow(keyBytesMax);
  readonly #keys = viewsOf(this.#key);
  readonly #value = Buffer.allocUnsafeSlow(copiedValueBytesMax);
  readonly #values = viewsOf(this.#value);

  /** Of the name at `[start, end)` and its hash. */
  nodeKey(name: Buffer, start: number, end: number, hash: number): Buffer {
    const key = this.#key;
    key[0] = 0x67;
    putUint32(key, 1, hash);
    const kindAt = this.#copy(name, start, end, nameAt);
    key[kindAt] = rowKind.node;
    return this.#keyOf(kindAt + 1);
  }

  tombstoneKey(packed: Buffer, node: number): Buffer {
    const end = this.#prefix(packed, node);
    this.#key[end] = rowKind.tombstone;
    return this.#keyOf(end + 1);
  }

  stepKey(packed: Buffer, owner: number, eventAt: number): Buffer {
    const end = this.#prefix(packed, owner);
    this.#key[end] = rowKind.step;
    return this.#keyOf(this.#copy(packed, eventAt, eventAt + eventKeyBytes, end + 1));
  }

  /** Of an edge seen from the side that the row's kind names. */
  occurrenceKey(packed: Buffer, { kind, mutationAt, eventAt }: QueuedRow): Buffer {
    const out = kind === rowKind.out;
    const of = uint32At(packed, out ? mutationAt : mutationAt + 4);
    const other = uint32At(packed, out ? mutationAt + 4 : mutationAt);
    const typeAt = mutationAt + 8;
    const keyAt = typeAt + 1 + (packed[typeAt] ?? 0);
    let end = this.#typed(packed, of, kind, typeAt, keyAt);
    end = this.#copy(packed, eventAt, eventAt + eventKeyBytes, end);
    return this.#keyOf(this.#otherEnd(packed, other, keyAt, end));
  }

  edgeTombstoneKey(packed: Buffer, mutationAt: number): Buffer {
    const typeAt = mutationAt + 8;
    const keyAt = typeAt + 1 + (packed[typeAt] ?? 0);
    const end = this.#typed(packed, uint32At(packed, mutationAt), rowKind.edgeTombstone, typeAt, keyAt);
    return this.#keyOf(this.#otherEnd(packed, uint32At(packed, mutationAt + 4), keyAt, end));
  }

  /** The event's lineage, then the row's own bytes. */
  value(lineage: LineageBytes, lineageAt: number, packed: Buffer, start: number, end: number): Buffer {
    const lineageEnd = lineage.end(lineageAt);
    const length = lineageEnd - lineageAt + end - start;
    if (length > copiedValueBytesMax) {
      return Buffer.concat([lineage.bytes.subarray(lineageAt, lineageEnd), packed.subarray(start, end)]);
    }
    const value = this.#value;
    let to = 0;
    for (let i = lineageAt; i < lineageEnd; i += 1) value[to++] = lineage.bytes[i] ?? 0;
    for (let i = start; i < end; i += 1) value[to++] = packed[i] ?? 0;
    return must(this.#values[length], 'its length was looked at');
  }

  copied(bytes: Buffer, start: number, end: number): Buffer {
    if (end - start > copiedValueBytesMax) return bytes.subarray(start, end);
    const value = this.#value;
    for (let i = start; i < end; i += 1) value[i - start] = bytes[i] ?? 0;
    return must(this.#values[end - start], 'its length was looked at');
  }

  #typed(packed: Buffer, of: number, kind: number, typeAt: number, typeEnd: number): number {
    const key = this.#key;
    let end = this.#prefix(packed, of);
    key[end++] = kind;
    end = this.#copy(packed, typeAt + 1, typeEnd, end);
    key[end++] = 0;
    return end;
  }

  #otherEnd(packed: Buffer, node: number, keyAt: number, at: number): number {
    const named = node + nameLengthBytes + nodeHashBytes;
    const end = this.#copy(packed, named, named + uint16At(packed, node), at);
    return this.#copy(packed, keyAt + 1, keyAt + 1 + (packed[keyAt] ?? 0), end);
  }

  /** Hash and name lie side by side where the batch defines the node. */
  #prefix(packed: Buffer, node: number): number {
    this.#key[0] = 0x67;
    const hashAt = node + nameLengthBytes;
    return this.#copy(packed, hashAt, hashAt + nodeHashBytes + uint16At(packed, node), 1);
  }

  #copy(packed: Buffer, start: number, end: number, at: number): number {
    const key = this.#key;
    let to = at;
    for (let i = start; i < end; i += 1) key[to++] = packed[i] ?? 0;
    return to;
  }

  #keyOf(length: number): Buffer {
    return must(this.#keys[length], 'a key is longer than any key can be');
  }
}

function viewsOf(bytes: Buffer): readonly Buffer[] {
  return Array.from({ length: bytes.length + 1 }, (_, length) => bytes.subarray(0, length));
}
