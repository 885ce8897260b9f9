import { assert, type Clock, OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { decodeEvents, encodeStepValue } from './codec.ts';
import { digestRows } from './digest.ts';
import { foldEdge } from './fold-edge.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  GraphDigest,
  GraphEstimate,
  GraphSnapshot,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  NodeView,
  OccurrenceView,
  Restorable,
  SourcePartition,
  SourceStatus,
  StepView,
  Swept,
} from './graph-store.ts';
import { logicalRows } from './logical-rows.ts';
import { MemoryBulkReads } from './memory-bulk-reads.ts';
import { edgeKeyOf, expiredEdgeMs, keyOf, MemoryGraph } from './memory-graph.ts';
import { compareOccurrences, isAfter, placeOf } from './memory-occurrences.ts';
import {
  type LineageOrigins,
  lineageOf,
  memoryRows,
  OriginRows,
  RestoredRows,
  rowsInTurn,
} from './memory-snapshot.ts';
import { sweepMemory } from './memory-sweep.ts';
import { compareTimePositions, visible } from './merge.ts';
import type { NodeRef } from './model.ts';
import type { MutationBatch } from './mutation-batch.ts';
import { noLineage } from './node-row.ts';
import {
  advanced,
  claimed,
  compareSources,
  isAsRestored,
  type Partition,
  positionKey,
  positionOf,
  refusal,
  rejectionError,
  statusOf,
} from './position.ts';
import { assertAtOnce } from './reads-at-once.ts';
import { propertiesOf } from './register.ts';
import { newestEventOf, removalMs } from './removal-moment.ts';
import { SweptHorizon } from './swept-horizon.ts';
import {
  Expiry,
  keptForEver,
  type NextTimeToLive,
  type TimeToLive,
  timeToLiveAfter,
} from './time-to-live.ts';
import { isWantedStep } from './wanted-step.ts';

/** The reference: says what the other adapters must do, in the plainest way. Keeps nothing when the process ends. */
export function createMemoryStore(clock: Clock): GraphStore {
  return new MemoryStore(clock);
}

