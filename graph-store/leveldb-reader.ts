import type { Snapshot } from 'classic-level';
import { ByteReader, decodeStepValue } from './codec.ts';
import { type DeletedTypes, decodeDeletedTypes, nothingDeleted } from './deleted-types.ts';
import { digestRows } from './digest.ts';
import { foldEdge } from './fold-edge.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  GraphDigest,
  GraphEstimate,
  JourneyPage,
  JourneyQuery,
  Lineage,
  NodeView,
  OccurrenceView,
  SourceStatus,
  StepView,
  TimePosition,
} from './graph-store.ts';
import { HyperLogLog, relativeError } from './hyperloglog.ts';
import { type Occurrence, scanDegree } from './leveldb-degree.ts';
import type { Level } from './leveldb-group.ts';
import { decodeOrigin, type OriginRow, originKey, readLineage, withoutLineage } from './lineage.ts';
import { logicalRows } from './logical-rows.ts';
import { visible } from './merge.ts';
import type { NodeRef } from './model.ts';
import { decodeNodeRow } from './node-row.ts';
import { eventKeyBytes } from './packed-format.ts';
import { compareSources, decodePosition, statusOf } from './position.ts';
import { propertiesOf } from './register.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';
import { isWantedStep } from './wanted-step.ts';

/** Rows asked for at once; and how many bytes one answer from LevelDB's thread may hold. */
const chunkRowsMax = 1024;
const chunkBytesMax = 256 * 1024;

/** Edges to ends that are kept no longer which one look at a node passes over. Sweeping removes them, so there are seldom many. */
const expiredTouchesMax = 4_096;

type Entry = [key: Buffer, value: Buffer];

/** Something that happened at a node; without a value when it is not known what. */
interface Touch {
  readonly timeMs: number;
  readonly value: Buffer | null;
}

export interface ExpiredRows {
  readonly rows: readonly { readonly key: Buffer; readonly hiddenMs: number }[];
  readonly scanned: number;
  /** Null when there are no rows behind these. */
  readonly next: Buffer | null;
}

/**
 * All reads, on the thread of whoever asks: they share the database with the writer's thread but never wait for it. Each read
 * looks at one snapshot, so it sees whole groups only.
 */
export class LevelReader {
  readonly #db: Level;
  readonly #expiry: () => Expiry;
  /** Bounded by `originsMax` of the writer. */
  readonly #origins = new Map<number, OriginRow>();
  /** As read last, and what it says: it changes a few times in a store's life. */
  #deletedRow: Buffer | null = null;
  #deleted: DeletedTypes = nothingDeleted;

  /** `expiry` answers for the moment at which it is called. */
  constructor(db: Level, expiry: () => Expiry) {
    this.#db = db;
    this.#expiry = expiry;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    await using snapshot = this.#db.snapshot();
    return await this.#node(ref, snapshot);
  }

