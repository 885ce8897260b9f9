import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { OccurrencePosition, TimePosition } from './graph-store.ts';
import type { NodeRef } from './model.ts';
import * as rows from './rows.ts';

const graphqlName = /^[_A-Za-z][_0-9A-Za-z]*$/;
/** Labels, relationship types and properties of our own begin so. */
const reserved = /^jg/i;

/** The relationship type of edges whose own type Cypher cannot have as a name. */
export const otherEdges = 'JgEdge';

/**
 * The name under which Cypher has a label, a relationship type or a property; null where the name is no GraphQL name or begins as ours do.
 * Names stand in the text of a query, so nothing else may ever get there.
 */
export function nativeName(name: string): string | null {
  return graphqlName.test(name) && !reserved.test(name) ? name : null;
}

/** In a query's text. Takes checked names only; the quotes are for names that Cypher reserves. */
export function quoted(name: string): string {
  must(graphqlName.test(name) ? name : null, 'only GraphQL names come into the text of a query');
  return `\`${name}\``;
}

/** Where edges of a type are: in which relationship type, and what their keys have behind the node's. */
export interface EdgePlace {
  readonly relation: string;
  readonly infix: string;
}

export function edgePlace(type: string): EdgePlace {
  const relation = nativeName(type);
  if (relation !== null) return { relation, infix: '' };
  return { relation: otherEdges, infix: `${Buffer.from(type).toString('hex')}\0` };
}

/** One side of an occurrence as its key has it. */
export interface OccurrenceKey extends OccurrencePosition {
  /** Of fixed order, as `rows.ts` has it: event key, the other end's prefix, the edge's key. */
  readonly bytes: Buffer;
}

/** A range of keys: `gte` inclusive, `lt` exclusive, in the order of code points, which is Neo4j's. */
export interface KeyRange {
  readonly gte: string;
  readonly lt: string;
}

/**
 * The keys under which everything lies, all beginning with the namespace, so that several graphs can share one database:
 *
 *     node             <namespace>/<type>:<id>                      of a type that is no GraphQL name: ~ and its hex digits
 *     step             <node>\0<event key>
 *     occurrence       <node>\0<event key><other's prefix><key>      one for each end; behind the first NUL in `JgEdge`: hex of the type, NUL
 *     edge tombstone   <namespace>/<key of its row>
 *     position         <namespace>/<position key>
 *
 * What follows the first NUL are bytes of `rows.ts` as code points 0 to 255: their order is that of the bytes, so that each adapter answers in one
 * order, and a change of that layout is another format here as well.
 */
export class Neo4jKeys {
  readonly #start: string;

  constructor(namespace: string) {
    this.#start = `${namespace}/`;
  }

  /** Everything of this graph under one label. */
  get all(): KeyRange {
    return { gte: this.#start, lt: `${this.#start.slice(0, -1)}0` };
  }

  get store(): string {
    return this.#start;
  }

  node({ type, id }: NodeRef): string {
    return `${this.typeStart(type)}${id}`;
  }

  /** What the keys of a type's nodes begin with. */
  typeStart(type: string): string {
    return `${this.#start}${graphqlName.test(type) ? type : `~${Buffer.from(type).toString('hex')}`}:`;
  }

  nodeOf(key: string): NodeRef {
    const typeEnd = key.indexOf(':', this.#start.length);
    const type = key.slice(this.#start.length, typeEnd);
    const id = key.slice(typeEnd + 1);
    return { type: type.startsWith('~') ? Buffer.from(type.slice(1), 'hex').toString() : type, id };
  }

  step(ownerKey: string, event: TimePosition): string {
    return `${ownerKey}\0${rows.eventKey(event).toString('latin1')}`;
  }

  stepOf(key: string): TimePosition & { readonly owner: NodeRef } {
    const at = key.indexOf('\0');
    const event = new ByteReader(Buffer.from(key.slice(at + 1), 'latin1')).eventKey();
    return { owner: this.nodeOf(key.slice(0, at)), ...event };
  }

  /** From the end at `ofKey`. */
  occurrence(ofKey: string, infix: string, event: Buffer, other: NodeRef, edgeKey: string): string {
    const rest = Buffer.concat([event, rows.nodeName(other), Buffer.from(edgeKey)]);
    return `${ofKey}\0${infix}${rest.toString('latin1')}`;
  }

  /** The row's key, from the occurrence's beginning. */
  occurrenceRow(relation: string, key: string): Buffer {
    const at = key.indexOf('\0') + 1;
    const from = this.nodeOf(key.slice(0, at - 1));
    const infixEnd = relation === otherEdges ? key.indexOf('\0', at) + 1 : at;
    const type =
      relation === otherEdges ? Buffer.from(key.slice(at, infixEnd - 1), 'hex').toString() : relation;
    return Buffer.concat([
      rows.adjacencyPrefix(from, 'out', type),
      Buffer.from(key.slice(infixEnd), 'latin1'),
    ]);
  }

  edgeTombstone(type: string, from: NodeRef, to: NodeRef, key: string | null): string {
    return this.edgeTombstoneOf(rows.edgeTombstoneKey(type, from, to, key));
  }

  edgeTombstoneOf(rowKey: Buffer): string {
    return `${this.#start}${rowKey.toString('latin1')}`;
  }

  edgeTombstoneRow(key: string): Buffer {
    return Buffer.from(key.slice(this.#start.length), 'latin1');
  }

  position(positionKey: string): string {
    return `${this.#start}${positionKey}`;
  }

  origin(id: number): string {
    return `${this.#start}${id}`;
  }
}

/** Of what follows a node's key and infix. */
export function occurrenceKeyOf(text: string): OccurrenceKey {
  const bytes = Buffer.from(text, 'latin1');
  return { ...rows.readOccurrencePlace(bytes, 0), bytes };
}

/** Event keys with sinceMs <= time < untilMs behind a start, newest first; null when there can be none. */
export function timeRangeBehind(start: string, sinceMs: number, untilMs: number): KeyRange | null {
  const range = rows.timeRange(Buffer.alloc(0), sinceMs, untilMs);
  if (range === null) return null;
  return { gte: start + range.gte.toString('latin1'), lt: start + range.lt.toString('latin1') };
}

/** All keys that begin so and go on with bytes. */
export function rangeBehind(start: string): KeyRange {
  return { gte: start, lt: `${start}\u0100` };
}

/** Just behind a key that is made of bytes. */
export function after(key: string): string {
  return `${key}\0`;
}
