import type { NodeRef } from './model.ts';
import { hashNodeName } from './node-hash.ts';
import { nameAt, rowKind } from './rows.ts';

/** A side of a node: the beginning of its rows' keys, and the same as a text to look it up by. */
interface NamedSide {
  readonly bytes: Buffer;
  readonly text: string;
}

/** What the rows of a group begin with that name one node. */
export interface NamedNode {
  readonly ref: NodeRef;
  /** `g`, hash and name. */
  readonly prefix: Buffer;
  readonly prefixText: string;
  /** For the estimate of nodes. */
  readonly hash: number;
  readonly sides: Map<string, NamedSide>;
}

/** The nodes of a group, each made once: an event names its own in up to seven places. */
export class GroupNames {
  readonly #nodes = new Map<string, NamedNode>();
  readonly #edges = new Map<string, number>();
  readonly #hash: (bytes: Uint8Array) => number;

  constructor(hash: (bytes: Uint8Array) => number) {
    this.#hash = hash;
  }

  of({ type, id }: NodeRef): NamedNode {
    const name = Buffer.from(`${type}\0${id}\0`);
    return this.at(name, 0, name.length);
  }

  /** Of the name `<type>\0<id>\0` at `[start, end)`. */
  at(bytes: Buffer, start: number, end: number): NamedNode {
    const text = bytes.toString('latin1', start, end);
    const known = this.#nodes.get(text);
    if (known !== undefined) return known;
    const prefix = Buffer.allocUnsafe(nameAt + end - start);
    prefix[0] = 0x67;
    bytes.copy(prefix, nameAt, start, end);
    prefix.writeUInt32BE(hashNodeName(prefix, nameAt, prefix.length), 1);
    const typeEnd = text.indexOf('\0');
    const node: NamedNode = {
      ref: { type: text.slice(0, typeEnd), id: bytes.toString('utf8', start + typeEnd + 1, end - 1) },
      prefix,
      prefixText: prefix.toString('latin1'),
      hash: this.#hash(prefix.subarray(nameAt)),
      sides: new Map(),
    };
    this.#nodes.set(text, node);
    return node;
  }

  /** The hash of an edge's type and key, for the estimate of edges. */
  edgeHash(type: string, key: string): number {
    if (key !== '') return this.#hash(Buffer.from(`${type}\0${key}`));
    const known = this.#edges.get(type) ?? this.#hash(Buffer.from(`${type}\0`));
    this.#edges.set(type, known);
    return known;
  }
}

/** `kind` is a row's, `type` that of the edges; the steps have none. */
export function sideOf(node: NamedNode, kind: number, type: string | null): NamedSide {
  const name = type === null ? '' : `${kind} ${type}`;
  const known = node.sides.get(name);
  if (known !== undefined) return known;
  const rest = Buffer.from(type === null ? '.' : `.${type}\0`);
  rest[0] = type === null ? rowKind.step : kind;
  const bytes = joined(node.prefix, rest, 0, rest.length);
  const side = { bytes, text: node.prefixText + rest.toString('latin1') };
  node.sides.set(name, side);
  return side;
}

/** `head`, then a part of `bytes`. */
export function joined(head: Buffer, bytes: Buffer, start: number, end: number): Buffer {
  const both = Buffer.allocUnsafe(head.length + end - start);
  head.copy(both);
  bytes.copy(both, head.length, start, end);
  return both;
}
