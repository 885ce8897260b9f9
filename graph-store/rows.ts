import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { EdgeQuery, OccurrencePosition, TimePosition } from './graph-store.ts';
import type { NodeRef } from './model.ts';
import { hashNodeName } from './node-hash.ts';
import { eventKeyBytes, nodeHashBytes } from './packed-format.ts';
import type { Expiry } from './time-to-live.ts';

/**
 * The key layout. A node's name is `<type>\0<id>\0`, its prefix `g`, four bytes of the name's hash, then the name. Everything about a
 * node lies together, so that a journey or a hop is one range:
 *
 *     <prefix> n                                          registers: see node-row.ts
 *     <prefix> t                                          the node's tombstone: event time (8)
 *     <prefix> s  <event key>                             a step: lineage, then what it says
 *     <prefix> >  <edge type>\0 <event key> <name> <key>  an occurrence to the node of that name: lineage, properties
 *     <prefix> <  <edge type>\0 <event key> <name> <key>  the same occurrence seen from its end
 *     <prefix> x  <edge type>\0 <name> <key>              the tombstone of the edge to the node of that name
 *     l<id>                                                         an origin: see lineage.ts
 *     i<type>\0<hash><id>                                          there is a node of that type with a row of its own: see leveldb-node-index.ts
 *     m…                                                            format version, estimates, time to live, deleted types, stretches, what was restored
 *     p[cluster,topicId,partition]                                  position, epoch and fates, as JSON
 *
 * An event key is (inverted time, inverted occurrence id): newest first in key order, and backwards exactly the
 * reverse. The hash in front spreads nodes evenly and lets a group of writes be put in key order by sorting numbers: what that saves is in
 * docs/performance.md. Steps and occurrences are only ever put, never read first: their key says which event they are.
 *
 * In a store that has grown, steps and occurrences of newer events have another first byte in place of `g`: see stretches.ts. `Level` shows them as they are here.
 */
export const rowKind = {
  node: 0x6e,
  tombstone: 0x74,
  step: 0x73,
  out: 0x3e,
  in: 0x3c,
  edgeTombstone: 0x78,
} as const;

/** How rows are written, whichever engine holds them: in snapshot files too. */
export const rowFormat = '3';
/** Of LevelDB's folder: rows of this format, steps and occurrences in stretches. */
export const folderFormat = '4';
/** Without stretches: it becomes the present one with the first claim. */
export const folderFormatBefore = '3';
export const metaKey = {
  format: Buffer.from('mformat'),
  nodeEstimate: Buffer.from('mnodes'),
  edgeEstimate: Buffer.from('medges'),
  timeToLive: Buffer.from('mttl'),
  deletedTypes: Buffer.from('mdeleted'),
  stretches: Buffer.from('mstretches'),
} as const;
export const graphRange = { gte: Buffer.from('g'), lt: Buffer.from('h') } as const;
export const positionRange = { gte: Buffer.from('p'), lt: Buffer.from('q') } as const;

/** `g` and the hash. */
export const nameAt = 1 + nodeHashBytes;

export function nodeName(node: NodeRef): Buffer {
  return Buffer.from(`${node.type}\0${node.id}\0`);
}

export function nodePrefix(node: NodeRef): Buffer {
  const prefix = Buffer.from(`g....${node.type}\0${node.id}\0`);
  prefix.writeUInt32BE(hashNodeName(prefix, nameAt, prefix.length), 1);
  return prefix;
}

export function timeBytes(timeMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(Math.floor(timeMs / 2 ** 32));
  bytes.writeUInt32BE(timeMs % 2 ** 32, 4);
  return bytes;
}

export function eventKey(position: TimePosition): Buffer {
  const bytes = Buffer.allocUnsafe(eventKeyBytes);
  timeBytes(Number.MAX_SAFE_INTEGER - position.timeMs).copy(bytes);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, ~position.occurrence), 8);
  return bytes;
}

/** What an occurrence's key goes on with behind the adjacency's prefix. */
export function occurrencePlace(position: OccurrencePosition): Buffer {
  return Buffer.concat([eventKey(position), nodeName(position.far), Buffer.from(position.key ?? '')]);
}

/** The inverse of {@link occurrencePlace}: of a key, behind the prefix that ends at `at`. */
export function readOccurrencePlace(key: Buffer, at: number): OccurrencePosition {
  const reader = new ByteReader(key, at);
  const event = reader.eventKey();
  const far = reader.nodeName();
  const edgeKey = key.toString('utf8', reader.at);
  return { ...event, far, key: edgeKey === '' ? null : edgeKey };
}

