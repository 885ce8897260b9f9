import { BadDataError, unreachable } from '../foundation/index.ts';
import { canonical } from './arithmetic.ts';
import { EventNodes } from './event-nodes.ts';
import {
  type EdgeDelete,
  type EdgeMutation,
  type EventMutations,
  edgeKeyBytesMax,
  type NodeMutation,
  type NodeRef,
  nameBytesMax,
  nodeIdBytesMax,
  type Property,
  type PropertyValue,
  propertyTextBytesMax,
  type SetChange,
  type StepMutation,
  setElementBytesMax,
  setElementsMax,
} from './model.ts';
import {
  checkEdgeKey,
  checkNodeId,
  hasNoSets,
  infinite,
  invalidName,
  invalidSet,
  invalidText,
  largeInteger,
  longText,
  registerCount,
  sortedByName,
} from './mutation-checks.ts';
import { PackedEvent } from './packed-event.ts';
import { eventHeadBytes, writeEventHead } from './packed-event-head.ts';
import { direction, nameLengthBytes, nodeHashBytes, tag, valueTag } from './packed-format.ts';

const packedBytesMax = 2 ** 30;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** Writes events, one behind the other, in the format of a batch. */
export class MutationWriter {
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;
  readonly #nodes = new EventNodes();

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  /** What they lie in, until more is written. */
  get bytes(): Buffer<ArrayBuffer> {
    return this.#bytes;
  }

  /** Gives it away: nothing can be written any more. */
  release(): Buffer<ArrayBuffer> {
    const bytes = this.#bytes;
    this.#bytes = Buffer.allocUnsafeSlow(0);
    this.#view = new DataView(this.#bytes.buffer);
    return bytes;
  }

  /** Writes all of an event or, when it throws, nothing of it. `origin` is the place of its lineage's; 0 where there is none. */
  write(event: EventMutations | PackedEvent, origin: number): void {
    const start = this.#length;
    try {
      this.#writeEvent(event, origin);
    } catch (error) {
      this.#length = start;
      throw error;
    }
  }

  #writeEvent(event: EventMutations | PackedEvent, origin: number): void {
    this.#reserve(eventHeadBytes);
    writeEventHead(this.#view, this.#length, event, origin);
    this.#length += eventHeadBytes;
    if (event instanceof PackedEvent) {
      this.#reserve(event.length);
      event.copyTo(this.#bytes, this.#view, this.#length);
      this.#length += event.length;
      return;
    }
    this.#nodes.clear();
    for (const mutation of event.mutations) {
      switch (mutation.kind) {
        case 'node':
          this.#writeNode(mutation);
          break;
        case 'edge':
          this.#writeEdge(mutation);
          break;
        case 'step':
          this.#writeStep(mutation);
          break;
        case 'node-delete':
          this.#writeReference(tag.nodeDelete, this.#nodeOffset(mutation.node));
          break;
        case 'edge-delete':
          this.#writeEnds(tag.edgeDelete, mutation);
          break;
        default:
          unreachable(mutation);
      }
    }
  }

  #writeNode({ node, properties }: NodeMutation): void {
    const sorted = sortedByName(properties);
    if (hasNoSets(sorted)) {
      this.#writeReference(tag.node, this.#nodeOffset(node));
      const lengthAt = this.#openBlock();
      this.#writeProperties(sorted);
      this.#closeBlock(lengthAt);
      return;
    }
    this.#writeReference(tag.nodeSets, this.#nodeOffset(node));
    const lengthAt = this.#openBlock();
    this.#writeCount(sorted.reduce((count, [, change]) => count + registerCount(change), 0));
    for (const [name, change] of sorted) this.#writeChange(name, change);
    this.#closeBlock(lengthAt);
  }

