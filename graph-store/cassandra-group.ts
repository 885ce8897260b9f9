import { assert, unreachable } from '../foundation/index.ts';
import type { Side } from './cassandra-knowledge.ts';
import { GroupNames, joined, type NamedNode, sideOf } from './cassandra-names.ts';
import { type PackedEvent, type PackedMutation, PackedReader } from './cassandra-packed.ts';
import type { SideRow } from './cassandra-placement.ts';
import { stampOf } from './cassandra-stamps.ts';
import { sideTables } from './cassandra-tables.ts';
import { ByteReader, decodeStepValue } from './codec.ts';
import type { Estimates } from './estimates.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { GroupBatch, NodeChange } from './group-batch.ts';
import { withoutLineage } from './lineage.ts';
import type { NodeRef } from './model.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** What of one life of a node's row the group changes. */
export interface NodeChanges {
  readonly node: Buffer;
  readonly life: number;
  readonly changes: NodeChange[];
  /** -1 when the group does not delete it. */
  deletedMs: number;
}

export interface EdgeTombstone {
  readonly edge: Buffer;
  readonly life: number;
  timeMs: number;
}

/** Of the moment at which a group is made. */
export interface GroupMoment {
  readonly expiry: Expiry;
  /** That of what its time to live hides already. */
  readonly life: number;
}

interface Occurrence {
  readonly type: string;
  readonly from: NamedNode;
  readonly to: NamedNode;
  readonly key: string;
  readonly value: Buffer;
}

/** When something happened, and the same as rows' keys have it. */
interface RowEvent {
  readonly timeMs: number;
  readonly key: Buffer;
}

/**
 * Several batches as the rows that they leave, each of which says by its key or its stamp what it is the version of. A later duplicate takes the place
 * of an earlier one, as overwriting does elsewhere.
 */
export class CassandraGroup {
  readonly nodes = new Map<string, NodeChanges>();
  readonly rows = new Map<string, SideRow>();
  readonly edgeTombstones = new Map<string, EdgeTombstone>();
  /** Type of node, then what edges it has now. By text, so that each is there once. */
  readonly sides = new Map<string, { readonly nodeType: string; readonly side: Side }>();
  readonly deletedNodeTypes = new Set<string>();
  readonly deletedEdgeTypes = new Set<string>();
  usesLife = false;
  readonly #names: GroupNames;
  readonly #moment: GroupMoment;
  #batches = 0;

  constructor(hash: (bytes: Uint8Array) => number, moment: GroupMoment) {
    this.#names = new GroupNames(hash);
    this.#moment = moment;
  }

