import { must } from '../foundation/index.ts';
import type { FarEndsPage, FarEndsQuery, NodeScanPage, NodeScanQuery } from './bulk-reads.ts';
import { eventRange, readOccurrences, Tombstones } from './cassandra-adjacency.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { degreeBeyond } from './cassandra-degree.ts';
import type { CassandraKnowledge } from './cassandra-knowledge.ts';
import { newestTouch } from './cassandra-newest-touch.ts';
import { readNode } from './cassandra-nodes.ts';
import type { CassandraOrigins } from './cassandra-origins.ts';
import { allPositions, allPositionsAlone } from './cassandra-positions.ts';
import { type KeyRange, scanSide } from './cassandra-side-scan.ts';
import { lifeMax } from './cassandra-stamps.ts';
import { sideTables } from './cassandra-tables.ts';
import { bytesOf, timeOf } from './cassandra-values.ts';
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
  NodeView,
  SourceStatus,
  StepView,
} from './graph-store.ts';
import { HyperLogLog, relativeError } from './hyperloglog.ts';
import { journeyPageOf, type StepRow, scanJourney } from './journey-scan.ts';
import { readLineage } from './lineage.ts';
import type { NodeRef } from './model.ts';
import { pageOf } from './occurrence-page.ts';
import { compareSources, statusOf } from './position.ts';
import { propertiesOf } from './register.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** Rows of nodes of all types that a page of a scan looks at in one go: as many as one node can have, which is one for each life. */
const scannedAtOnce = lifeMax + 1;
const unbounded = Number.POSITIVE_INFINITY;

export interface ReaderParts {
  readonly connection: CassandraConnection;
  readonly knowledge: CassandraKnowledge;
  readonly origins: CassandraOrigins;
  /** Answers for the moment at which it is called. */
  readonly expiry: () => Expiry;
}