/** What of a range of occurrences lies behind a place in it. */
export function rangeAfter<T extends { readonly gte: Buffer }>(
  range: T,
  prefix: Buffer,
  after: OccurrencePosition | null | undefined,
): T {
  if (after === null || after === undefined) return range;
  const next = Buffer.concat([prefix, occurrencePlace(after), Buffer.of(0)]);
  return next.compare(range.gte) > 0 ? { ...range, gte: next } : range;
}

export function nodeKey(node: NodeRef): Buffer {
  return Buffer.concat([nodePrefix(node), Buffer.of(rowKind.node)]);
}

/** `nodeKey` of many of one type, in one piece of memory: they are made for each of a million. */
export function nodeKeys(type: string, ids: readonly string[]): Buffer[] {
  const head = Buffer.from(`g....${type}\0`);
  // A character is three bytes at most; two bytes close the key.
  const length = ids.reduce((sum, id) => sum + head.length + 3 * id.length + 2, 0);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  return ids.map((id) => {
    const start = at;
    for (let i = 0; i < head.length; i += 1) bytes[at++] = head[i] ?? 0;
    at = writeName(bytes, at, id);
    bytes.writeUInt32BE(hashNodeName(bytes, start + nameAt, at), start + 1);
    bytes[at++] = rowKind.node;
    return bytes.subarray(start, at);
  });
}

export function tombstoneKey(node: NodeRef): Buffer {
  return Buffer.concat([nodePrefix(node), Buffer.of(rowKind.tombstone)]);
}

/** Of the node whose name `<type>\0<id>\0` is `[start, end)`. */
export function tombstoneKeyOf(bytes: Buffer, start: number, end: number): Buffer {
  const key = Buffer.allocUnsafe(nameAt + end - start + 1);
  key[0] = 0x67;
  key.writeUInt32BE(hashNodeName(bytes, start, end), 1);
  bytes.copy(key, nameAt, start, end);
  key[key.length - 1] = rowKind.tombstone;
  return key;
}

export function edgeTombstoneKey(type: string, from: NodeRef, to: NodeRef, key: string | null): Buffer {
  return Buffer.concat([
    nodePrefix(from),
    Buffer.of(rowKind.edgeTombstone),
    Buffer.from(`${type}\0`),
    nodeName(to),
    Buffer.from(key ?? ''),
  ]);
}

export function stepsPrefix(owner: NodeRef): Buffer {
  return Buffer.concat([nodePrefix(owner), Buffer.of(rowKind.step)]);
}

export function adjacencyPrefix(of: NodeRef, way: 'out' | 'in', type: string): Buffer {
  return Buffer.concat([
    nodePrefix(of),
    Buffer.of(way === 'out' ? rowKind.out : rowKind.in),
    Buffer.from(`${type}\0`),
  ]);
}

/** Room for any that {@link writeAdjacencyPrefix} writes: names are checked when they are written, and what a caller asks for may be longer. */
export const prefixBytesMax = 4096;

/** The same bytes, where they are made for each of hundreds of nodes. Gives where they end; -1 where there may be too little room. */
export function writeAdjacencyPrefix(bytes: Buffer, of: NodeRef, way: 'out' | 'in', type: string): number {
  // A character is three bytes at most.
  if (nameAt + 3 * (of.type.length + of.id.length + type.length) + 4 > bytes.length) return -1;
  bytes[0] = graphRange.gte[0] ?? 0;
  const nameEnd = writeName(bytes, writeName(bytes, nameAt, of.type), of.id);
  bytes.writeUInt32BE(hashNodeName(bytes, nameAt, nameEnd), 1);
  bytes[nameEnd] = way === 'out' ? rowKind.out : rowKind.in;
  return writeName(bytes, nameEnd + 1, type);
}

/** The node's hash in front of a graph key. */
export function prefixHash(key: Buffer): number {
  return key.readUInt32BE(1);
}

/** By hand and closed by a NUL: most are ASCII, and shorter than a call into native code takes. */
function writeName(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 127) return writeName(bytes, at + bytes.write(text, at), '');
    bytes[at + i] = code;
  }
  bytes[at + text.length] = 0;
  return at + text.length + 1;
}

