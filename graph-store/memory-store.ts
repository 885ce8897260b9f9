import { assert, FencedError, OutageError, unreachable } from '../foundation/index.ts';
import { decodeEvents, encodeProperties, encodeStepValue, encodeValue } from './codec.ts';
import { digestRows } from './digest.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  EdgeView,
  GraphEstimate,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  NodeView,
  OccurrenceView,
  SourcePartition,
  SourceStatus,
  StepView,
} from './graph-store.ts';
import { compareTimePositions, foldEdge, visible } from './merge.ts';
import type { EventMutations, Mutation, NodeRef, PropertyValue } from './model.ts';
import type { MutationBatch } from './mutation-batch.ts';
import { encodeNodeRow } from './node-row.ts';
import {
  advanced,
  claimed,
  compareSources,
  type Partition,
  positionKey,
  refusal,
  statusOf,
} from './position.ts';
import * as rows from './rows.ts';

interface Register {
  readonly value: PropertyValue;
  readonly timeMs: number;
  readonly rank: number;
}

interface MemoryNode {
  readonly ref: NodeRef;
  mentionedMs: number;
  deletedMs: number;
  readonly registers: Map<string, Register>;
  readonly steps: Map<string, StepView>;
  readonly out: Map<string, OccurrenceView>;
  readonly in: Map<string, OccurrenceView>;
}

/** The reference: says what the other adapters must do, in the plainest way. Keeps nothing when the process ends. */
export function createMemoryStore(): GraphStore {
  return new MemoryStore();
}

class MemoryStore implements GraphStore {
  readonly #nodes = new Map<string, MemoryNode>();
  readonly #edgeTombstones = new Map<string, { type: string; from: NodeRef; to: NodeRef; timeMs: number }>();
  readonly #partitions = new Map<string, Partition>();
  #closed = false;

