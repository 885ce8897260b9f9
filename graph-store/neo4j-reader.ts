import { must } from '../foundation/index.ts';
import type { FarEndsPage, FarEndsQuery, NodeScanPage, NodeScanQuery } from './bulk-reads.ts';
import { ByteReader, decodeStepValue } from './codec.ts';
import { foldEdge } from './fold-edge.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
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
import { type OriginRow, readLineage, withoutLineage } from './lineage.ts';
import { visible } from './merge.ts';
import type { NodeRef } from './model.ts';
import type { Neo4jConnection, Queries } from './neo4j-connection.ts';
import { edgePlace, type KeyRange, type Neo4jKeys, quoted, timeRangeBehind } from './neo4j-keys.ts';
import { newestTouch } from './neo4j-newest-touch.ts';
import type { Neo4jOrigins } from './neo4j-origins.ts';
import { readPositions } from './neo4j-positions.ts';
import { type Candidate, occurrencesAt, scan, stepsText } from './neo4j-scan.ts';
import { bytesOf, integerOf, textOf, timeOf } from './neo4j-values.ts';
import { decodeNodeRow } from './node-row.ts';
import { compareSources, statusOf } from './position.ts';
import { propertiesOf } from './register.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** Occurrences whose tombstones are looked up at once. */
const chunkRowsMax = 256;

type OriginOf = (id: number) => OriginRow | null;

/** All reads, each in one transaction. What Neo4j promises within it is "read committed"; what the connection adds is in `neo4j-commit-gate.ts`. */
export class Neo4jReader {
  readonly #connection: Neo4jConnection;
  readonly #keys: Neo4jKeys;
  readonly #origins: Neo4jOrigins;
  readonly #expiry: () => Expiry;

  /** `expiry` answers for the moment at which it is called. */
  constructor(connection: Neo4jConnection, keys: Neo4jKeys, origins: Neo4jOrigins, expiry: () => Expiry) {
    this.#connection = connection;
    this.#keys = keys;
    this.#origins = origins;
    this.#expiry = expiry;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    return await this.#connection.read((queries) => this.#node(queries, ref));
  }

