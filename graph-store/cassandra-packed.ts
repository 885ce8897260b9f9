import { assert } from '../foundation/index.ts';
import { type GroupNames, joined, type NamedNode } from './cassandra-names.ts';
import { ByteReader, decodeMutation } from './codec.ts';
import type { TimePosition } from './graph-store.ts';
import { type GroupBatch, lineageBytes } from './group-batch.ts';
import type { EdgeDelete, NodeDelete, NodeMutation } from './model.ts';
import { eventKeyBytes, nameLengthBytes, nodeHashBytes, tag } from './packed-format.ts';

/** What rows need of an event. */
export interface PackedEvent extends TimePosition {
  readonly rank: number;
  /** As rows have it. */
  readonly key: Buffer;
  /** With its length in front. */
  readonly lineage: Buffer;
}

/** A mutation with what its rows take as it was packed: values are copied, and not unfolded first. */
export type PackedMutation =
  | { readonly kind: 'node'; readonly node: NamedNode; readonly mutation: NodeMutation }
  | {
      readonly kind: 'edge';
      readonly type: string;
      readonly from: NamedNode;
      readonly to: NamedNode;
      readonly key: string;
      readonly value: Buffer;
    }
  | {
      readonly kind: 'step';
      readonly owner: NamedNode;
      readonly links: readonly NamedNode[];
      readonly value: Buffer;
    }
  | NodeDelete
  | EdgeDelete;

/** Reads a packed batch from its beginning to its end. */
export class PackedReader {
  readonly #reader: ByteReader;
  readonly #names: GroupNames;
  readonly #batch: GroupBatch;
  /** By where the batch defines them. */
  readonly #nodes = new Map<number, NamedNode>();

  constructor(batch: GroupBatch, names: GroupNames) {
    this.#batch = batch;
    this.#names = names;
    this.#reader = new ByteReader(Buffer.from(batch.packed.buffer, 0, batch.packed.lengthBytes));
  }

  /** Null behind the last. */
  event(): PackedEvent | null {
    const reader = this.#reader;
    if (reader.done) return null;
    assert(reader.byte() === tag.event, 'a packed batch must begin with an event');
    const rank = reader.time();
    const keyAt = reader.at;
    const { timeMs, occurrence } = reader.eventKey();
    const key = reader.bytes.subarray(keyAt, keyAt + eventKeyBytes);
    const origin = reader.byte() * 256 + reader.byte();
    const offset = reader.bytes.readBigUInt64BE(reader.at);
    reader.at += 8;
    const { originIds, advance } = this.#batch;
    const id = origin === 0 ? 0 : (originIds[origin - 1] ?? 0);
    return { timeMs, occurrence, rank, key, lineage: lineageBytes(id, advance.source.partition, offset) };
  }

  /** Null behind the last of its event. */
  mutation(event: PackedEvent): PackedMutation | null {
    const reader = this.#reader;
    for (;;) {
      const kind = reader.done ? tag.event : reader.bytes[reader.at];
      switch (kind) {
        case tag.event:
          return null;
        case tag.define:
          reader.at += 1;
          reader.at += nameLengthBytes + nodeHashBytes + reader.bytes.readUInt16BE(reader.at);
          break;
        case tag.edge:
          reader.at += 1;
          return this.#edge(event);
        case tag.step:
          reader.at += 1;
          return this.#step(event);
        case tag.node:
          reader.at += 1;
          return this.#node();
        default:
          return this.#unfolded();
      }
    }
  }

  #node(): PackedMutation {
    const node = this.#nodeAt(this.#reader.uint32());
    this.#reader.uint32();
    return {
      kind: 'node',
      node,
      mutation: { kind: 'node', node: node.ref, properties: this.#reader.properties() },
    };
  }

  #edge({ lineage }: PackedEvent): PackedMutation {
    const reader = this.#reader;
    const from = this.#nodeAt(reader.uint32());
    const to = this.#nodeAt(reader.uint32());
    const type = reader.name();
    const keyLength = reader.byte();
    const key = keyLength === 0 ? '' : reader.take(keyLength).toString();
    return { kind: 'edge', type, from, to, key, value: this.#value(lineage) };
  }

  #step({ lineage }: PackedEvent): PackedMutation {
    const reader = this.#reader;
    const owner = this.#nodeAt(reader.uint32());
    const stepAt = reader.at + 4;
    const value = this.#value(lineage);
    const end = reader.at;
    reader.at = stepAt;
    // Domain and action.
    skip(reader, reader.count());
    skip(reader, reader.count());
    const links: NamedNode[] = [];
    for (let left = reader.count(); left > 0; left -= 1) {
      reader.at += 1;
      skip(reader, reader.byte());
      const nameStart = reader.at + nameLengthBytes;
      const nameEnd = nameStart + reader.bytes.readUInt16BE(reader.at);
      links.push(this.#names.at(reader.bytes, nameStart, nameEnd));
      reader.at = nameEnd;
    }
    reader.at = end;
    return { kind: 'step', owner, links, value };
  }

  /** What is rare is read as everywhere. */
  #unfolded(): PackedMutation {
    const mutation = decodeMutation(this.#reader);
    switch (mutation?.kind) {
      case 'node':
        return { kind: 'node', node: this.#names.of(mutation.node), mutation };
      case 'node-delete':
      case 'edge-delete':
        return mutation;
      default:
        throw new Error('a packed batch has a mutation that should have been read before');
    }
  }

  /** The lineage, then the block that begins here with its length. */
  #value(lineage: Buffer): Buffer {
    const reader = this.#reader;
    const length = reader.uint32();
    const start = reader.at;
    reader.at += length;
    return joined(lineage, reader.bytes, start, reader.at);
  }

  #nodeAt(offset: number): NamedNode {
    const known = this.#nodes.get(offset);
    if (known !== undefined) return known;
    const { bytes } = this.#reader;
    const start = offset + nameLengthBytes + nodeHashBytes;
    const node = this.#names.at(bytes, start, start + bytes.readUInt16BE(offset));
    this.#nodes.set(offset, node);
    return node;
  }
}

/** A function, for `reader.at += reader.count()` would add to where the count began. */
function skip(reader: ByteReader, length: number): void {
  reader.at += length;
}