  async claim(source: SourcePartition): Promise<Claim> {
    this.#assertOpen();
    const key = positionKey(source);
    const position = claimed(source, this.#partitions.get(key)?.position);
    this.#partitions.set(key, { position, claimed: true });
    return { epoch: position.epoch, next: position.next };
  }

  async apply(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    this.#assertOpen();
    const partition = this.#partitions.get(positionKey(advance.source));
    const error = refusal(advance, partition);
    if (error !== null) {
      if (error.reaction === 'fenced') throw new FencedError(error.message);
      throw new OutageError(error.code, error.message);
    }
    assert(partition !== undefined, 'a partition without a position is refused');
    let nodeWrites = 0;
    let nodeWritesSuppressed = 0;
    // Decoded before anything is changed: a batch that cannot be read changes nothing.
    for (const event of [...decodeEvents(mutations.take())]) {
      for (const mutation of event.mutations) {
        const changed = this.#change(event, mutation);
        if (mutation.kind === 'node' && changed) nodeWrites += 1;
        if (mutation.kind === 'node' && !changed) nodeWritesSuppressed += 1;
      }
    }
    partition.position = advanced(partition.position, advance);
    return { nodeWrites, nodeWritesSuppressed };
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    this.#assertOpen();
    const node = this.#nodes.get(keyOf(ref));
    if (node === undefined) return null;
    const mentions = [...node.steps.values(), ...node.out.values(), ...node.in.values()];
    const newestMs = mentions.reduce((newest, { timeMs }) => Math.max(newest, timeMs), node.mentionedMs);
    if (newestMs <= node.deletedMs) return null;
    return {
      node: ref,
      properties: sortedRegisters(node)
        .filter(({ timeMs }) => timeMs > node.deletedMs)
        .map(({ name, value, timeMs }) => ({ name, value, timeMs })),
    };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    this.#assertOpen();
    const { after, limit, scanMax, bytesMax } = query;
    const direction = query.order === 'oldest-first' ? 1 : -1;
    const node = this.#nodes.get(keyOf(query.of));
    const deletedMs = node?.deletedMs ?? -1;
    const candidates = [...(node?.steps.values() ?? [])]
      .filter(({ timeMs }) => timeMs > deletedMs && timeMs >= query.sinceMs && timeMs < query.untilMs)
      .sort((a, b) => direction * compareTimePositions(a, b))
      .filter((step) => after === null || direction * compareTimePositions(step, after) > 0);
    const steps: StepView[] = [];
    let scanned = 0;
    let bytes = 0;
    for (const step of candidates) {
      if (steps.length >= limit || scanned >= scanMax || bytes >= bytesMax) break;
      scanned += 1;
      if (query.domains !== null && !query.domains.includes(step.domain)) continue;
      steps.push(this.#withLinks(step));
      bytes += encodeStepValue(step).length;
    }
    const lastStep = candidates[scanned - 1];
    const more = scanned < candidates.length;
    return {
      steps,
      scanned,
      more,
      truncated: more && steps.length < limit,
      last: lastStep === undefined ? null : { timeMs: lastStep.timeMs, occurrence: lastStep.occurrence },
    };
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    this.#assertOpen();
    return this.#occurrences(query, null);
  }

  async edge(type: string, from: NodeRef, to: NodeRef, scanMax: number): Promise<EdgeView | null> {
    this.#assertOpen();
    const query = {
      of: from,
      type,
      direction: 'out',
      sinceMs: 0,
      untilMs: Number.MAX_VALUE,
      limit: scanMax,
      scanMax,
    } as const;
    const { occurrences, truncated } = this.#occurrences(query, to);
    return foldEdge(occurrences, truncated);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    this.#assertOpen();
    return [...this.#partitions.values()].map(({ position }) => statusOf(position)).sort(compareSources);
  }

  async estimate(): Promise<GraphEstimate> {
    this.#assertOpen();
    const edges = new Set<string>();
    for (const node of this.#nodes.values()) {
      for (const { type, from, to } of node.out.values()) edges.add(edgeKeyOf(type, from, to));
    }
    return { nodes: this.#nodes.size, edges: edges.size, relativeError: 0 };
  }

  async digest(): Promise<string> {
    this.#assertOpen();
    return await digestRows(this.#rows());
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new OutageError('STORE_CLOSED', 'The store in memory is closed; open another.');
  }

  #node(ref: NodeRef): MemoryNode {
    const key = keyOf(ref);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node: MemoryNode = {
      ref,
      mentionedMs: -1,
      deletedMs: -1,
      registers: new Map(),
      steps: new Map(),
      out: new Map(),
      in: new Map(),
    };
    this.#nodes.set(key, node);
    return node;
  }

  /** True when a node mutation changed its node. */
  #change({ timeMs, rank, occurrence }: EventMutations, mutation: Mutation): boolean {
    switch (mutation.kind) {
      case 'node': {
        const node = this.#node(mutation.node);
        let changed = timeMs > node.mentionedMs;
        node.mentionedMs = Math.max(node.mentionedMs, timeMs);
        for (const [name, value] of mutation.properties) {
          const write = { value, timeMs, rank };
          const stored = node.registers.get(name);
          if (stored !== undefined && !wins(write, stored)) continue;
          node.registers.set(name, write);
          changed = true;
        }
        return changed;
      }
      case 'edge': {
        const { type, from, to, properties } = mutation;
        const view: OccurrenceView = { type, from, to, timeMs, occurrence, properties };
        const key = JSON.stringify([timeMs, String(occurrence), type, from.type, from.id, to.type, to.id]);
        this.#node(from).out.set(key, view);
        this.#node(to).in.set(key, view);
        return false;
      }
      case 'step': {
        const { kind: _, ...step } = mutation;
        for (const link of step.links) this.#node(link.node);
        this.#node(step.owner).steps.set(`${timeMs} ${occurrence}`, { ...step, timeMs, occurrence });
        return false;
      }
      case 'node-delete': {
        const node = this.#node(mutation.node);
        node.deletedMs = Math.max(node.deletedMs, timeMs);
        return false;
      }
      case 'edge-delete': {
        const { type, from, to } = mutation;
        const key = edgeKeyOf(type, from, to);
        const before = this.#edgeTombstones.get(key)?.timeMs ?? -1;
        this.#edgeTombstones.set(key, { type, from, to, timeMs: Math.max(before, timeMs) });
        return false;
      }
      default:
        return unreachable(mutation);
    }
  }

  #deletedMs(ref: NodeRef): number {
    return this.#nodes.get(keyOf(ref))?.deletedMs ?? -1;
  }

  #withLinks(step: StepView): StepView {
    return { ...step, links: step.links.filter(({ node }) => step.timeMs > this.#deletedMs(node)) };
  }

  #occurrences(query: AdjacencyQuery, other: NodeRef | null): AdjacencyPage {
    const node = this.#nodes.get(keyOf(query.of));
    const deletedMs = node?.deletedMs ?? -1;
    const candidates = [...(node?.[query.direction].values() ?? [])]
      .filter(({ type, timeMs }) => type === query.type && timeMs > deletedMs)
      .filter(({ timeMs }) => timeMs >= query.sinceMs && timeMs < query.untilMs)
      .sort((a, b) => compareOccurrences(query.direction, a, b));
    const occurrences: OccurrenceView[] = [];
    let scanned = 0;
    for (const candidate of candidates) {
      if (occurrences.length >= query.limit || scanned >= query.scanMax) break;
      scanned += 1;
      if (other !== null && keyOf(candidate.to) !== keyOf(other)) continue;
      const { type, from, to, timeMs } = candidate;
      const edgeMs = this.#edgeTombstones.get(edgeKeyOf(type, from, to))?.timeMs ?? -1;
      const ends = { fromMs: this.#deletedMs(from), toMs: this.#deletedMs(to) };
      if (visible(timeMs, { edgeMs, ...ends })) occurrences.push(candidate);
    }
    const truncated = scanned < candidates.length && occurrences.length < query.limit;
    return { occurrences, scanned, truncated };
  }

  async *#rows(): AsyncGenerator<readonly [Buffer, Buffer]> {
    for (const node of this.#nodes.values()) {
      const registers = sortedRegisters(node);
      if (node.mentionedMs >= 0) {
        yield [rows.nodeKey(node.ref), encodeNodeRow(node.mentionedMs, registers)];
      }
      if (node.deletedMs >= 0) yield [rows.tombstoneKey(node.ref), rows.timeBytes(node.deletedMs)];
      for (const step of node.steps.values()) {
        yield [Buffer.concat([rows.stepsPrefix(node.ref), rows.eventKey(step)]), encodeStepValue(step)];
      }
      for (const occurrence of node.out.values()) {
        const { type, from, to, properties } = occurrence;
        const prefix = rows.adjacencyPrefix(from, 'out', type);
        const key = Buffer.concat([prefix, rows.eventKey(occurrence), rows.nodePrefix(to)]);
        yield [key, encodeProperties(properties)];
      }
    }
    for (const { type, from, to, timeMs } of this.#edgeTombstones.values()) {
      yield [rows.edgeTombstoneKey(type, from, to), rows.timeBytes(timeMs)];
    }
  }
}

function keyOf(ref: NodeRef): string {
  return `${ref.type}\0${ref.id}`;
}

function edgeKeyOf(type: string, from: NodeRef, to: NodeRef): string {
  return `${type}\0${keyOf(from)}\0${keyOf(to)}`;
}

function sortedRegisters(node: MemoryNode): ({ name: string } & Register)[] {
  return [...node.registers]
    .map(([name, register]) => ({ name, ...register }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A property is a register: the greatest (event time, source rank, encoded content) wins. */
function wins(write: Register, stored: Register): boolean {
  if (write.timeMs !== stored.timeMs) return write.timeMs > stored.timeMs;
  if (write.rank !== stored.rank) return write.rank > stored.rank;
  return encodeValue(write.value).compare(encodeValue(stored.value)) > 0;
}

/** Newest first; at one event, by the other end, so that every adapter answers in one order. */
function compareOccurrences(way: 'out' | 'in', a: OccurrenceView, b: OccurrenceView): number {
  const other = way === 'out' ? 'to' : 'from';
  return compareTimePositions(b, a) || rows.nodePrefix(a[other]).compare(rows.nodePrefix(b[other]));
}
