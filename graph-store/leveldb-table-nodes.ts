import { ByteReader } from './codec.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { NodeRow } from './graph-table.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import { decodeNodeRow } from './node-row.ts';
import { propertiesOf } from './register.ts';
import { decodeTime, expiredAt, kindAt, nameAt, rowKind, timeLength } from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** What rows of one node said so far. */
interface Seen {
  readonly prefix: Buffer;
  row: Buffer | null;
  deletedMs: number;
  /** The newest edge or step that mentions it and is kept. */
  touchMs: number;
  touch: Buffer | null;
  touchKind: number;
  /** The kind and edge type whose newest occurrence was found: those behind it are older. */
  settled: Buffer | null;
}

/** Puts nodes of one type together from all rows of a store, shown in the order of their keys. */
export class TableNodes {
  readonly #typeName: Buffer;
  readonly #expiry: Expiry;
  readonly #originOf: (id: number) => OriginRow | null;
  #seen: Seen | null = null;

  constructor(type: string, expiry: Expiry, originOf: (id: number) => OriginRow | null) {
    this.#typeName = Buffer.from(`${type}\0`);
    this.#expiry = expiry;
    this.#originOf = originOf;
  }

  /** The node before goes to `found` when this row is of another one. */
  add(key: Buffer, value: Buffer, found: NodeRow[]): void {
    const { prefix } = this.#seen ?? { prefix: null };
    if (prefix === null || !key.subarray(0, prefix.length).equals(prefix)) {
      this.end(found);
      if (!key.subarray(nameAt, nameAt + this.#typeName.length).equals(this.#typeName)) return;
      const own = Buffer.from(key.subarray(0, kindAt(key)));
      this.#seen = { prefix: own, row: null, deletedMs: -1, ...untouched };
    }
    if (this.#seen !== null) this.#read(this.#seen, key, value);
  }

  end(found: NodeRow[]): void {
    const node = this.#seen === null ? null : this.#nodeOf(this.#seen);
    this.#seen = null;
    if (node !== null) found.push(node);
  }

  /** Where to read on after this key, when what follows it can say nothing new. */
  passOver(last: Buffer): Buffer<ArrayBuffer> | null {
    const at = kindAt(last);
    const isOfType = last.subarray(nameAt, nameAt + this.#typeName.length).equals(this.#typeName);
    if (!isOfType) return Buffer.concat([last.subarray(0, at), Buffer.of(0xff)]);
    const settled = this.#seen?.settled ?? null;
    if (settled === null || !last.subarray(at, at + settled.length).equals(settled)) return null;
    return Buffer.concat([last.subarray(0, at), settled, Buffer.of(0xff)]);
  }

  #read(seen: Seen, key: Buffer, value: Buffer): void {
    const at = seen.prefix.length;
    switch (key[at]) {
      case rowKind.node:
        seen.row = value;
        break;
      case rowKind.tombstone:
        seen.deletedMs = decodeTime(value);
        break;
      case rowKind.step:
        if (seen.settled?.[0] === rowKind.step || expiredAt(key, value, this.#expiry) !== null) break;
        seen.settled = Buffer.of(rowKind.step);
        touched(seen, rowKind.step, new ByteReader(key, at + 1).eventKey().timeMs, value);
        break;
      case rowKind.out:
      case rowKind.in: {
        const kind = key[at] === rowKind.out ? rowKind.out : rowKind.in;
        if (seen.settled !== null && key.subarray(at, at + seen.settled.length).equals(seen.settled)) break;
        if (expiredAt(key, value, this.#expiry) !== null) break;
        const typeEnd = key.indexOf(0, at) + 1;
        seen.settled = Buffer.from(key.subarray(at, typeEnd));
        touched(seen, kind, new ByteReader(key, typeEnd).eventKey().timeMs, value);
        break;
      }
      default:
    }
  }

  #nodeOf({ prefix, row, deletedMs, touchMs, touch }: Seen): NodeRow | null {
    const decoded = decodeGraphKey(Buffer.concat([prefix, Buffer.of(rowKind.node)]));
    const { node } = decoded;
    const hiddenMs = Math.max(deletedMs, this.#expiry.ofNode(node.type));
    const stored = row === null ? null : decodeNodeRow(row);
    if (stored !== null && row !== null && stored.mentionedMs > hiddenMs) {
      const lineage = readLineage(new ByteReader(row, timeLength), this.#originOf);
      const timeMs = Math.max(stored.mentionedMs, touchMs);
      return { kind: 'node', node, properties: propertiesOf(stored.registers, hiddenMs), lineage, timeMs };
    }
    if (touch === null || touchMs <= hiddenMs) return null;
    const lineage = readLineage(new ByteReader(touch), this.#originOf);
    return { kind: 'node', node, properties: [], lineage, timeMs: touchMs };
  }
}

const untouched = { touchMs: -1, touch: null, touchKind: 0, settled: null } as const;

/** Of one time a step goes before an edge, and one that leaves before one that arrives: they come in the other order. */
function touched(seen: Seen, kind: number, timeMs: number, value: Buffer): void {
  if (timeMs < seen.touchMs || (timeMs === seen.touchMs && kind === seen.touchKind)) return;
  seen.touchKind = kind;
  seen.touchMs = timeMs;
  seen.touch = value;
}
