import { assert, unreachable } from '../foundation/index.ts';
import type { Side } from './cassandra-knowledge.ts';
import type { SideRow } from './cassandra-placement.ts';
import { stampOf } from './cassandra-stamps.ts';
import { sideTables } from './cassandra-tables.ts';
import { ByteReader, decodeStepValue, encodeProperties, encodeStepValue } from './codec.ts';
import type { Estimates } from './estimates.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { TimePosition } from './graph-store.ts';
import { eventsOf, type GroupBatch, type NodeChange } from './group-batch.ts';
import { withoutLineage } from './lineage.ts';
import type { EventMutations, Mutation, NodeRef } from './model.ts';
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
  readonly #hash: (bytes: Uint8Array) => number;
  readonly #moment: GroupMoment;
  #batches = 0;

  constructor(hash: (bytes: Uint8Array) => number, moment: GroupMoment) {
    this.#hash = hash;
    this.#moment = moment;
  }

  add(batch: GroupBatch): void {
    const place = this.#batches;
    this.#batches += 1;
    for (const [event, lineage] of eventsOf(batch)) {
      for (const mutation of event.mutations) this.#take(mutation, event, lineage, place, batch.estimates);
    }
  }

  #take(
    mutation: Mutation,
    event: EventMutations,
    lineage: Buffer,
    batch: number,
    estimates: Estimates,
  ): void {
    const { timeMs, rank } = event;
    switch (mutation.kind) {
      case 'node': {
        this.#count(mutation.node, estimates);
        const change = { batch, mutation, timeMs, rank, lineage: lineage.subarray(1) };
        this.nodeAt(mutation.node, timeMs).changes.push(change);
        break;
      }
      case 'edge': {
        const { type, from, to, key = '' } = mutation;
        const value = Buffer.concat([lineage, encodeProperties(mutation.properties)]);
        this.#putOccurrence(type, from, to, key, event, value, estimates);
        break;
      }
      case 'step': {
        for (const { node } of mutation.links) this.#count(node, estimates);
        this.#count(mutation.owner, estimates);
        this.#putStep(mutation.owner, event, Buffer.concat([lineage, encodeStepValue(mutation)]));
        break;
      }
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
        this.#putStep(what.node, what, value);
        break;
      default: {
        assert(what.kind === 'out', 'a snapshot has no reverse rows');
        this.#putOccurrence(what.type, what.node, what.other, what.key ?? '', what, value, estimates);
      }
    }
  }

  nodeAt(ref: NodeRef, timeMs: number): NodeChanges {
    const node = rows.nodePrefix(ref);
    const life = this.#lifeOf(timeMs, this.#moment.expiry.ofNode(ref.type));
    const name = `${life} ${node.toString('latin1')}`;
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const changes: NodeChanges = { node, life, changes: [], deletedMs: -1 };
    this.nodes.set(name, changes);
    return changes;
  }

  #putOccurrence(
    type: string,
    from: NodeRef,
    to: NodeRef,
    key: string,
    event: TimePosition,
    value: Buffer,
    estimates: Estimates,
  ): void {
    const { expiry } = this.#moment;
    const hiddenMs = Math.max(expiry.ofEdge(type), expiry.ofNode(from.type), expiry.ofNode(to.type));
    const stamp = stampOf(event.timeMs, this.#lifeOf(event.timeMs, hiddenMs));
    const fromHash = this.#count(from, estimates);
    const toHash = this.#count(to, estimates);
    const out = Buffer.concat([rows.eventKey(event), rows.nodeName(to), Buffer.from(key)]);
    const into = Buffer.concat([rows.eventKey(event), rows.nodeName(from), Buffer.from(key)]);
    this.#put({
      table: sideTables.out,
      side: rows.adjacencyPrefix(from, 'out', type),
      key: out,
      value,
      stamp,
    });
    this.#put({ table: sideTables.in, side: rows.adjacencyPrefix(to, 'in', type), key: into, value, stamp });
    this.#side(from.type, { type, direction: 'out' });
    this.#side(to.type, { type, direction: 'in' });
    estimates.addEdge(fromHash, toHash, this.#hash(Buffer.from(`${type}\0${key}`)));
  }

  #putStep(owner: NodeRef, event: TimePosition, value: Buffer): void {
    const life = this.#lifeOf(event.timeMs, this.#moment.expiry.ofNode(owner.type));
    const key = rows.eventKey(event);
    const stamp = stampOf(event.timeMs, life);
    this.#put({ table: sideTables.steps, side: rows.stepsPrefix(owner), key, value, stamp });
  }

  #deleteNode(node: NodeRef, timeMs: number): void {
    const changes = this.nodeAt(node, timeMs);
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
    this.rows.set(`${row.side.toString('latin1')}${row.key.toString('latin1')}`, row);
  }

  #side(nodeType: string, side: Side): void {
    this.sides.set(`${nodeType} ${side.direction} ${side.type}`, { nodeType, side });
  }

  #count(ref: NodeRef, estimates: Estimates): number {
    const hash = this.#hash(rows.nodeName(ref));
    estimates.addNode(hash);
    return hash;
  }
}
