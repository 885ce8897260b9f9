import { must } from '../foundation/index.ts';
import { copyBytes } from './copy-bytes.ts';
import type { EventLineage } from './model.ts';
import { nameLengthBytes, nodeHashBytes, tag, valueTag } from './packed-format.ts';
import { behindPacked } from './packed-walk.ts';

const initialBytes = 4096;
const keptBytesMax = 2 ** 20;
/** Places that name a node by where it is defined. */
const referencesMax = 512;
const referenceBytes = 4;
const blockLengthBytes = 4;

/**
 * The mutations of one event in the format of a batch, written by whoever reads them out of the event's bytes: no texts and no objects are made on the
 * way. Used again and again: what it holds is for the batch that adds it next, byte for byte what {@link MutationBatch} makes of the same mutations.
 *
 * It checks nothing: ids without NUL and of the right length, texts that are not too long, properties sorted by name and numbers that are finite are its
 * caller's business, who leaves every event that breaks a rule to the general way and its messages.
 */
export class PackedEvent {
  timeMs = 0;
  rank = 0;
  occurrence = 0n;
  lineage: EventLineage | undefined = undefined;
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #blockAt = 0;
  readonly #references = new Int32Array(referencesMax);
  #referenceCount = 0;

  /** Of its mutations, without the event's own head. */
  get length(): number {
    return this.#length;
  }

  begin(): void {
    // What one unusual event needed is not kept for good.
    if (this.#bytes.length > keptBytesMax) this.#move(initialBytes);
    this.#length = 0;
    this.#referenceCount = 0;
  }

  /** A node's name: its type and a NUL, then the id at `[start, end)`. Answers the place by which it is named from here on. */
  define(type: Uint8Array, id: Uint8Array, start: number, end: number): number {
    const nameBytes = type.length + end - start + 1;
    this.#reserve(1 + nameLengthBytes + nodeHashBytes + nameBytes);
    this.#bytes[this.#length] = tag.define;
    const at = this.#length + 1;
    this.#view.setUint16(at, nameBytes);
    this.#view.setUint32(at + nameLengthBytes, 0);
    const nameAt = at + nameLengthBytes + nodeHashBytes;
    const idAt = copyBytes(type, 0, type.length, this.#bytes, nameAt);
    const idEnd = copyBytes(id, start, end, this.#bytes, idAt);
    this.#bytes[idEnd] = 0;
    this.#length = idEnd + 1;
    return at;
  }

  /** Whether two places define one node. */
  isSame(a: number, b: number): boolean {
    const length = this.#view.getUint16(a);
    if (this.#view.getUint16(b) !== length) return false;
    const toName = nameLengthBytes + nodeHashBytes;
    for (let i = toName + length - 1; i >= toName; i -= 1) {
      if (this.#bytes[a + i] !== this.#bytes[b + i]) return false;
    }
    return true;
  }

  /** Takes a definition back that nothing has named, and all behind it. */
  forget(node: number): void {
    this.#length = node - 1;
  }

  /** Begins a node's block: properties follow, then `close`. */
  node(node: number): void {
    this.#tagged(tag.node);
    this.#reference(node);
    this.#open();
  }

  /** Begins an edge's block; `head` is its type and its key, each behind its length. */
  edge(from: number, to: number, head: Uint8Array): void {
    this.#tagged(tag.edge);
    this.#reference(from);
    this.#reference(to);
    this.raw(head);
    this.#open();
  }

  /** Begins a step's block; `head` is its domain, its action and how many links follow. */
  step(owner: number, head: Uint8Array): void {
    this.#tagged(tag.step);
    this.#reference(owner);
    this.#open();
    this.raw(head);
  }

  /** `head` is the direction and the edge's type. */
  link(head: Uint8Array, node: number): void {
    this.raw(head);
    const length = this.#view.getUint16(node);
    this.#reserve(nameLengthBytes + length);
    this.#view.setUint16(this.#length, length);
    const nameAt = node + nameLengthBytes + nodeHashBytes;
    const to = this.#length + nameLengthBytes;
    this.#length = copyBytes(this.#bytes, nameAt, nameAt + length, this.#bytes, to);
  }

  close(): void {
    this.#view.setUint32(this.#blockAt, this.#length - this.#blockAt - blockLengthBytes);
  }

  /** What is the same in each event, such as a property's name behind its length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#length = copyBytes(bytes, 0, bytes.length, this.#bytes, this.#length);
  }

  text(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(6 + end - start);
    this.#bytes[this.#length++] = valueTag.text;
    let rest = end - start;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
    this.#length = copyBytes(bytes, start, end, this.#bytes, this.#length);
  }

  number(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#length] = valueTag.number;
    // Adding 0 turns -0 into 0: they are equal, so they must have one encoding.
    this.#view.setFloat64(this.#length + 1, value + 0);
    this.#length += 9;
  }

  /** Of 64 bits in the graph, and a safe one here. */
  integer(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#length] = valueTag.integer;
    this.#view.setInt32(this.#length + 1, Math.floor(value / 2 ** 32));
    this.#view.setUint32(this.#length + 5, value >>> 0);
    this.#length += 9;
  }

  boolean(value: boolean): void {
    this.#tagged(value ? valueTag.true : valueTag.false);
  }

  null(): void {
    this.#tagged(valueTag.null);
  }

  /** Writes all of it at a place of a batch, which has the room, and points what names a node at where it is there. */
  copyTo(bytes: Buffer, view: DataView, at: number): void {
    this.#bytes.copy(bytes, at, 0, this.#length);
    for (let i = 0; i < this.#referenceCount; i += 1) {
      const reference = at + (this.#references[i] ?? 0);
      view.setUint32(reference, view.getUint32(reference) + at);
    }
  }

  /** Of what it holds, in order: mutations and the nodes that they name. */
  eachTag(visit: (tag: number) => void): void {
    for (let at = 0; at < this.#length; at = behindPacked(this.#view, at)) visit(this.#view.getUint8(at));
  }

  #tagged(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reference(node: number): void {
    must(
      this.#referenceCount < referencesMax ? this : null,
      'a mapping of so many mutations is never packed',
    );
    this.#reserve(referenceBytes);
    this.#view.setUint32(this.#length, node);
    this.#references[this.#referenceCount++] = this.#length;
    this.#length += referenceBytes;
  }

  #open(): void {
    this.#reserve(blockLengthBytes);
    this.#blockAt = this.#length;
    this.#length += blockLengthBytes;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) this.#move(Math.max(needed, this.#bytes.length * 2));
  }

  #move(capacityBytes: number): void {
    const moved = Buffer.allocUnsafeSlow(capacityBytes);
    this.#bytes.copy(moved, 0, 0, Math.min(this.#length, capacityBytes));
    this.#bytes = moved;
    this.#view = new DataView(moved.buffer);
  }
}