/** The time of an event key. */
export function eventTimeAt(bytes: Buffer, at: number): number {
  return Number.MAX_SAFE_INTEGER - (bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4));
}

/** Whole milliseconds with sinceMs <= time < untilMs; null when there are none. */
export function timeSpan(
  sinceMs: number,
  untilMs: number,
): { readonly sinceMs: number; readonly untilMs: number } | null {
  const since = Math.max(0, Math.ceil(sinceMs));
  const until = Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(untilMs));
  return since < until ? { sinceMs: since, untilMs: until } : null;
}

/** The range of event keys with sinceMs <= time < untilMs behind a prefix, newest first; null when it is empty. */
export function timeRange(
  prefix: Buffer,
  sinceMs: number,
  untilMs: number,
): { readonly gte: Buffer; readonly lt: Buffer } | null {
  const span = timeSpan(sinceMs, untilMs);
  if (span === null) return null;
  return {
    gte: Buffer.concat([prefix, timeBytes(Number.MAX_SAFE_INTEGER - span.untilMs + 1)]),
    lt: Buffer.concat([prefix, timeBytes(Number.MAX_SAFE_INTEGER - span.sinceMs + 1)]),
  };
}

/** What follows a node's prefix in a graph key. */
export function rowKindOf(key: Buffer): number {
  return must(key[kindAt(key)], 'a graph row has a kind');
}

/** Where a graph key says what kind of row it is: behind the node's prefix. */
export function kindAt(key: Buffer): number {
  return key.indexOf(0, key.indexOf(0, nameAt) + 1) + 1;
}

export function decodeTime(bytes: Buffer | undefined): number {
  if (bytes === undefined) return -1;
  must(bytes.length === 8 ? bytes : null, 'a tombstone has eight bytes');
  return new ByteReader(bytes).time();
}

export const timeLength = 8;

/** The type of the node that a graph row belongs to. */
export function typeOf(key: Buffer): string {
  return key.toString('latin1', nameAt, key.indexOf(0, nameAt));
}

/** Does what stands behind an occurrence's event key name the other end of this edge and, where it is asked for, its key? */
export function otherEndMatcher({ to, key }: Pick<EdgeQuery, 'to' | 'key'>): (rest: Buffer) => boolean {
  const name = nodeName(to);
  if (key === null) return (rest) => rest.subarray(0, name.length).equals(name);
  const wanted = Buffer.concat([name, Buffer.from(key)]);
  return (rest) => rest.equals(wanted);
}

/** Up to which event time the row is hidden by its types' times to live, if that hides it; null otherwise. */
export function expiredAt(key: Buffer, value: Buffer, expiry: Expiry): number | null {
  const at = kindAt(key);
  const ofNode = expiry.ofNode(typeOf(key));
  switch (key[at]) {
    case rowKind.node:
    case rowKind.tombstone:
      return ofNode < 0 ? null : hidden(ofNode, new ByteReader(value).time());
    case rowKind.step:
      return ofNode < 0 ? null : hidden(ofNode, new ByteReader(key, at + 1).eventKey().timeMs);
    case rowKind.out:
    case rowKind.in: {
      const edgeTypeEnd = key.indexOf(0, at + 1);
      const hiddenMs = Math.max(ofNode, hiddenEdgeMs(key, at, edgeTypeEnd + 1 + eventKeyBytes, expiry));
      return hiddenMs < 0 ? null : hidden(hiddenMs, new ByteReader(key, edgeTypeEnd + 1).eventKey().timeMs);
    }
    case rowKind.edgeTombstone: {
      const edgeTypeEnd = key.indexOf(0, at + 1);
      const hiddenMs = Math.max(ofNode, hiddenEdgeMs(key, at, edgeTypeEnd + 1, expiry));
      return hiddenMs < 0 ? null : hidden(hiddenMs, new ByteReader(value).time());
    }
    default:
      return null;
  }
}

/** By the edge's own type and that of the node at its other end, whose name is at `otherAt`. */
function hiddenEdgeMs(key: Buffer, typeAt: number, otherAt: number, expiry: Expiry): number {
  const ofEdge = expiry.ofEdge(key.toString('latin1', typeAt + 1, key.indexOf(0, typeAt + 1)));
  return Math.max(ofEdge, expiry.ofNode(key.toString('latin1', otherAt, key.indexOf(0, otherAt))));
}

function hidden(hiddenMs: number, timeMs: number): number | null {
  return timeMs <= hiddenMs ? hiddenMs : null;
}