  async nodes(refs: readonly NodeRef[]): Promise<readonly (NodeView | null)[]> {
    await using snapshot = this.#db.snapshot();
    const found: (NodeView | null)[] = [];
    for (const ref of refs) found.push(await this.#node(ref, snapshot));
    return found;
  }

  async adjacencies(queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    await using snapshot = this.#db.snapshot();
    const pages: AdjacencyPage[] = [];
    for (const query of queries) pages.push(await this.#occurrences(query, null, snapshot));
    return pages;
  }

  async #node(ref: NodeRef, snapshot: Snapshot): Promise<NodeView | null> {
    const hiddenMs = this.#hiddenMs(ref, snapshot);
    const stored = this.#db.getSync(rows.nodeKey(ref), { snapshot });
    const row = stored === undefined ? null : decodeNodeRow(stored);
    if (row !== null && row.mentionedMs > hiddenMs) {
      const lineage = this.#lineage(new ByteReader(stored ?? row.lineage, rows.timeLength));
      return { node: ref, properties: propertiesOf(row.registers, hiddenMs), lineage };
    }
    const newest = await this.#newestTouch(ref, hiddenMs, snapshot);
    if (newest === null || newest.timeMs <= hiddenMs) return null;
    const lineage = newest.value === null ? null : this.#lineage(new ByteReader(newest.value));
    return { node: ref, properties: [], lineage };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    await using snapshot = this.#db.snapshot();
    const hiddenMs = this.#hiddenMs(query.of, snapshot);
    const prefix = rows.stepsPrefix(query.of);
    const range = rows.timeRange(prefix, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
    const steps: StepView[] = [];
    let scanned = 0;
    let bytes = 0;
    let last: TimePosition | null = null;
    let more = false;
    const chunks =
      range === null ? [] : this.#chunks(journeyRange(query, prefix, range), query.limit + 1, snapshot);
    scan: for await (const entries of chunks) {
      for (const [key, value] of entries) {
        more = steps.length >= query.limit || scanned >= query.scanMax || bytes >= query.bytesMax;
        if (more) break scan;
        scanned += 1;
        last = new ByteReader(key, prefix.length).eventKey();
        const reader = new ByteReader(value);
        const lineage = this.#lineage(reader);
        const step = decodeStepValue(reader);
        if (!isWantedStep(step, query)) continue;
        steps.push({ owner: query.of, ...last, ...step, lineage });
        // Without the lineage: the same graph has the same pages.
        bytes += withoutLineage(value).length;
      }
    }
    return {
      steps: await this.#withoutDeletedLinks(steps, snapshot),
      scanned,
      more,
      truncated: more && steps.length < query.limit,
      last,
    };
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    await using snapshot = this.#db.snapshot();
    return await this.#occurrences(query, null, snapshot);
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    await using snapshot = this.#db.snapshot();
    const hiddenMs = Math.max(this.#hiddenMs(query.of, snapshot), this.#expiry().ofEdge(query.type));
    return await scanDegree(this.#db, snapshot, query, hiddenMs, (occurrences) =>
      this.#visible(occurrences, query.direction, snapshot),
    );
  }

  async edge(wanted: EdgeQuery): Promise<EdgeView | null> {
    await using snapshot = this.#db.snapshot();
    const { type, from, scanMax } = wanted;
    const query = {
      of: from,
      type,
      direction: 'out',
      sinceMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      limit: scanMax,
      scanMax,
    } as const;
    const page = await this.#occurrences(query, wanted, snapshot);
    return foldEdge(page.occurrences, wanted, page.truncated);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    await using snapshot = this.#db.snapshot();
    return await this.#sources(snapshot);
  }

  async estimate(): Promise<GraphEstimate> {
    const [nodes, edges] = await this.#db.getMany([rows.metaKey.nodeEstimate, rows.metaKey.edgeEstimate]);
    return {
      nodes: new HyperLogLog(nodes).estimate(),
      edges: new HyperLogLog(edges).estimate(),
      relativeError,
    };
  }

  async digest(expiry: Expiry): Promise<GraphDigest> {
    await using snapshot = this.#db.snapshot();
    const sources = await this.#sources(snapshot);
    return { hex: await digestRows(logicalRows(this.#graphRows(snapshot), expiry)), sources };
  }

  /** The rows that time to live hides, among the next `rowsMax`. */
  async expired(after: Uint8Array | null, rowsMax: number): Promise<ExpiredRows> {
    const expiry = this.#expiry();
    const gte = after === null ? rows.graphRange.gte : Buffer.concat([after, Buffer.of(0)]);
    const found: { key: Buffer; hiddenMs: number }[] = [];
    let scanned = 0;
    await using snapshot = this.#db.snapshot();
    for await (const [key, value] of this.#scan(
      { gte, lt: rows.graphRange.lt, reverse: false },
      rowsMax,
      snapshot,
    )) {
      scanned += 1;
      const hiddenMs = rows.expiredAt(key, value, expiry);
      if (hiddenMs !== null) found.push({ key, hiddenMs });
      if (scanned >= rowsMax) return { rows: found, scanned, next: key };
    }
    return { rows: found, scanned, next: null };
  }

  /** Every row of the graph but the reverse ones, which repeat the forward ones. */
  async *#graphRows(snapshot: Snapshot): AsyncGenerator<Entry> {
    for await (const entry of this.#scan({ ...rows.graphRange, reverse: false }, chunkRowsMax, snapshot)) {
      if (rows.rowKindOf(entry[0]) !== rows.rowKind.in) yield entry;
    }
  }

  async #sources(snapshot: Snapshot): Promise<readonly SourceStatus[]> {
    const found: SourceStatus[] = [];
    for (const [, value] of await this.#db.iterator({ ...rows.positionRange, snapshot }).all()) {
      found.push(statusOf(decodePosition(value)));
    }
    return found.sort(compareSources);
  }

  async #occurrences(
    query: AdjacencyQuery,
    edge: EdgeQuery | null,
    snapshot: Snapshot,
  ): Promise<AdjacencyPage> {
    const expiry = this.#expiry();
    const hiddenMs = Math.max(this.#hiddenMs(query.of, snapshot), expiry.ofEdge(query.type));
    const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
    const range = rows.timeRange(prefix, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
    const found: OccurrenceView[] = [];
    if (range === null) return { occurrences: found, scanned: 0, truncated: false };
    const wanted = edge === null ? null : rows.otherEndMatcher(edge);
    let scanned = 0;
    let waiting: Entry[] = [];
    const flush = async (): Promise<void> => {
      const candidates = waiting.map((entry) => this.#occurrenceOf(query, prefix.length, entry));
      for (const occurrence of await this.#visible(candidates, query.direction, snapshot)) {
        if (found.length < query.limit) found.push(occurrence);
      }
      waiting = [];
    };
    let truncated = false;
    scan: for await (const entries of this.#chunks({ ...range, reverse: false }, query.limit, snapshot)) {
      for (const entry of entries) {
        truncated = scanned >= query.scanMax;
        if (truncated) break scan;
        scanned += 1;
        if (wanted !== null && !wanted(entry[0].subarray(prefix.length + eventKeyBytes))) continue;
        waiting.push(entry);
        if (waiting.length >= Math.min(chunkRowsMax, query.limit - found.length)) await flush();
        if (found.length >= query.limit) break scan;
      }
    }
    await flush();
    return { occurrences: found, scanned, truncated };
  }

  /** Leaves out occurrences hidden by their edge's tombstone or the other end's; the own end bounded the range. */
  async #visible<T extends Occurrence>(
    occurrences: readonly T[],
    way: 'out' | 'in',
    snapshot: Snapshot,
  ): Promise<T[]> {
    const deleted = this.#deletedTypes(snapshot);
    const keys = occurrences.flatMap(({ type, from, to, key }) => {
      const other = way === 'out' ? to : from;
      return [
        deleted.nodes.has(other.type) ? rows.tombstoneKey(other) : null,
        deleted.edges.has(type) ? rows.edgeTombstoneKey(type, from, to, key) : null,
      ];
    });
    const expiry = this.#expiry();
    const tombstones = await this.#tombstones(keys, snapshot);
    return occurrences.filter(({ timeMs, from, to }, i) => {
      const toMs = Math.max(tombstones[i * 2] ?? -1, expiry.ofNode((way === 'out' ? to : from).type));
      return visible(timeMs, { edgeMs: tombstones[i * 2 + 1] ?? -1, toMs, fromMs: -1 });
    });
  }

  async #withoutDeletedLinks(steps: StepView[], snapshot: Snapshot): Promise<StepView[]> {
    const deleted = this.#deletedTypes(snapshot);
    const keys = steps.flatMap(({ links }) =>
      links.map(({ node }) => (deleted.nodes.has(node.type) ? rows.tombstoneKey(node) : null)),
    );
    const expiry = this.#expiry();
    const tombstones = await this.#tombstones(keys, snapshot);
    let next = 0;
    return steps.map((step) => ({
      ...step,
      links: step.links.filter(
        ({ node }) => step.timeMs > Math.max(tombstones[next++] ?? -1, expiry.ofNode(node.type)),
      ),
    }));
  }

  /** -1 where there is none, and for a null: a key that there cannot be. */
  async #tombstones(keys: readonly (Buffer | null)[], snapshot: Snapshot): Promise<number[]> {
    const asked = keys.filter((key) => key !== null);
    if (asked.length === 0) return keys.map(() => -1);
    const found = (await this.#db.getMany(asked, { snapshot })).map(rows.decodeTime);
    let next = 0;
    return keys.map((key) => (key === null ? -1 : (found[next++] ?? -1)));
  }

  #deletedTypes(snapshot: Snapshot): DeletedTypes {
    const stored = this.#db.getSync(rows.metaKey.deletedTypes, { snapshot });
    if (stored === undefined) return nothingDeleted;
    if (this.#deletedRow?.equals(stored) !== true) {
      this.#deletedRow = stored;
      this.#deleted = decodeDeletedTypes(stored);
    }
    return this.#deleted;
  }

  /** Up to which event time everything of the node is hidden: it was deleted then, or is kept no longer. */
  #hiddenMs(ref: NodeRef, snapshot: Snapshot): number {
    const deletedMs = rows.decodeTime(this.#db.getSync(rows.tombstoneKey(ref), { snapshot }));
    return Math.max(deletedMs, this.#expiry().ofNode(ref.type));
  }

  #lineage(reader: ByteReader): Lineage | null {
    return readLineage(reader, (id) => {
      const known = this.#origins.get(id);
      if (known !== undefined) return known;
      const stored = this.#db.getSync(originKey(id));
      if (stored === undefined) return null;
      const origin = decodeOrigin(stored);
      this.#origins.set(id, origin);
      return origin;
    });
  }

  #occurrenceOf(query: AdjacencyQuery, keyAt: number, [key, value]: Entry): OccurrenceView {
    const reader = new ByteReader(key, keyAt);
    const { timeMs, occurrence } = reader.eventKey();
    const other = reader.nodeName();
    const edgeKey = key.toString('utf8', reader.at);
    const out = query.direction === 'out';
    const content = new ByteReader(value);
    const lineage = this.#lineage(content);
    return {
      type: query.type,
      from: out ? query.of : other,
      to: out ? other : query.of,
      key: edgeKey === '' ? null : edgeKey,
      timeMs,
      occurrence,
      properties: content.properties(),
      lineage,
    };
  }

  /**
   * The newest step or occurrence at this node that is kept; null without any. The newest of each kind comes first in key order.
   *
   * Occurrences that are hidden because their other end is kept no longer are passed over, but only `expiredTouchesMax` of them until
   * they are swept. What lies behind is not looked at: the node was mentioned and may have been since, so it counts as
   * there, and of a touch that was not found by then nobody says where it came from. To answer that it is not there could hide what is.
   */
  async #newestTouch(ref: NodeRef, hiddenMs: number, snapshot: Snapshot): Promise<Touch | null> {
    const expiry = this.#expiry();
    const prefix = rows.nodePrefix(ref);
    let newest: Touch | null = null;
    let passed = 0;
    const kindRange = (kind: number): { gte: Buffer; lt: Buffer } => ({
      gte: Buffer.concat([prefix, Buffer.of(kind)]),
      lt: Buffer.concat([prefix, Buffer.of(kind + 1)]),
    });
    const steps = kindRange(rows.rowKind.step);
    for await (const [key, value] of this.#scan({ ...steps, reverse: false }, 1, snapshot)) {
      newest = { timeMs: new ByteReader(key, steps.gte.length).eventKey().timeMs, value };
      break;
    }
    for (const kind of [rows.rowKind.out, rows.rowKind.in]) {
      const range = kindRange(kind);
      const kindAt = range.gte.length;
      let from: Buffer | null = range.gte;
      // One round an edge type: there are as many as the graph schema has types at this node.
      while (from !== null) {
        let typeEnd: number | null = null;
        for await (const [key, value] of this.#scan(
          { gte: from, lt: range.lt, reverse: false },
          1,
          snapshot,
        )) {
          const end = key.indexOf(0, kindAt) + 1;
          typeEnd ??= end;
          if (end !== typeEnd) break;
          from = key.subarray(0, typeEnd);
          const { timeMs } = new ByteReader(key, typeEnd).eventKey();
          const ofEdgeMs = expiry.ofEdge(key.toString('latin1', kindAt, typeEnd - 1));
          if (timeMs <= Math.max(hiddenMs, ofEdgeMs, newest?.timeMs ?? -1)) break;
          // An edge to a type that is kept no longer mentions nobody any more: an older one of the same type may.
          if (rows.expiredAt(key, value, expiry) !== null) {
            passed += 1;
            if (passed > expiredTouchesMax) return newest ?? { timeMs, value: null };
            continue;
          }
          newest = { timeMs, value };
          break;
        }
        if (typeEnd === null) break;
        const next: Buffer = Buffer.from(from.subarray(0, typeEnd));
        next[typeEnd - 1] = 1;
        from = next;
      }
    }
    return newest;
  }

  async *#scan(
    range: { gte: Buffer; lt: Buffer; reverse: boolean },
    rowsWanted: number,
    snapshot: Snapshot,
  ): AsyncGenerator<Entry> {
    for await (const entries of this.#chunks(range, rowsWanted, snapshot)) yield* entries;
  }

  /** A turn of the event loop for each row would cost about as much as the row. */
  async *#chunks(
    range: { gte: Buffer; lt: Buffer; reverse: boolean },
    rowsWanted: number,
    snapshot: Snapshot,
  ): AsyncGenerator<readonly Entry[]> {
    await using iterator = this.#db.iterator({ ...range, snapshot, highWaterMarkBytes: chunkBytesMax });
    for (let size = Math.min(rowsWanted, chunkRowsMax); ; size = chunkRowsMax) {
      const entries = await iterator.nextv(size);
      if (entries.length === 0) return;
      yield entries;
    }
  }
}

function journeyRange(
  query: JourneyQuery,
  prefix: Buffer,
  range: { gte: Buffer; lt: Buffer },
): { gte: Buffer; lt: Buffer; reverse: boolean } {
  const reverse = query.order === 'oldest-first';
  if (query.after === null) return { ...range, reverse };
  const after = Buffer.concat([prefix, rows.eventKey(query.after)]);
  if (reverse) return { gte: range.gte, lt: after.compare(range.lt) < 0 ? after : range.lt, reverse };
  const next = Buffer.concat([after, Buffer.of(0)]);
  return { gte: next.compare(range.gte) > 0 ? next : range.gte, lt: range.lt, reverse };
}