/** All reads. Each sees what is durable when it asks; of a batch that is being written it may see a part. */
export class CassandraReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    const { connection, knowledge, origins, expiry } = this.#parts;
    await knowledge.fresh();
    const stored = await readNode(connection, ref);
    const now = expiry();
    const hiddenMs = Math.max(stored.deletedMs, now.ofNode(ref.type));
    if (stored.mentionedMs > hiddenMs) {
      const bytes = Buffer.concat([Buffer.of(stored.lineage.length), stored.lineage]);
      const lineage = await origins.complete((originOf) => readLineage(new ByteReader(bytes), originOf));
      return { node: ref, properties: propertiesOf(stored.registers, hiddenMs), lineage };
    }
    const newest = await newestTouch(connection, knowledge, ref, hiddenMs, now);
    if (newest === null) return null;
    const lineage = await origins.complete((originOf) => readLineage(new ByteReader(newest.value), originOf));
    return { node: ref, properties: [], lineage };
  }

  /** Side by side, as far as `requestsMax` lets them. */
  async nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    signal?.throwIfAborted();
    return await Promise.all(
      refs.map(async (ref) => {
        const view = await this.node(ref);
        signal?.throwIfAborted();
        return view;
      }),
    );
  }

  async adjacency(query: AdjacencyQuery, signal?: AbortSignal): Promise<AdjacencyPage> {
    const { connection, knowledge, origins, expiry } = this.#parts;
    await knowledge.fresh();
    const found = await readOccurrences(connection, knowledge, query, null, expiry(), signal);
    return await origins.complete((originOf) => pageOf(found, originOf));
  }

  async adjacencies(
    asked: readonly AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    signal?.throwIfAborted();
    return await Promise.all(asked.map((query) => this.adjacency(query, signal)));
  }

  async edge(wanted: EdgeQuery): Promise<EdgeView | null> {
    const { connection, knowledge, origins, expiry } = this.#parts;
    await knowledge.fresh();
    const { type, from, scanMax } = wanted;
    const bounds = { sinceMs: 0, untilMs: unbounded, limit: unbounded, scanMax };
    const query = { of: from, type, direction: 'out', ...bounds } as const;
    const found = await readOccurrences(connection, knowledge, query, wanted, expiry());
    const page = await origins.complete((originOf) => pageOf(found, originOf));
    return foldEdge(page.occurrences, wanted, page.truncated);
  }

  async farEnds(query: FarEndsQuery): Promise<FarEndsPage> {
    return await farEndsOf(query, (all) => this.adjacency(all));
  }

  /** In the order of tokens, which is one of chance; nodes of other types are passed over. */
  async scan({ type, after, limit }: NodeScanQuery): Promise<NodeScanPage> {
    const { connection } = this.#parts;
    const start = Buffer.from(`${type}\0`);
    const nodes = connection.table('nodes');
    const ids: string[] = [];
    let token = after === null ? -(2n ** 63n) : Buffer.from(after).readBigInt64BE();
    for (;;) {
      const found = await connection.rows(
        `SELECT token(node), node, mentioned FROM ${nodes} WHERE token(node) > ? LIMIT ?`,
        [token, scannedAtOnce],
      );
      const byNode = Map.groupBy(found, (row) => bytesOf(row[1]).toString('latin1'));
      // The last one may go on behind the page, unless it is alone in it: then there is no more of it.
      const isLastWhole = found.length < scannedAtOnce || byNode.size === 1;
      const whole = [...byNode.values()].slice(0, isLastWhole ? undefined : -1);
      for (const lives of whole) {
        const [row] = lives;
        token = bigintOf(must(row, 'a group has a member')[0]);
        const name = bytesOf(row?.[1]).subarray(rows.nameAt);
        if (!name.subarray(0, start.length).equals(start) || lives.every((one) => timeOf(one[2]) < 0))
          continue;
        ids.push(name.toString('utf8', start.length, name.length - 1));
        if (ids.length >= limit) return { ids, next: tokenBytes(token), share: shareOf(token) };
      }
      if (found.length < scannedAtOnce) return { ids, next: null, share: 1 };
    }
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    const { connection, knowledge, expiry } = this.#parts;
    await knowledge.fresh();
    const all = { ...query, limit: unbounded, endsOnly: true };
    const { found, scanned, truncated } = await readOccurrences(connection, knowledge, all, null, expiry());
    if (!truncated) return { count: found.length, exact: true };
    return { count: Math.max(scanned, await degreeBeyond(connection, query)), exact: false };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    const { connection, knowledge, origins, expiry } = this.#parts;
    await knowledge.fresh();
    const now = expiry();
    const tombstones = new Tombstones(connection, knowledge);
    const hiddenMs = Math.max(await tombstones.ofNode(query.of), now.ofNode(query.of.type));
    const range = eventRange(Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
    const found = await scanJourney(query, range === null ? [] : this.#steps(query, range));
    const kept = await Promise.all(found.steps.map((step) => withoutDeletedLinks(step, tombstones, now)));
    return await origins.complete((originOf) => journeyPageOf(query, found, kept, originOf));
  }

  async sources(): Promise<readonly SourceStatus[]> {
    const positions = await allPositionsAlone(this.#parts.connection);
    return positions.map(statusOf).sort(compareSources);
  }

  /** Of the sketches that each partition keeps of what it mentioned, joined. */
  async estimate(): Promise<GraphEstimate> {
    const [nodes, edges] = [new HyperLogLog(), new HyperLogLog()];
    for (const { estimates } of await allPositions(this.#parts.connection)) {
      nodes.join(estimates.nodes.registers);
      edges.join(estimates.edges.registers);
    }
    return { nodes: nodes.estimate(), edges: edges.estimate(), relativeError };
  }

  async *#steps(query: JourneyQuery, range: KeyRange): AsyncGenerator<StepRow> {
    for await (const { key, value } of scanSide(this.#parts.connection, {
      table: sideTables.steps,
      side: rows.stepsPrefix(query.of),
      ...pageRange(query, range),
      order: query.order === 'newest-first' ? 'ascending' : 'descending',
      withValues: true,
      rowsWanted: Math.min(query.limit, query.scanMax) + 1,
    })) {
      yield { at: new ByteReader(key).eventKey(), value };
    }
  }
}

async function withoutDeletedLinks<T extends Pick<StepView, 'links' | 'timeMs'>>(
  step: T,
  tombstones: Tombstones,
  expiry: Expiry,
): Promise<T> {
  const hidden = await Promise.all(
    step.links.map(async ({ node }) => Math.max(await tombstones.ofNode(node), expiry.ofNode(node.type))),
  );
  return { ...step, links: step.links.filter((_, i) => step.timeMs > (hidden[i] ?? -1)) };
}

function pageRange({ after, order }: JourneyQuery, { gte, lt }: KeyRange): KeyRange {
  if (after === null) return { gte, lt };
  const at = rows.eventKey(after);
  if (order === 'oldest-first') return at.compare(lt) < 0 ? { gte, lt: at } : { gte, lt };
  return at.compare(gte) < 0 ? { gte, lt } : { gte: Buffer.concat([at, Buffer.of(0)]), lt };
}

function bigintOf(value: unknown): bigint {
  return must(typeof value === 'bigint' ? value : null, 'a token is an integer');
}

function tokenBytes(token: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(token);
  return bytes;
}

/** Tokens are spread evenly over all integers of 64 bits. */
function shareOf(token: bigint): number {
  return Number(token + 2n ** 63n) / 2 ** 64;
}
