import { assert, unreachable } from '../foundation/index.ts';
import {
  ByteReader,
  decodeStepValue,
  encodeContent,
  encodeCount,
  encodeName,
  encodeProperties,
  encodeStepValue,
} from './codec.ts';
import type { Estimates } from './estimates.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { Applied, TimePosition } from './graph-store.ts';
import { eventsOf, type GroupBatch, type NodeChange } from './group-batch.ts';
import { withoutLineage } from './lineage.ts';
import type { EdgeMutation, EventMutations, Mutation, NodeRef, StepMutation } from './model.ts';
import { hasNoSets } from './mutation-checks.ts';
import { edgePlace, type Neo4jKeys } from './neo4j-keys.ts';
import { type Parameter, plainProperties, signed } from './neo4j-values.ts';
import type { NodeRowMerger } from './node-row.ts';
import { registersOf } from './register.ts';
import * as rows from './rows.ts';

/** A node that the group touches: all of them are locked, in the order of their keys. */
export interface TouchedNode {
  readonly key: string;
  readonly ref: NodeRef;
  readonly hash: number;
  readonly changes: NodeChange[];
  /** A whole row, where a graph is restored; null elsewhere. */
  row: string | null;
  /** -1 when the group does not delete it. */
  deletedMs: number;
}

export interface OccurrenceRow {
  readonly from: TouchedNode;
  readonly to: TouchedNode;
  /** As columns, for a map would send its names with each row: jgOut, jgIn, jgTime, jgValue, the readable properties. */
  readonly columns: readonly Parameter[];
}

/**
 * Several batches as what one transaction does. Events are decoded here, before the transaction begins; only node mutations wait for
 * what is stored. A later duplicate takes the place of an earlier one, as overwriting does elsewhere.
 */
export class Neo4jGroup {
  readonly nodes = new Map<string, TouchedNode>();
  /** As columns: jgKey, jgTime, jgDomain, jgAction, jgValue. */
  readonly steps = new Map<string, readonly Parameter[]>();
  /** By relationship type, then by key. */
  readonly occurrences = new Map<string, Map<string, OccurrenceRow>>();
  readonly edgeTombstones = new Map<string, number>();
  readonly edgeTypes = new Set<string>();
  readonly #keys: Neo4jKeys;
  readonly #hash: (bytes: Uint8Array) => number;
  #batches = 0;