  add(batch: GroupBatch): void {
    const place = this.#batches;
    this.#batches += 1;
    const reader = new PackedReader(batch, this.#names);
    for (let event = reader.event(); event !== null; event = reader.event()) {
      for (let one = reader.mutation(event); one !== null; one = reader.mutation(event)) {
        this.#take(one, event, place, batch.estimates);
      }
    }
  }

  #take(mutation: PackedMutation, event: PackedEvent, batch: number, estimates: Estimates): void {
    const { timeMs, rank } = event;
    switch (mutation.kind) {
      case 'node': {
        const { node } = mutation;
        estimates.addNode(node.hash);
        const lineage = event.lineage.subarray(1);
        this.#nodeAt(node, timeMs).changes.push({
          batch,
          mutation: mutation.mutation,
          timeMs,
          rank,
          lineage,
        });
        break;
      }
      case 'edge':
        this.#putOccurrence(mutation, event, estimates);
        break;
      case 'step':
        for (const { hash } of mutation.links) estimates.addNode(hash);
        estimates.addNode(mutation.owner.hash);
        this.#putStep(mutation.owner, event, mutation.value);
        break;
      case 'node-delete':
        this.#count(mutation.node, estimates);
        this.#deleteNode(mutation.node, timeMs);
        break;
      case 'edge-delete': {
        const { type, from, to, key = null } = mutation;
        this.#count(from, estimates);
        this.#count(to, estimates);
        this.#deleteEdge(type, rows.edgeTombstoneKey(type, from, to, key), timeMs, to.type, from.type);
        break;
      }
      default:
        unreachable(mutation);
    }
  }

  /** A row of `rows.ts` as a graph is restored: of a tombstone, a step, an occurrence from its beginning. Nodes' rows are not this group's. */
  addRow(key: Buffer, value: Buffer, estimates: Estimates): void {
    const what = decodeGraphKey(key);
    switch (what.kind) {
      case 'node':
        this.#count(what.node, estimates);
        break;
      case 'tombstone':
        this.#count(what.node, estimates);
        this.#deleteNode(what.node, rows.decodeTime(value));
        break;
      case 'edge-tombstone':
        this.#count(what.node, estimates);
        this.#count(what.other, estimates);
        this.#deleteEdge(what.type, key, rows.decodeTime(value), what.other.type, what.node.type);
        break;
      case 'step':
        this.#count(what.node, estimates);
        for (const { node } of decodeStepValue(new ByteReader(withoutLineage(value))).links)
          this.#count(node, estimates);
        this.#putStep(this.#names.of(what.node), { ...what, key: rows.eventKey(what) }, value);
        break;
      default: {
        assert(what.kind === 'out', 'a snapshot has no reverse rows');
        const [from, to] = [this.#names.of(what.node), this.#names.of(what.other)];
        const { type, key } = what;
        const event = { timeMs: what.timeMs, key: rows.eventKey(what) };
        this.#putOccurrence({ type, from, to, key: key ?? '', value }, event, estimates);
      }
    }
  }

  #nodeAt({ ref, prefix, prefixText }: NamedNode, timeMs: number): NodeChanges {
    const life = this.#lifeOf(timeMs, this.#moment.expiry.ofNode(ref.type));
    const name = life === 0 ? prefixText : `${life} ${prefixText}`;
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const changes: NodeChanges = { node: prefix, life, changes: [], deletedMs: -1 };
    this.nodes.set(name, changes);
    return changes;
  }

  #putOccurrence({ type, from, to, key, value }: Occurrence, event: RowEvent, estimates: Estimates): void {
    const { expiry } = this.#moment;
    const hiddenMs = Math.max(expiry.ofEdge(type), expiry.ofNode(from.ref.type), expiry.ofNode(to.ref.type));
    const stamp = stampOf(event.timeMs, this.#lifeOf(event.timeMs, hiddenMs));
    estimates.addNode(from.hash);
    estimates.addNode(to.hash);
    this.#putEnd(from, to, { type, direction: 'out' }, event, key, value, stamp);
    this.#putEnd(to, from, { type, direction: 'in' }, event, key, value, stamp);
    estimates.addEdge(from.hash, to.hash, this.#names.edgeHash(type, key));
  }

  #putEnd(
    of: NamedNode,
    far: NamedNode,
    side: Side,
    event: RowEvent,
    key: string,
    value: Buffer,
    stamp: bigint,
  ): void {
    const isOut = side.direction === 'out';
    const kind = isOut ? rows.rowKind.out : rows.rowKind.in;
    const { size } = of.sides;
    const { bytes, text } = sideOf(of, kind, side.type);
    if (of.sides.size > size) this.#side(of.ref.type, side);
    const place = joined(event.key, far.prefix, rows.nameAt, far.prefix.length);
    const whole = key === '' ? place : Buffer.concat([place, Buffer.from(key)]);
    this.#put({
      table: isOut ? sideTables.out : sideTables.in,
      side: bytes,
      sideText: text,
      key: whole,
      value,
      stamp,
    });
  }

  #putStep(owner: NamedNode, event: RowEvent, value: Buffer): void {
    const life = this.#lifeOf(event.timeMs, this.#moment.expiry.ofNode(owner.ref.type));
    const stamp = stampOf(event.timeMs, life);
    const { bytes, text } = sideOf(owner, rows.rowKind.step, null);
    this.#put({ table: sideTables.steps, side: bytes, sideText: text, key: event.key, value, stamp });
  }

  #deleteNode(node: NodeRef, timeMs: number): void {
    const changes = this.#nodeAt(this.#names.of(node), timeMs);
    changes.deletedMs = Math.max(changes.deletedMs, timeMs);
    this.deletedNodeTypes.add(node.type);
  }

  #deleteEdge(type: string, edge: Buffer, timeMs: number, toType: string, fromType: string): void {
    const { expiry } = this.#moment;
    const life = this.#lifeOf(
      timeMs,
      Math.max(expiry.ofEdge(type), expiry.ofNode(fromType), expiry.ofNode(toType)),
    );
    const name = `${life} ${edge.toString('latin1')}`;
    const known = this.edgeTombstones.get(name);
    if (known === undefined) this.edgeTombstones.set(name, { edge, life, timeMs });
    else known.timeMs = Math.max(known.timeMs, timeMs);
    this.deletedEdgeTypes.add(type);
  }

  /** What is hidden already may have been swept: it is written as of a later life than what was. */
  #lifeOf(timeMs: number, hiddenMs: number): number {
    if (timeMs > hiddenMs) return 0;
    this.usesLife = true;
    return this.#moment.life;
  }

  #put(row: SideRow): void {
    this.rows.set(row.sideText + row.key.toString('latin1'), row);
  }

  #side(nodeType: string, side: Side): void {
    this.sides.set(`${nodeType} ${side.direction} ${side.type}`, { nodeType, side });
  }

  #count(ref: NodeRef, estimates: Estimates): void {
    estimates.addNode(this.#names.of(ref).hash);
  }
}
