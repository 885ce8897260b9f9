import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { NodeRef } from './model.ts';
import { adjacencyPrefix, eventKey, nameAt, nodeName, nodePrefix, rowKind } from './rows.ts';

/** What the key of a graph row says: the way back from `rows.ts`. */
export type GraphKey =
  | { readonly kind: 'node' | 'tombstone'; readonly node: NodeRef }
  | { readonly kind: 'step'; readonly node: NodeRef; readonly timeMs: number; readonly occurrence: bigint }
  | OccurrenceKey
  | {
      readonly kind: 'edge-tombstone';
      readonly node: NodeRef;
      readonly type: string;
      readonly other: NodeRef;
      readonly key: string | null;
    };

export interface OccurrenceKey {
  readonly kind: 'out' | 'in';
  /** Where the row lies: the start of an `out`, the end of an `in`. */
  readonly node: NodeRef;
  readonly type: string;
  readonly timeMs: number;
  readonly occurrence: bigint;
  readonly other: NodeRef;
  /** Null of an edge of which there is one a pair. */
  readonly key: string | null;
}

/** Throws AssertionError, or a RangeError from Node, when it is no key of a graph row. */
export function decodeGraphKey(key: Buffer): GraphKey {
  const reader = new ByteReader(key, nameAt);
  const node = reader.nodeName();
  const kind = reader.byte();
  switch (kind) {
    case rowKind.node:
    case rowKind.tombstone:
      must(reader.done ? node : null, 'the key of a node goes on behind its kind');
      return { kind: kind === rowKind.node ? 'node' : 'tombstone', node };
    case rowKind.step: {
      const event = reader.eventKey();
      must(reader.done ? node : null, 'the key of a step goes on behind its event');
      return { kind: 'step', node, ...event };
    }
    case rowKind.out:
    case rowKind.in: {
      const type = edgeType(reader);
      const event = reader.eventKey();
      const ends = { node, other: reader.nodeName(), key: edgeKey(reader) };
      return { kind: kind === rowKind.out ? 'out' : 'in', type, ...event, ...ends };
    }
    default: {
      must(kind === rowKind.edgeTombstone ? kind : null, 'a graph row has an unknown kind');
      const type = edgeType(reader);
      return { kind: 'edge-tombstone', type, node, other: reader.nodeName(), key: edgeKey(reader) };
    }
  }
}

/** The key of the same occurrence seen from its other end. */
export function reverseKey({ kind, node, type, timeMs, occurrence, other, key }: OccurrenceKey): Buffer {
  return Buffer.concat([
    adjacencyPrefix(other, kind === 'out' ? 'in' : 'out', type),
    eventKey({ timeMs, occurrence }),
    nodeName(node),
    Buffer.from(key ?? ''),
  ]);
}

/** A key behind the reverse rows of the node that a graph row belongs to, and before what follows them. */
export function behindReverseRows(key: Buffer): Buffer<ArrayBuffer> {
  const { node } = decodeGraphKey(key);
  return Buffer.concat([nodePrefix(node), Buffer.of(rowKind.in + 1)]);
}

function edgeType(reader: ByteReader): string {
  const end = reader.bytes.indexOf(0, reader.at);
  must(end >= 0 ? end : null, 'the type of an edge is not closed');
  const type = reader.bytes.toString('latin1', reader.at, end);
  reader.at = end + 1;
  return type;
}

function edgeKey(reader: ByteReader): string | null {
  const text = reader.bytes.toString('utf8', reader.at);
  reader.at = reader.bytes.length;
  return text === '' ? null : text;
}