  constructor(keys: Neo4jKeys, hash: (bytes: Uint8Array) => number) {
    this.#keys = keys;
    this.#hash = hash;
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
        const change = { batch, mutation, timeMs, rank, lineage: lineage.subarray(1) };
        this.#touch(mutation.node, estimates).changes.push(change);
        break;
      }
      case 'edge':
        this.#edge(mutation, event, lineage, estimates);
        break;
      case 'step':
        this.#step(mutation, event, lineage, estimates);
        break;
      case 'node-delete': {
        const node = this.#touch(mutation.node, estimates);
        node.deletedMs = Math.max(node.deletedMs, timeMs);
        break;
      }
      case 'edge-delete': {
        const { type, from, to, key = null } = mutation;
        this.#touch(from, estimates);
        this.#touch(to, estimates);
        const at = this.#keys.edgeTombstone(type, from, to, key);
        this.edgeTombstones.set(at, Math.max(this.edgeTombstones.get(at) ?? -1, timeMs));
        break;
      }
      default:
        unreachable(mutation);
    }
  }

  /** A row of `rows.ts` as a graph is restored: of a node, a tombstone, a step, an occurrence from its beginning. */
  addRow(key: Buffer, value: Buffer, estimates: Estimates): void {
    const what = decodeGraphKey(key);
    switch (what.kind) {
      case 'node':
        this.#touch(what.node, estimates).row = value.toString('latin1');
        break;
      case 'tombstone':
        this.#touch(what.node, estimates).deletedMs = rows.decodeTime(value);
        break;
      case 'edge-tombstone':
        this.#touch(what.node, estimates);
        this.#touch(what.other, estimates);
        this.edgeTombstones.set(this.#keys.edgeTombstoneOf(key), rows.decodeTime(value));
        break;
      case 'step': {
        const content = new ByteReader(withoutLineage(value));
        this.#putStep({ owner: what.node, ...decodeStepValue(content) }, what, value, estimates);
        break;
      }
      default: {
        assert(what.kind === 'out', 'a snapshot has no reverse rows');
        const edge = { type: what.type, from: what.node, to: what.other, key: what.key ?? '' };
        const properties = new ByteReader(withoutLineage(value)).properties();
        this.#putOccurrence({ ...edge, properties }, what, value, estimates);
      }
    }
  }

  #edge(edge: EdgeMutation, event: EventMutations, lineage: Buffer, estimates: Estimates): void {
    const value = Buffer.concat([lineage, encodeProperties(edge.properties)]);
    this.#putOccurrence(edge, event, value, estimates);
  }

  #putOccurrence(
    { type, from, to, key = '', properties }: Omit<EdgeMutation, 'kind'>,
    event: TimePosition,
    value: Buffer,
    estimates: Estimates,
  ): void {
    const { relation, infix } = edgePlace(type);
    const [source, target] = [this.#touch(from, estimates), this.#touch(to, estimates)];
    const eventKey = rows.eventKey(event);
    const out = this.#keys.occurrence(source.key, infix, eventKey, to, key);
    const found = this.occurrences.get(relation) ?? new Map<string, OccurrenceRow>();
    this.occurrences.set(relation, found);
    this.edgeTypes.add(type);
    found.set(out, {
      from: source,
      to: target,
      columns: [
        out,
        this.#keys.occurrence(target.key, infix, eventKey, from, key),
        BigInt(event.timeMs),
        signed(value),
        plainProperties(properties.map(([name, one]) => ({ name, value: one }))),
      ],
    });
    estimates.addEdge(source.hash, target.hash, this.#hash(Buffer.from(`${type}\0${key}`)));
  }

  #step(step: StepMutation, event: EventMutations, lineage: Buffer, estimates: Estimates): void {
    this.#putStep(step, event, Buffer.concat([lineage, encodeStepValue(step)]), estimates);
  }

  #putStep(
    { owner, domain, action, links }: Omit<StepMutation, 'kind' | 'properties'>,
    event: TimePosition,
    value: Buffer,
    estimates: Estimates,
  ): void {
    for (const { node } of links) this.#count(node, estimates);
    this.#count(owner, estimates);
    const key = this.#keys.step(this.#keys.node(owner), event);
    this.steps.set(key, [key, BigInt(event.timeMs), domain, action, signed(value)]);
  }

  #touch(ref: NodeRef, estimates: Estimates): TouchedNode {
    const key = this.#keys.node(ref);
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node = { key, ref, hash: this.#count(ref, estimates), changes: [], row: null, deletedMs: -1 };
    this.nodes.set(key, node);
    return node;
  }

  #count(ref: NodeRef, estimates: Estimates): number {
    const hash = this.#hash(rows.nodeName(ref));
    estimates.addNode(hash);
    return hash;
  }
}

/** What the group makes of a stored row: null when the row already is the result. Counts each mutation in its batch's `applied`. */
export function mergeChanges(
  merger: NodeRowMerger,
  stored: string | undefined,
  changes: readonly NodeChange[],
  applied: readonly { -readonly [name in keyof Applied]: number }[],
): string | null {
  let row = stored;
  let written = false;
  for (const change of changes) {
    const merged = mergeChange(merger, row, change);
    const counts = applied[change.batch];
    assert(counts !== undefined, 'a change belongs to a batch of its group');
    if (merged === null) {
      counts.nodeWritesSuppressed += 1;
      continue;
    }
    if (written) counts.nodeWritesCoalesced += 1;
    else counts.nodeWrites += 1;
    written = true;
    row = merged;
  }
  return written ? (row ?? null) : null;
}

function mergeChange(
  merger: NodeRowMerger,
  row: string | undefined,
  { mutation: { properties }, timeMs, rank, lineage }: NodeChange,
): string | null {
  const own = { timeMs, rank, lineage, lineageStart: 0, lineageEnd: lineage.length };
  const before = Buffer.from(row ?? '', 'latin1');
  if (hasNoSets(properties)) {
    const bytes = encodeProperties(properties);
    const changed = merger.merge(before, 0, before.length, { ...own, bytes, start: 0, end: bytes.length });
    return changed ? merger.out.toString('latin1', 0, merger.outLength) : null;
  }
  const contents = registersOf(properties, own);
  const bytes = Buffer.concat([
    encodeCount(contents.length),
    ...contents.flatMap(({ name, content }) => [encodeName(name), encodeContent(content)]),
  ]);
  const changed = merger.mergeSets(before, 0, before.length, { ...own, bytes, start: 0, end: bytes.length });
  return changed ? merger.out.toString('latin1', 0, merger.outLength) : null;
}