class MemoryStore implements GraphStore {
  readonly guarantee = 'atomic';
  readonly bulk = new MemoryBulkReads(this, (type) =>
    [...this.#graph.nodes.values()].flatMap(({ ref, mentionedMs }) =>
      ref.type === type && mentionedMs >= 0 ? [ref.id] : [],
    ),
  );
  readonly #clock: Clock;
  readonly #graph = new MemoryGraph();
  readonly #partitions = new Map<string, Partition>();
  readonly #origins: LineageOrigins = new WeakMap();
  #timeToLive = keptForEver;
  #swept = new SweptHorizon();
  #closed = false;
  /** Set while the store is being restored, and for good when that failed. */
  #unrestored: StopError | null = null;
  /** The id of the graph that was restored here. */
  #restoredId: string | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

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
    if (error !== null) throw rejectionError(error);
    assert(partition !== undefined, 'a partition without a position is refused');
    let nodeWrites = 0;
    let nodeWritesSuppressed = 0;
    let nodeWritesCoalesced = 0;
    const written = new Set<string>();
    // Decoded before anything is changed: a batch that cannot be read changes nothing.
    for (const event of [...decodeEvents(mutations.take())]) {
      const lineage = lineageOf(event, advance.source, this.#origins);
      for (const mutation of event.mutations) {
        const changed = this.#graph.change(event, mutation, lineage);
        if (mutation.kind !== 'node') continue;
        const key = keyOf(mutation.node);
        if (!changed) nodeWritesSuppressed += 1;
        else if (written.has(key)) nodeWritesCoalesced += 1;
        else nodeWrites += 1;
        if (changed) written.add(key);
      }
    }
    partition.position = advanced(partition.position, advance);
    return { nodeWrites, nodeWritesSuppressed, nodeWritesCoalesced };
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    this.#assertOpen();
    const node = this.#graph.nodes.get(keyOf(ref));
    if (node === undefined) return null;
    const hiddenMs = this.#hiddenMs(ref);
    if (node.mentionedMs > hiddenMs) {
      return { node: ref, properties: propertiesOf(node.registers, hiddenMs), lineage: node.lineage };
    }
    const expiry = this.#expiry();
    const kept = [...node.out.values(), ...node.in.values()].filter(
      (occurrence) => occurrence.timeMs > expiredEdgeMs(occurrence, expiry),
    );
    const [newest] = [...node.steps.values(), ...kept].sort((a, b) => b.timeMs - a.timeMs);
    if (newest === undefined || newest.timeMs <= hiddenMs) return null;
    return { node: ref, properties: [], lineage: newest.lineage };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    this.#assertOpen();
    const { after, limit, scanMax, bytesMax } = query;
    const direction = query.order === 'oldest-first' ? 1 : -1;
    const node = this.#graph.nodes.get(keyOf(query.of));
    const hiddenMs = this.#hiddenMs(query.of);
    const candidates = [...(node?.steps.values() ?? [])]
      .filter(({ timeMs }) => timeMs > hiddenMs && timeMs >= query.sinceMs && timeMs < query.untilMs)
      .sort((a, b) => direction * compareTimePositions(a, b))
      .filter((step) => after === null || direction * compareTimePositions(step, after) > 0);
    const steps: StepView[] = [];
    let scanned = 0;
    let bytes = 0;
    for (const step of candidates) {
      if (steps.length >= limit || scanned >= scanMax || bytes >= bytesMax) break;
      scanned += 1;
      if (!isWantedStep(step, query)) continue;
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

  async nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    assertAtOnce(refs);
    signal?.throwIfAborted();
    return await Promise.all(refs.map((ref) => this.node(ref)));
  }

  async adjacencies(
    queries: readonly AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    assertAtOnce(queries);
    signal?.throwIfAborted();
    return await Promise.all(queries.map((query) => this.adjacency(query)));
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    this.#assertOpen();
    return this.#occurrences(query, null);
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    this.#assertOpen();
    const { occurrences, truncated } = this.#occurrences({ ...query, limit: Number.POSITIVE_INFINITY }, null);
    if (!truncated) return { count: occurrences.length, exact: true };
    const all = { ...query, limit: Number.POSITIVE_INFINITY, scanMax: Number.POSITIVE_INFINITY };
    return { count: this.#occurrences(all, null).scanned, exact: false };
  }

  async edge(wanted: EdgeQuery): Promise<EdgeView | null> {
    this.#assertOpen();
    const { type, from, scanMax } = wanted;
    const query = {
      of: from,
      type,
      direction: 'out',
      sinceMs: 0,
      untilMs: Number.MAX_VALUE,
      limit: Number.POSITIVE_INFINITY,
      scanMax,
    } as const;
    const { occurrences, truncated } = this.#occurrences(query, wanted);
    return foldEdge(occurrences, wanted, truncated);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    this.#assertOpen();
    return [...this.#partitions.values()].map(({ position }) => statusOf(position)).sort(compareSources);
  }

  async estimate(): Promise<GraphEstimate> {
    this.#assertOpen();
    const edges = new Set<string>();
    for (const node of this.#graph.nodes.values()) {
      for (const occurrence of node.out.values()) edges.add(edgeKeyOf(occurrence));
    }
    return { nodes: this.#graph.nodes.size, edges: edges.size, relativeError: 0 };
  }

  async digest(): Promise<GraphDigest> {
    this.#assertOpen();
    const sources = await this.sources();
    const rowsNow = rowsInTurn([
      ...memoryRows(this.#graph.nodes.values(), this.#graph.edgeTombstones.values(), () => noLineage),
    ]);
    return { hex: await digestRows(logicalRows(rowsNow, this.#expiry())), sources };
  }

  async snapshot(): Promise<GraphSnapshot> {
    this.#assertOpen();
    const origins = new OriginRows(this.#origins);
    const graph = [
      ...memoryRows(this.#graph.nodes.values(), this.#graph.edgeTombstones.values(), (one) =>
        origins.encode(one),
      ),
    ];
    return {
      sources: await this.sources(),
      timeToLive: this.#timeToLive,
      rows: () => rowsInTurn([...origins.rows, ...graph]),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async restore(snapshot: Restorable): Promise<void> {
    this.#assertOpen();
    if (isAsRestored(this.#restoredId, await this.sources(), snapshot)) return;
    if (this.#graph.nodes.size > 0 || this.#graph.edgeTombstones.size > 0 || this.#partitions.size > 0) {
      throw new RefusedError(
        'STORE_NOT_EMPTY',
        'There is a graph in the store in memory already; restore into another.',
      );
    }
    this.#unrestored = new StopError(
      'STORE_RESTORE_INCOMPLETE',
      'The store in memory was being restored and is not complete; restore into another.',
    );
    const restored = new RestoredRows(this.#origins);
    for await (const row of snapshot.rows()) this.#graph.put(restored.read(row));
    for (const status of snapshot.sources) {
      this.#partitions.set(positionKey(status.source), { position: positionOf(status), claimed: false });
    }
    this.#swept = new SweptHorizon(snapshot.timeToLive.swept);
    this.#timeToLive = snapshot.timeToLive;
    this.#restoredId = snapshot.id ?? null;
    this.#unrestored = null;
  }

  async setTimeToLive(next: NextTimeToLive): Promise<void> {
    this.#assertOpen();
    this.#timeToLive = this.#swept.with(timeToLiveAfter(this.#timeToLive, next));
  }

  timeToLive(): TimeToLive {
    return this.#timeToLive;
  }

  /** In one go, whatever `rowsMax` is: nothing here is worth a cursor. */
  async sweep(): Promise<Swept> {
    this.#assertOpen();
    const positions = [...this.#partitions.values()].map(({ position }) => position);
    const nowMs = removalMs(this.#clock.now(), newestEventOf(positions));
    const expiry = new Expiry(this.#timeToLive, nowMs);
    const { isRaised, ...swept } = sweepMemory(this.#graph, expiry, this.#swept);
    if (isRaised) this.#timeToLive = this.#swept.with(this.#timeToLive);
    return swept;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new OutageError('STORE_CLOSED', 'The store in memory is closed; open another.');
    if (this.#unrestored !== null) throw this.#unrestored;
  }

  #expiry(): Expiry {
    return new Expiry(this.#timeToLive, this.#clock.now());
  }

  /** Up to which event time everything of the node is hidden. */
  #hiddenMs(ref: NodeRef): number {
    return Math.max(this.#graph.nodes.get(keyOf(ref))?.deletedMs ?? -1, this.#expiry().ofNode(ref.type));
  }

  #withLinks(step: StepView): StepView {
    return { ...step, links: step.links.filter(({ node }) => step.timeMs > this.#hiddenMs(node)) };
  }

  #occurrences(query: AdjacencyQuery, edge: EdgeQuery | null): AdjacencyPage {
    const node = this.#graph.nodes.get(keyOf(query.of));
    const hiddenMs = Math.max(this.#hiddenMs(query.of), this.#expiry().ofEdge(query.type));
    const candidates = [...(node?.[query.direction].values() ?? [])]
      .filter(({ type, timeMs }) => type === query.type && timeMs > hiddenMs)
      .filter(({ timeMs }) => timeMs >= query.sinceMs && timeMs < query.untilMs)
      .sort((a, b) => compareOccurrences(query.direction, a, b))
      .filter(isAfter(query));
    const occurrences: OccurrenceView[] = [];
    let scanned = 0;
    for (const candidate of candidates) {
      if (occurrences.length >= query.limit || scanned >= query.scanMax) break;
      scanned += 1;
      if (edge !== null && keyOf(candidate.to) !== keyOf(edge.to)) continue;
      if (edge !== null && edge.key !== null && candidate.key !== edge.key) continue;
      const { from, to, timeMs } = candidate;
      const edgeMs = this.#graph.edgeTombstones.get(edgeKeyOf(candidate))?.timeMs ?? -1;
      const ends = { fromMs: this.#hiddenMs(from), toMs: this.#hiddenMs(to) };
      if (!visible(timeMs, { edgeMs, ...ends })) continue;
      const { endsOnly } = query;
      occurrences.push(endsOnly === true ? { ...candidate, properties: [], lineage: null } : candidate);
    }
    const truncated = scanned < candidates.length && occurrences.length < query.limit;
    const last = candidates[scanned - 1];
    return { occurrences, scanned, truncated, last: last === undefined ? null : placeOf(query, last) };
  }
}
