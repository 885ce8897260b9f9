import type { Snapshot } from 'classic-level';
import { ByteReader, decodeStepValue } from './codec.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  EdgeView,
  GraphEstimate,
  JourneyPage,
  JourneyQuery,
  NodeView,
  OccurrenceView,
  SourceStatus,
  StepView,
  TimePosition,
} from './graph-store.ts';
import { HyperLogLog, relativeError } from './hyperloglog.ts';
import type { Level } from './leveldb-group.ts';
import { foldEdge, visible } from './merge.ts';
import type { NodeRef } from './model.ts';
import { decodeNodeRow } from './node-row.ts';
import { eventKeyBytes } from './packed-format.ts';
import { compareSources, decodePosition, statusOf } from './position.ts';
import * as rows from './rows.ts';

/** Rows asked for at once; and how many bytes one answer from LevelDB's thread may hold. */
const chunkRowsMax = 256;
const chunkBytesMax = 256 * 1024;

type Entry = [key: Buffer, value: Buffer];

/**
 * All reads, on the thread of whoever asks: they share the database with the writer's thread but never wait for it. Each read
 * looks at one snapshot, so it sees whole groups only.
 */
export class LevelReader {
  readonly #db: Level;

  constructor(db: Level) {
    this.#db = db;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    await using snapshot = this.#db.snapshot();
    const deletedMs = this.#tombstone(rows.tombstoneKey(ref), snapshot);
    const row = this.#db.getSync(rows.nodeKey(ref), { snapshot });
    const state = row === undefined ? { mentionedMs: -1, registers: [] } : decodeNodeRow(row);
    if (state.mentionedMs <= deletedMs && !(await this.#touchedSince(ref, deletedMs, snapshot))) return null;
    return {
      node: ref,
      properties: state.registers
        .filter(({ timeMs }) => timeMs > deletedMs)
        .map(({ name, value, timeMs }) => ({ name, value, timeMs })),
    };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    await using snapshot = this.#db.snapshot();
    const deletedMs = this.#tombstone(rows.tombstoneKey(query.of), snapshot);
    const prefix = rows.stepsPrefix(query.of);
    const range = rows.timeRange(prefix, Math.max(query.sinceMs, deletedMs + 1), query.untilMs);
    const steps: StepView[] = [];
    let scanned = 0;
    let bytes = 0;
    let last: TimePosition | null = null;
    let more = false;
    const domains = query.domains === null ? null : new Set(query.domains);
    const entries =
      range === null ? [] : this.#scan(journeyRange(query, prefix, range), query.limit + 1, snapshot);
    for await (const [key, value] of entries) {
      more = steps.length >= query.limit || scanned >= query.scanMax || bytes >= query.bytesMax;
      if (more) break;
      scanned += 1;
      last = new ByteReader(key, prefix.length).eventKey();
      const step = decodeStepValue(value);
      if (domains !== null && !domains.has(step.domain)) continue;
      steps.push({ owner: query.of, ...last, ...step });
      bytes += value.length;
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

  async edge(type: string, from: NodeRef, to: NodeRef, scanMax: number): Promise<EdgeView | null> {
    await using snapshot = this.#db.snapshot();
    const query = {
      of: from,
      type,
      direction: 'out',
      sinceMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      limit: scanMax,
      scanMax,
    } as const;
    const page = await this.#occurrences(query, to, snapshot);
    return foldEdge(page.occurrences, page.truncated);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    const found: SourceStatus[] = [];
    for (const [, value] of await this.#db.iterator({ ...rows.positionRange }).all()) {
      found.push(statusOf(decodePosition(value)));
    }
    return found.sort(compareSources);
  }

  async estimate(): Promise<GraphEstimate> {
    const [nodes, edges] = await this.#db.getMany([rows.metaKey.nodeEstimate, rows.metaKey.edgeEstimate]);
    return {
      nodes: new HyperLogLog(nodes).estimate(),
      edges: new HyperLogLog(edges).estimate(),
      relativeError,
    };
  }

  /** Every row of the graph but the reverse ones, which repeat the forward ones. */
  async *graphRows(): AsyncGenerator<Entry> {
    await using snapshot = this.#db.snapshot();
    for await (const entry of this.#scan({ ...rows.graphRange, reverse: false }, chunkRowsMax, snapshot)) {
      if (rows.rowKindOf(entry[0]) !== rows.rowKind.in) yield entry;
    }
  }

  async #occurrences(
    query: AdjacencyQuery,
    other: NodeRef | null,
    snapshot: Snapshot,
  ): Promise<AdjacencyPage> {
    const deletedMs = this.#tombstone(rows.tombstoneKey(query.of), snapshot);
    const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
    const range = rows.timeRange(prefix, Math.max(query.sinceMs, deletedMs + 1), query.untilMs);
    const found: OccurrenceView[] = [];
    if (range === null) return { occurrences: found, scanned: 0, truncated: false };
    const wanted = other === null ? null : rows.nodePrefix(other);
    let scanned = 0;
    let waiting: Entry[] = [];
    const flush = async (): Promise<void> => {
      const candidates = waiting.map((entry) => occurrenceOf(query, prefix.length, entry));
      for (const occurrence of await this.#visible(candidates, query.direction, snapshot)) {
        if (found.length < query.limit) found.push(occurrence);
      }
      waiting = [];
    };
    let truncated = false;
    for await (const entry of this.#scan({ ...range, reverse: false }, query.limit, snapshot)) {
      truncated = scanned >= query.scanMax;
      if (truncated) break;
      scanned += 1;
      if (wanted !== null && !entry[0].subarray(prefix.length + eventKeyBytes).equals(wanted)) continue;
      waiting.push(entry);
      if (waiting.length >= Math.min(chunkRowsMax, query.limit - found.length)) await flush();
      if (found.length >= query.limit) break;
    }
    await flush();
    return { occurrences: found, scanned, truncated };
  }

  /** Leaves out occurrences hidden by their edge's tombstone or the other end's; the own end bounded the range. */
  async #visible(
    occurrences: readonly OccurrenceView[],
    way: 'out' | 'in',
    snapshot: Snapshot,
  ): Promise<OccurrenceView[]> {
    const keys = occurrences.flatMap(({ type, from, to }) => [
      rows.tombstoneKey(way === 'out' ? to : from),
      rows.edgeTombstoneKey(type, from, to),
    ]);
    const tombstones = await this.#tombstones(keys, snapshot);
    return occurrences.filter(({ timeMs }, i) =>
      visible(timeMs, { edgeMs: tombstones[i * 2 + 1] ?? -1, toMs: tombstones[i * 2] ?? -1, fromMs: -1 }),
    );
  }

  async #withoutDeletedLinks(steps: StepView[], snapshot: Snapshot): Promise<StepView[]> {
    const keys = steps.flatMap(({ links }) => links.map(({ node }) => rows.tombstoneKey(node)));
    const tombstones = await this.#tombstones(keys, snapshot);
    if (tombstones.every((timeMs) => timeMs < 0)) return steps;
    let next = 0;
    return steps.map((step) => ({
      ...step,
      links: step.links.filter(() => step.timeMs > (tombstones[next++] ?? -1)),
    }));
  }

  async #tombstones(keys: Buffer[], snapshot: Snapshot): Promise<number[]> {
    if (keys.length === 0) return [];
    return (await this.#db.getMany(keys, { snapshot })).map(rows.decodeTime);
  }

  #tombstone(key: Buffer, snapshot: Snapshot): number {
    return rows.decodeTime(this.#db.getSync(key, { snapshot }));
  }

  /** Does a step or an occurrence at this node exist that is newer? Its newest of each kind comes first in key order. */
  async #touchedSince(ref: NodeRef, deletedMs: number, snapshot: Snapshot): Promise<boolean> {
    const prefix = rows.nodePrefix(ref);
    const newest = async (gte: Buffer, lt: Buffer): Promise<Buffer | undefined> =>
      (await this.#db.keys({ gte, lt, limit: 1, snapshot }).all())[0];
    const kindRange = (kind: number): [Buffer, Buffer] => [
      Buffer.concat([prefix, Buffer.of(kind)]),
      Buffer.concat([prefix, Buffer.of(kind + 1)]),
    ];
    const [stepsStart, stepsEnd] = kindRange(rows.rowKind.step);
    const step = await newest(stepsStart, stepsEnd);
    if (step !== undefined && new ByteReader(step, stepsStart.length).eventKey().timeMs > deletedMs)
      return true;
    for (const kind of [rows.rowKind.out, rows.rowKind.in]) {
      let [start] = kindRange(kind);
      const [kindStart, end] = kindRange(kind);
      for (;;) {
        const key = await newest(start, end);
        if (key === undefined) break;
        const typeEnd = key.indexOf(0, kindStart.length) + 1;
        if (new ByteReader(key, typeEnd).eventKey().timeMs > deletedMs) return true;
        // The next edge type: there are as many rounds as the graph schema has types at this node.
        start = Buffer.from(key.subarray(0, typeEnd));
        start[typeEnd - 1] = 1;
      }
    }
    return false;
  }

  async *#scan(
    range: { gte: Buffer; lt: Buffer; reverse: boolean },
    rowsWanted: number,
    snapshot: Snapshot,
  ): AsyncGenerator<Entry> {
    await using iterator = this.#db.iterator({ ...range, snapshot, highWaterMarkBytes: chunkBytesMax });
    for (let size = Math.min(rowsWanted, chunkRowsMax); ; size = chunkRowsMax) {
      const entries = await iterator.nextv(size);
      if (entries.length === 0) return;
      yield* entries;
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

function occurrenceOf(query: AdjacencyQuery, keyAt: number, [key, value]: Entry): OccurrenceView {
  const reader = new ByteReader(key, keyAt);
  const { timeMs, occurrence } = reader.eventKey();
  const other = reader.prefix();
  const out = query.direction === 'out';
  return {
    type: query.type,
    from: out ? query.of : other,
    to: out ? other : query.of,
    timeMs,
    occurrence,
    properties: new ByteReader(value).properties(),
  };
}