  async nodes(refs: readonly NodeRef[]): Promise<readonly (NodeView | null)[]> {
    return await this.#connection.read(async (queries) => {
      const found: (NodeView | null)[] = [];
      for (const ref of refs) found.push(await this.#node(queries, ref));
      return found;
    });
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    return await this.#connection.read((queries) => this.#journey(queries, query));
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    return await this.#connection.read((queries) => this.#occurrences(queries, query, null));
  }

  async adjacencies(asked: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    return await this.#connection.read(async (queries) => {
      const pages: AdjacencyPage[] = [];
      for (const query of asked) pages.push(await this.#occurrences(queries, query, null));
      return pages;
    });
  }

  async farEnds({ keep, after, scanMax, farType, ...query }: FarEndsQuery): Promise<FarEndsPage> {
    return await this.#connection.read(async (queries) => {
      const expiry = this.#expiry();
      const stored = await this.#storedNode(queries, query.of);
      const ownMs = Math.max(stored.deletedMs, expiry.ofNode(query.of.type), expiry.ofEdge(query.type));
      const start = `${this.#keys.node(query.of)}\0${edgePlace(query.type).infix}`;
      const range = timeRangeBehind(start, Math.max(query.sinceMs, ownMs + 1), query.untilMs);
      if (range === null) return { ids: [], scanned: 0, next: null };
      // A cursor lies within its query's times, unless these have moved on: then what is hidden since stays out.
      const from = after === null ? '' : `${start}${Buffer.from(after).toString('latin1')}\0`;
      const gte = [from, range.gte].sort().at(-1) ?? range.gte;
      const found: Candidate[] = [];
      for await (const candidate of occurrencesAt(
        queries,
        query,
        { gte, lt: range.lt },
        scanMax + 1,
        start,
      )) {
        found.push(candidate);
        if (found.length > scanMax) break;
      }
      const page = found.slice(0, scanMax);
      const kept = page.filter(
        ({ other, value }) =>
          other.type === farType && (keep?.(new ByteReader(withoutLineage(value)).properties()) ?? true),
      );
      const visibles = await this.#visible(queries, { ...query, limit: scanMax, scanMax }, kept, expiry);
      const next = found.length > scanMax ? (page.at(-1)?.bytes ?? null) : null;
      return { ids: visibles.map(({ other }) => other.id), scanned: page.length, next };
    });
  }

  /** By id, which is no order of chance. */
  async scan({ type, after, limit }: NodeScanQuery): Promise<NodeScanPage> {
    const start = this.#keys.typeStart(type);
    const gte = after === null ? start : `${start}${Buffer.from(after).toString()}\0`;
    const found = await this.#connection.read((queries) =>
      queries.run(
        `MATCH (n:JgNode) WHERE n.jgKey >= $gte AND n.jgKey < $lt AND n.jgRow IS NOT NULL
         RETURN n.jgKey ORDER BY n.jgKey LIMIT $rows`,
        { gte, lt: `${start.slice(0, -1)};`, rows: BigInt(limit + 1) },
      ),
    );
    const ids = found.slice(0, limit).map((row) => textOf(row.get(0)).slice(start.length));
    const next = found.length > limit ? Buffer.from(ids.at(-1) ?? '') : null;
    return { ids, next, share: null };
  }

  async edge(wanted: EdgeQuery): Promise<EdgeView | null> {
    const { type, from, scanMax } = wanted;
    const untilMs = Number.POSITIVE_INFINITY;
    const query = { of: from, type, direction: 'out', sinceMs: 0, untilMs, limit: scanMax, scanMax } as const;
    const page = await this.#connection.read((queries) => this.#occurrences(queries, query, wanted));
    return foldEdge(page.occurrences, wanted, page.truncated);
  }

  /** Beyond `scanMax` Neo4j's own degree of the node, which it keeps for nodes of many relationships. */
  async degree(query: DegreeQuery): Promise<DegreeView> {
    return await this.#connection.read(async (queries) => {
      const page = await this.#occurrences(queries, { ...query, limit: Number.POSITIVE_INFINITY }, null);
      if (!page.truncated) return { count: page.occurrences.length, exact: true };
      const relation = `[:${quoted(edgePlace(query.type).relation)}]`;
      const pattern = query.direction === 'out' ? `(n)-${relation}->()` : `(n)<-${relation}-()`;
      const [row] = await queries.run(`MATCH (n:JgNode {jgKey: $key}) RETURN COUNT { ${pattern} }`, {
        key: this.#keys.node(query.of),
      });
      return { count: Math.max(page.scanned, row === undefined ? 0 : integerOf(row.get(0))), exact: false };
    });
  }

  async sources(): Promise<readonly SourceStatus[]> {
    const positions = await this.#connection.read((queries) => readPositions(queries, this.#keys));
    return positions.map(statusOf).sort(compareSources);
  }

  /** Of the sketches that each partition keeps of what it mentioned, joined. */
  async estimate(): Promise<GraphEstimate> {
    const sketches = await this.#connection.read((queries) =>
      queries.run(
        `MATCH (p:JgPosition) WHERE p.jgKey >= $gte AND p.jgKey < $lt RETURN p.nodes, p.edges
         UNION ALL MATCH (p:JgStore {jgKey: $store}) RETURN p.nodes, p.edges`,
        { ...this.#keys.all, store: this.#keys.store },
      ),
    );
    const joined = (column: number): number => {
      const all = new HyperLogLog();
      for (const row of sketches) {
        const registers = row.get(column);
        if (registers !== null) joinSketch(all, bytesOf(registers));
      }
      return all.estimate();
    };
    return { nodes: joined(0), edges: joined(1), relativeError };
  }

  async #node(queries: Queries, ref: NodeRef): Promise<NodeView | null> {
    const expiry = this.#expiry();
    const stored = await this.#storedNode(queries, ref);
    const hiddenMs = Math.max(stored.deletedMs, expiry.ofNode(ref.type));
    const row = stored.row === null ? null : decodeNodeRow(stored.row);
    if (row !== null && row.mentionedMs > hiddenMs) {
      const reader = (): ByteReader => new ByteReader(must(stored.row, 'it was decoded'), rows.timeLength);
      const lineage = await this.#origins.complete(queries, (originOf) => readLineage(reader(), originOf));
      return { node: ref, properties: propertiesOf(row.registers, hiddenMs), lineage };
    }
    const newest = await newestTouch(queries, this.#keys, ref, hiddenMs, expiry);
    if (newest === null || newest.timeMs <= hiddenMs) return null;
    const lineage = await this.#origins.complete(queries, (originOf) => lineageOf(newest.value, originOf));
    return { node: ref, properties: [], lineage };
  }

  async #journey(queries: Queries, query: JourneyQuery): Promise<JourneyPage> {
    const stored = await this.#storedNode(queries, query.of);
    const hiddenMs = Math.max(stored.deletedMs, this.#expiry().ofNode(query.of.type));
    const start = `${this.#keys.node(query.of)}\0`;
    const range = timeRangeBehind(start, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
    const found: { readonly step: Omit<StepView, 'lineage'>; readonly value: Buffer }[] = [];
    let scanned = 0;
    let bytes = 0;
    let last: TimePosition | null = null;
    let more = false;
    const domains = query.domains === null ? null : new Set(query.domains);
    const order = query.order === 'newest-first' ? 'ascending' : 'descending';
    const entries =
      range === null
        ? []
        : scan(queries, stepsText(order), pageRange(query, start, range), order, query.limit + 1);
    for await (const row of entries) {
      more = found.length >= query.limit || scanned >= query.scanMax || bytes >= query.bytesMax;
      if (more) break;
      scanned += 1;
      const { timeMs, occurrence } = this.#keys.stepOf(textOf(row.get(0)));
      last = { timeMs, occurrence };
      const value = bytesOf(row.get(1));
      // Without the lineage: the same graph has the same pages.
      const content = withoutLineage(value);
      const step = decodeStepValue(new ByteReader(content));
      if (domains !== null && !domains.has(step.domain)) continue;
      found.push({ step: { owner: query.of, ...last, ...step }, value });
      bytes += content.length;
    }
    const kept = await this.#withoutDeletedLinks(
      queries,
      found.map(({ step }) => step),
    );
    const steps = await this.#origins.complete(queries, (originOf) =>
      kept.map((step, i) => ({
        ...step,
        lineage: lineageOf(must(found[i], 'a step has its row').value, originOf),
      })),
    );
    return { steps, scanned, more, truncated: more && steps.length < query.limit, last };
  }

  async #occurrences(
    queries: Queries,
    query: AdjacencyQuery,
    edge: EdgeQuery | null,
  ): Promise<AdjacencyPage> {
    const expiry = this.#expiry();
    const stored = await this.#storedNode(queries, query.of);
    const ownMs = Math.max(stored.deletedMs, expiry.ofNode(query.of.type), expiry.ofEdge(query.type));
    const start = `${this.#keys.node(query.of)}\0${edgePlace(query.type).infix}`;
    const range = timeRangeBehind(start, Math.max(query.sinceMs, ownMs + 1), query.untilMs);
    if (range === null) return { occurrences: [], scanned: 0, truncated: false };
    const wanted = edge === null ? null : rows.otherEndMatcher(edge);
    const found: Candidate[] = [];
    let waiting: Candidate[] = [];
    const flush = async (): Promise<void> => {
      for (const candidate of await this.#visible(queries, query, waiting, expiry)) {
        if (found.length < query.limit) found.push(candidate);
      }
      waiting = [];
    };
    let scanned = 0;
    let truncated = false;
    const rowsWanted = Math.min(query.limit, query.scanMax) + 1;
    for await (const candidate of occurrencesAt(queries, query, range, rowsWanted, start)) {
      truncated = scanned >= query.scanMax;
      if (truncated) break;
      scanned += 1;
      if (wanted !== null && !wanted(candidate.bytes.subarray(rows.eventKey(candidate).length))) continue;
      waiting.push(candidate);
      if (waiting.length >= Math.min(chunkRowsMax, query.limit - found.length)) await flush();
      if (found.length >= query.limit) break;
    }
    await flush();
    const occurrences = await this.#origins.complete(queries, (originOf) =>
      found.map((candidate) => occurrenceOf(query, candidate, originOf)),
    );
    return { occurrences, scanned, truncated };
  }

  /** Leaves out occurrences hidden by their edge's tombstone or the other end's; the own end bounded the range. */
  async #visible(
    queries: Queries,
    query: AdjacencyQuery,
    candidates: readonly Candidate[],
    expiry: Expiry,
  ): Promise<readonly Candidate[]> {
    if (candidates.length === 0) return [];
    const keys = candidates.map(({ other, edgeKey }) => {
      const [from, to] = query.direction === 'out' ? [query.of, other] : [other, query.of];
      return this.#keys.edgeTombstone(query.type, from, to, edgeKey);
    });
    const tombstones = await timesBy(
      queries,
      'UNWIND $keys AS key MATCH (x:JgEdgeTombstone {jgKey: key}) RETURN key, x.jgTime',
      keys,
    );
    return candidates.filter(({ timeMs, other, otherDeletedMs }, i) => {
      const edgeMs = tombstones.get(keys[i] ?? '') ?? -1;
      return visible(timeMs, {
        edgeMs,
        toMs: Math.max(otherDeletedMs, expiry.ofNode(other.type)),
        fromMs: -1,
      });
    });
  }

  async #withoutDeletedLinks<T extends Pick<StepView, 'links' | 'timeMs'>>(
    queries: Queries,
    steps: readonly T[],
  ): Promise<T[]> {
    const keys = steps.flatMap(({ links }) => links.map(({ node }) => this.#keys.node(node)));
    const tombstones = await timesBy(
      queries,
      'UNWIND $keys AS key MATCH (n:JgNode {jgKey: key}) WHERE n.jgDeleted IS NOT NULL RETURN key, n.jgDeleted',
      keys,
    );
    const expiry = this.#expiry();
    const hiddenMs = (node: NodeRef): number =>
      Math.max(tombstones.get(this.#keys.node(node)) ?? -1, expiry.ofNode(node.type));
    return steps.map((step) => ({
      ...step,
      links: step.links.filter(({ node }) => step.timeMs > hiddenMs(node)),
    }));
  }

  async #storedNode(
    queries: Queries,
    ref: NodeRef,
  ): Promise<{ readonly row: Buffer | null; readonly deletedMs: number }> {
    const [found] = await queries.run('MATCH (n:JgNode {jgKey: $key}) RETURN n.jgRow, n.jgDeleted', {
      key: this.#keys.node(ref),
    });
    const row: unknown = found?.get(0) ?? null;
    return { row: row === null ? null : bytesOf(row), deletedMs: timeOf(found?.get(1)) };
  }
}

async function timesBy(
  queries: Queries,
  text: string,
  keys: readonly string[],
): Promise<Map<string, number>> {
  if (keys.length === 0) return new Map();
  const found = await queries.run(text, { keys: [...new Set(keys)] });
  return new Map(found.map((row) => [textOf(row.get(0)), timeOf(row.get(1))]));
}

function pageRange({ after, order }: JourneyQuery, start: string, { gte, lt }: KeyRange): KeyRange {
  if (after === null) return { gte, lt };
  const at = start + rows.eventKey(after).toString('latin1');
  if (order === 'oldest-first') return at < lt ? { gte, lt: at } : { gte, lt };
  return at < gte ? { gte, lt } : { gte: `${at}\0`, lt };
}

function lineageOf(value: Buffer, originOf: OriginOf): Lineage | null {
  return readLineage(new ByteReader(value), originOf);
}

function occurrenceOf(query: AdjacencyQuery, candidate: Candidate, originOf: OriginOf): OccurrenceView {
  const { timeMs, occurrence, other, edgeKey, value } = candidate;
  const out = query.direction === 'out';
  const reader = new ByteReader(value);
  const lineage = readLineage(reader, originOf);
  return {
    type: query.type,
    from: out ? query.of : other,
    to: out ? other : query.of,
    key: edgeKey === '' ? null : edgeKey,
    timeMs,
    occurrence,
    properties: reader.properties(),
    lineage,
  };
}

/** The sketch of two sets' union has the greater of each two registers. */
export function joinSketch(into: HyperLogLog, registers: Uint8Array): void {
  for (const [i, register] of registers.entries()) {
    if (register > (into.registers[i] ?? 0)) into.registers[i] = register;
  }
}