  #writeChange(name: string, change: PropertyValue | SetChange): void {
    if (change === null || typeof change !== 'object') {
      this.#writeName(name, 'property name');
      this.#writeValue(change);
      return;
    }
    if (change.elements.length > setElementsMax) {
      throw invalidSet(`it has more than ${setElementsMax} elements`);
    }
    if (change.set === 'replace') {
      this.#writeName(name, 'property name');
      this.#reserve(1);
      this.#bytes[this.#length++] = valueTag.cleared;
    }
    for (const element of change.elements) {
      if (element === null) throw invalidSet('one of its elements is null');
      this.#writeName(name, 'property name');
      this.#reserve(2);
      this.#bytes[this.#length++] = valueTag.element;
      this.#bytes[this.#length++] = change.set === 'remove' ? 0 : 1;
      const at = this.#length;
      this.#writeValue(canonical(element));
      if (this.#length - at > setElementBytesMax) {
        throw invalidSet(`one of its elements is longer than ${setElementBytesMax} bytes`);
      }
    }
  }

  #writeEdge(mutation: EdgeMutation): void {
    this.#writeEnds(tag.edge, mutation);
    const lengthAt = this.#openBlock();
    this.#writeProperties(mutation.properties);
    this.#closeBlock(lengthAt);
  }

  #writeStep(mutation: StepMutation): void {
    const owner = this.#nodeOffset(mutation.owner);
    const links = mutation.links;
    // Nodes are written before the block that points at them: a block is a row's value, kept as it is.
    for (const link of links) this.#nodeOffset(link.node);
    this.#writeReference(tag.step, owner);
    const lengthAt = this.#openBlock();
    this.#writeText(mutation.domain, 'domain');
    this.#writeText(mutation.action, 'action');
    this.#writeCount(links.length);
    for (const link of links) {
      this.#reserve(1);
      this.#bytes[this.#length++] = link.direction === 'out' ? direction.out : direction.in;
      this.#writeName(link.edge, 'edge type');
      this.#writeLinkedNode(link.node);
    }
    this.#writeProperties(mutation.properties);
    this.#closeBlock(lengthAt);
  }

  #writeReference(kind: number, node: number): void {
    this.#reserve(5);
    this.#bytes[this.#length] = kind;
    this.#view.setUint32(this.#length + 1, node);
    this.#length += 5;
  }

  #writeEnds(kind: number, edge: EdgeMutation | EdgeDelete): void {
    const from = this.#nodeOffset(edge.from);
    const to = this.#nodeOffset(edge.to);
    this.#reserve(9);
    this.#bytes[this.#length] = kind;
    this.#view.setUint32(this.#length + 1, from);
    this.#view.setUint32(this.#length + 5, to);
    this.#length += 9;
    this.#writeName(edge.type, 'edge type');
    this.#writeKey(edge.key);
  }

  /** One byte of length, then UTF-8: it ends a row's key, so it may hold anything. */
  #writeKey(key: string | undefined): void {
    if (key === undefined) {
      this.#reserve(1);
      this.#bytes[this.#length++] = 0;
      return;
    }
    checkEdgeKey(key);
    this.#reserve(1 + edgeKeyBytesMax);
    const bytes = this.#bytes.write(key, this.#length + 1, 'utf8');
    this.#bytes[this.#length] = bytes;
    this.#length += 1 + bytes;
  }

  /** Where this node was defined: the length of its name in two bytes, room for the hash, then the name. */
  #nodeOffset(node: NodeRef): number {
    const { type, id } = node;
    const known = this.#nodes.find(type, id);
    if (known >= 0) return known;
    this.#reserve(1);
    this.#bytes[this.#length++] = tag.define;
    const at = this.#length;
    this.#writeNodeName(type, id, nodeHashBytes);
    this.#view.setUint32(at + nameLengthBytes, 0);
    this.#nodes.add(type, id, at);
    return at;
  }

  /** The name again, inside a step's row: copied from where the event first named the node. */
  #writeLinkedNode(node: NodeRef): void {
    const { type, id } = node;
    const at = this.#nodes.find(type, id);
    if (at < 0) {
      this.#writeNodeName(type, id, 0);
      return;
    }
    const length = this.#view.getUint16(at);
    this.#reserve(nameLengthBytes + length);
    this.#view.setUint16(this.#length, length);
    this.#length += nameLengthBytes;
    const nameAt = at + nameLengthBytes + nodeHashBytes;
    const bytes = this.#bytes;
    for (let k = 0; k < length; k += 1) bytes[this.#length + k] = bytes[nameAt + k] ?? 0;
    this.#length += length;
  }

  /** `<type>\0<id>\0`: types and ids hold no NUL, so no name begins another. */
  #writeNodeName(type: string, id: string, roomBytes: number): void {
    if (id.length > nodeIdBytesMax) checkNodeId(id);
    const at = this.#length;
    this.#reserve(nameLengthBytes + roomBytes + type.length + id.length * 3 + 2);
    const nameAt = at + nameLengthBytes + roomBytes;
    this.#length = nameAt;
    this.#writeAscii(type, 'node type');
    this.#bytes[this.#length++] = 0;
    const idAt = this.#length;
    const bytes = this.#bytes;
    let i = 0;
    for (; i < id.length; i += 1) {
      const code = id.charCodeAt(i);
      if (code === 0 || code > 127) break;
      bytes[idAt + i] = code;
    }
    if (i !== id.length || i === 0 || i > nodeIdBytesMax) {
      checkNodeId(id);
      this.#length = idAt + bytes.write(id, idAt, 'utf8');
    } else {
      this.#length = idAt + i;
    }
    bytes[this.#length++] = 0;
    this.#view.setUint16(at, this.#length - nameAt);
  }

  #writeProperties(properties: readonly Property[]): void {
    this.#writeCount(properties.length);
    for (const [name, value] of properties) {
      this.#writeName(name, 'property name');
      this.#writeValue(value);
    }
  }

  #writeValue(value: Property[1]): void {
    this.#reserve(9);
    const at = this.#length;
    if (typeof value === 'string') {
      if (value.length * 3 > propertyTextBytesMax && Buffer.byteLength(value) > propertyTextBytesMax) {
        throw longText();
      }
      this.#bytes[at] = valueTag.text;
      this.#length = at + 1;
      this.#writeLongText(value);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw infinite();
      this.#bytes[at] = valueTag.number;
      // Adding 0 turns -0 into 0: they are equal, so they must have one encoding.
      this.#view.setFloat64(at + 1, value + 0);
      this.#length = at + 9;
    } else if (typeof value === 'bigint') {
      if (value < int64Min || value > int64Max) throw largeInteger();
      this.#bytes[at] = valueTag.integer;
      this.#view.setBigInt64(at + 1, value);
      this.#length = at + 9;
    } else {
      this.#bytes[at] = value === null ? valueTag.null : value ? valueTag.true : valueTag.false;
      this.#length = at + 1;
    }
  }

  #writeCount(count: number): void {
    this.#reserve(5);
    let rest = count;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** One byte of length, then ASCII: a name may end up inside a key. */
  #writeName(name: string, what: string): void {
    this.#reserve(1 + name.length);
    this.#bytes[this.#length++] = name.length;
    this.#writeAscii(name, what);
  }

  #writeAscii(name: string, what: string): void {
    const length = name.length;
    if (length === 0 || length > nameBytesMax) throw invalidName(what);
    const bytes = this.#bytes;
    const at = this.#length;
    for (let i = 0; i < length; i += 1) {
      const code = name.charCodeAt(i);
      if (code === 0 || code > 127) throw invalidName(what);
      bytes[at + i] = code;
    }
    this.#length = at + length;
  }

  #writeText(text: string, what: string): void {
    if (text.length === 0 || text.length > nameBytesMax || Buffer.byteLength(text) > nameBytesMax) {
      throw invalidText(what);
    }
    this.#writeLongText(text);
  }

  #writeLongText(text: string): void {
    const length = text.length;
    this.#reserve(5 + length * 3);
    const bytes = this.#bytes;
    if (length < 64) {
      const at = this.#length + 1;
      let i = 0;
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        bytes[at + i] = code;
      }
      if (i === length) {
        bytes[at - 1] = length;
        this.#length = at + length;
        return;
      }
    }
    this.#writeCount(Buffer.byteLength(text));
    this.#length += bytes.write(text, this.#length, 'utf8');
  }

  #openBlock(): number {
    this.#reserve(4);
    this.#length += 4;
    return this.#length - 4;
  }

  #closeBlock(lengthAt: number): void {
    this.#view.setUint32(lengthAt, this.#length - lengthAt - 4);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    if (needed > packedBytesMax) {
      throw new BadDataError('INVALID_EVENT', `An event does not fit a batch of ${packedBytesMax} bytes.`);
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
