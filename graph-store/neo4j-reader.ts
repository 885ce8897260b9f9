import { type Clock, must } from '../foundation/index.ts';
import type { FarEndsPage, FarEndsQuery, NodeScanPage, NodeScanQuery } from './bulk-reads.ts';
import { ByteReader } from './codec.ts';
import { farEndsOf } from './far-ends.ts';
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
  SourceStatus,
  StepView,
} from './graph-store.ts';
import { HyperLogLog, relativeError } from './hyperloglog.ts';
import { journeyPageOf, type StepRow, scanJourney } from './journey-scan.ts';
import { readLineage } from './lineage.ts';
import type { NodeRef } from './model.ts';
import { readOccurrences, timesBy } from './neo4j-adjacency.ts';
import type { Neo4jConnection, Queries } from './neo4j-connection.ts';
import { edgePlace, type KeyRange, type Neo4jKeys, quoted, timeRangeBehind } from './neo4j-keys.ts';
import { newestTouch } from './neo4j-newest-touch.ts';
import type { Neo4jOrigins } from './neo4j-origins.ts';
import { readPositions } from './neo4j-positions.ts';
import type { Neo4jRulesInForce } from './neo4j-rules-in-force.ts';
import { scan, stepsText } from './neo4j-scan.ts';
import { bytesOf, integerOf, textOf, timeOf } from './neo4j-values.ts';
import { decodeNodeRow } from './node-row.ts';
import { type OriginOf, pageOf } from './occurrence-page.ts';
import { compareSources, statusOf } from './position.ts';
import { propertiesOf } from './register.ts';
import * as rows from './rows.ts';
import { Expiry } from './time-to-live.ts';

/** Nodes whose rows one statement answers. */
const nodesAtOnce = 128;

interface StoredNode {
  readonly row: Buffer | null;
  readonly deletedMs: number;
}

const nothingStored: StoredNode = { row: null, deletedMs: -1 };

/** All reads, each in one transaction. What Neo4j promises within it is "read committed"; what the connection adds is in `neo4j-commit-gate.ts`. */
export class Neo4jReader {
  readonly #connection: Neo4jConnection;
  readonly #keys: Neo4jKeys;
  readonly #origins: Neo4jOrigins;
  readonly #rules: Neo4jRulesInForce;
  readonly #clock: Clock;

  constructor(
    connection: Neo4jConnection,
    keys: Neo4jKeys,
    origins: Neo4jOrigins,
    rules: Neo4jRulesInForce,
    clock: Clock,
  ) {
    this.#connection = connection;
    this.#keys = keys;
    this.#origins = origins;
    this.#rules = rules;
    this.#clock = clock;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    return await this.#visible((queries) => this.#node(queries, ref));
  }

  async nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    return await this.#visible(async (queries) => {
      const found: (NodeView | null)[] = [];
      for (let at = 0; at < refs.length; at += nodesAtOnce) {
        const some = refs.slice(at, at + nodesAtOnce);
        const stored = await this.#storedNodes(queries, some);
        for (const ref of some) {
          signal?.throwIfAborted();
          found.push(await this.#nodeOf(queries, ref, stored.get(this.#keys.node(ref)) ?? nothingStored));
        }
      }
      return found;
    });
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    return await this.#visible((queries) => this.#journey(queries, query));
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    const [page] = await this.adjacencies([query]);
    return must(page, 'each query has its page');
  }

  async adjacencies(
    asked: readonly AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    return await this.#visible((queries) => this.#occurrences(queries, asked, null, signal));
  }

  async farEnds(query: FarEndsQuery): Promise<FarEndsPage> {
    return await farEndsOf(query, (all) => this.adjacency(all));
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
    const unbounded = Number.POSITIVE_INFINITY;
    const bounds = { sinceMs: 0, untilMs: unbounded, limit: unbounded, scanMax };
    const query = { of: from, type, direction: 'out', ...bounds } as const;
    const [found] = await this.#visible((queries) => this.#occurrences(queries, [query], wanted));
    const page = must(found, 'each query has its page');
    return foldEdge(page.occurrences, wanted, page.truncated);
  }

  /** Beyond `scanMax` Neo4j's own degree of the node, which it keeps for nodes of many relationships. */
  async degree(query: DegreeQuery): Promise<DegreeView> {
    return await this.#visible(async (queries) => {
      const all = { ...query, limit: Number.POSITIVE_INFINITY, endsOnly: true };
      const [found] = await this.#occurrences(queries, [all], null);
      const page = must(found, 'each query has its page');
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
        if (registers !== null) all.join(bytesOf(registers));
      }
      return all.estimate();
    };
    return { nodes: joined(0), edges: joined(1), relativeError };
  }

  /** What is hidden goes by rules that are a second old at most. */
  async #visible<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    await this.#rules.fresh();
    return await this.#connection.read(work);
  }

  #expiry(): Expiry {
    return new Expiry(this.#rules.rules, this.#clock.now());
  }

  async #node(queries: Queries, ref: NodeRef): Promise<NodeView | null> {
    return await this.#nodeOf(queries, ref, await this.#storedNode(queries, ref));
  }

  async #nodeOf(queries: Queries, ref: NodeRef, stored: StoredNode): Promise<NodeView | null> {
    const expiry = this.#expiry();
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
    const found = await scanJourney(query, range === null ? [] : this.#steps(queries, query, start, range));
    const kept = await this.#withoutDeletedLinks(queries, found.steps);
    return await this.#origins.complete(queries, (originOf) => journeyPageOf(query, found, kept, originOf));
  }

  async *#steps(
    queries: Queries,
    query: JourneyQuery,
    start: string,
    range: KeyRange,
  ): AsyncGenerator<StepRow> {
    const order = query.order === 'newest-first' ? 'ascending' : 'descending';
    const within = pageRange(query, start, range);
    for await (const row of scan(queries, stepsText(order), within, order, query.limit + 1)) {
      const { timeMs, occurrence } = this.#keys.stepOf(textOf(row.get(0)));
      yield { at: { timeMs, occurrence }, value: bytesOf(row.get(1)) };
    }
  }

  async #occurrences(
    queries: Queries,
    asked: readonly AdjacencyQuery[],
    edge: EdgeQuery | null,
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    const found = await readOccurrences(queries, this.#keys, asked, edge, this.#expiry(), signal);
    return await this.#origins.complete(queries, (originOf) => found.map((one) => pageOf(one, originOf)));
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

  async #storedNode(queries: Queries, ref: NodeRef): Promise<StoredNode> {
    const stored = await this.#storedNodes(queries, [ref]);
    return stored.get(this.#keys.node(ref)) ?? nothingStored;
  }

  async #storedNodes(queries: Queries, refs: readonly NodeRef[]): Promise<ReadonlyMap<string, StoredNode>> {
    const found = await queries.run(
      'UNWIND $keys AS key MATCH (n:JgNode {jgKey: key}) RETURN key, n.jgRow, n.jgDeleted',
      { keys: [...new Set(refs.map((ref) => this.#keys.node(ref)))] },
    );
    return new Map(
      found.map((one) => {
        const row: unknown = one.get(1);
        return [
          textOf(one.get(0)),
          { row: row === null ? null : bytesOf(row), deletedMs: timeOf(one.get(2)) },
        ];
      }),
    );
  }
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
