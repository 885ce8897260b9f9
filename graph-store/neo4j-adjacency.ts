import { must } from '../foundation/index.ts';
import type { AdjacencyQuery, EdgeQuery } from './graph-store.ts';
import { visible } from './merge.ts';
import type { Queries } from './neo4j-connection.ts';
import {
  after,
  edgePlace,
  type KeyRange,
  type Neo4jKeys,
  occurrenceKeyOf,
  quoted,
  timeRangeBehind,
} from './neo4j-keys.ts';
import type { Neo4jCandidate } from './neo4j-scan.ts';
import { bytesOf, integerOf, textOf, timeOf } from './neo4j-values.ts';
import type { OccurrencesFound } from './occurrence-page.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** Rows of one node, and of all nodes, that one statement answers. */
const chunkRowsMax = 256;
const statementRowsMax = 4096;
/** Keys that one statement looks up. */
export const lookupKeysMax = 1024;

/** A query under way. */
interface Progress extends OccurrencesFound {
  /** What its keys have in front of the event. */
  readonly start: string;
  readonly lt: string;
  readonly wanted: ((rest: Buffer) => boolean) | null;
  readonly found: Neo4jCandidate[];
  gte: string;
  rowsWanted: number;
  scanned: number;
  truncated: boolean;
  /** The last row looked at. */
  last: Neo4jCandidate | null;
  done: boolean;
}

/**
 * What is at each node asked, in rounds: in each, one statement for all queries of a relationship type and side reads the next rows of every one that is
 * not done, and another looks for the tombstones of all edges found. Most hops are done in the first.
 */
export async function readOccurrences(
  queries: Queries,
  keys: Neo4jKeys,
  asked: readonly AdjacencyQuery[],
  edge: EdgeQuery | null,
  expiry: Expiry,
  signal?: AbortSignal,
): Promise<readonly OccurrencesFound[]> {
  const deletedMs = await timesBy(
    queries,
    'UNWIND $keys AS key MATCH (n:JgNode {jgKey: key}) WHERE n.jgDeleted IS NOT NULL RETURN key, n.jgDeleted',
    asked.map(({ of }) => keys.node(of)),
  );
  const wanted = edge === null ? null : rows.otherEndMatcher(edge);
  const all = asked.map((query): Progress => {
    const nodeKey = keys.node(query.of);
    const start = `${nodeKey}\0${edgePlace(query.type).infix}`;
    const ownMs = Math.max(
      deletedMs.get(nodeKey) ?? -1,
      expiry.ofNode(query.of.type),
      expiry.ofEdge(query.type),
    );
    const within = timeRangeBehind(start, Math.max(query.sinceMs, ownMs + 1), query.untilMs);
    const range = within === null ? null : occurrencesAfter(query, start, within);
    const rowsWanted = Math.min(query.limit, query.scanMax) + 1;
    const nothingYet = { found: [], scanned: 0, truncated: false, last: null, rowsWanted, wanted };
    return { query, start, gte: '', lt: '', ...range, ...nothingYet, done: range === null };
  });
  for (let pending = all; pending.length > 0; ) {
    signal?.throwIfAborted();
    pending = pending.filter(({ done }) => !done);
    await readRound(queries, keys, pending, expiry);
  }
  return all;
}

async function readRound(
  queries: Queries,
  keys: Neo4jKeys,
  pending: readonly Progress[],
  expiry: Expiry,
): Promise<void> {
  const alike = Map.groupBy(pending, ({ query: { type, direction, endsOnly }, rowsWanted }) =>
    JSON.stringify([
      edgePlace(type).relation,
      direction,
      endsOnly === true,
      Math.min(rowsWanted, chunkRowsMax),
    ]),
  );
  for (const group of alike.values()) {
    const size = Math.min(must(group[0], 'a group has a member').rowsWanted, chunkRowsMax);
    const atOnce = Math.max(1, Math.floor(statementRowsMax / size));
    for (let at = 0; at < group.length; at += atOnce) {
      await readSome(queries, keys, group.slice(at, at + atOnce), size, expiry);
    }
  }
}

/** All of one relationship type, side and detail. */
async function readSome(
  queries: Queries,
  keys: Neo4jKeys,
  some: readonly Progress[],
  size: number,
  expiry: Expiry,
): Promise<void> {
  const { query } = must(some[0], 'a group has a member');
  const found = await queries.run(some.length === 1 ? oneText(query) : hopText(query), {
    asked: some.map(({ gte, lt }, i) => ({ i: BigInt(i), gte, lt })),
    rows: BigInt(size),
  });
  const candidates: Neo4jCandidate[][] = some.map(() => []);
  for (const row of found) {
    const i = integerOf(row.get(0));
    const one = must(some[i], 'a row belongs to what was asked');
    const key = textOf(row.get(1));
    one.gte = after(key);
    const value: unknown = row.get(2);
    candidates[i]?.push({
      ...occurrenceKeyOf(key.slice(one.start.length)),
      value: value === null ? noBytes : bytesOf(value),
      farDeletedMs: timeOf(row.get(3)),
    });
  }
  const edgeKeys = new Map<Neo4jCandidate, string>();
  for (const [i, one] of some.entries()) {
    for (const candidate of candidates[i] ?? [])
      edgeKeys.set(candidate, edgeKeyOf(keys, one.query, candidate));
  }
  const edgeMs = await timesBy(
    queries,
    'UNWIND $keys AS key MATCH (x:JgEdgeTombstone {jgKey: key}) RETURN key, x.jgTime',
    [...edgeKeys.values()],
  );
  const isVisible = (candidate: Neo4jCandidate): boolean =>
    visible(candidate.timeMs, {
      edgeMs: edgeMs.get(edgeKeys.get(candidate) ?? '') ?? -1,
      toMs: Math.max(candidate.farDeletedMs, expiry.ofNode(candidate.far.type)),
      fromMs: -1,
    });
  for (const [i, one] of some.entries()) take(one, candidates[i] ?? [], size, isVisible);
}

function take(
  one: Progress,
  candidates: readonly Neo4jCandidate[],
  size: number,
  isVisible: (candidate: Neo4jCandidate) => boolean,
): void {
  const { query, found } = one;
  for (const candidate of candidates) {
    one.truncated = one.scanned >= query.scanMax;
    if (one.truncated) break;
    one.scanned += 1;
    one.last = candidate;
    if (one.wanted !== null && !one.wanted(candidate.bytes.subarray(rows.eventKey(candidate).length)))
      continue;
    if (isVisible(candidate)) found.push(candidate);
    if (found.length >= query.limit) break;
  }
  one.done = one.truncated || found.length >= query.limit || candidates.length < size;
  one.rowsWanted = chunkRowsMax;
}

/** The index is walked from each beginning and left at the limit: a hop costs what is read of it and not what is in it. */
function hopText(query: AdjacencyQuery): string {
  return `UNWIND $asked AS one CALL { WITH one ${rowsText(query, 'one')} } RETURN i, key, value, deleted`;
}

/** The same for a single node, which takes Neo4j half as long. */
function oneText(query: AdjacencyQuery): string {
  return rowsText(query, '$asked[0]');
}

/** With the place in the list in front. */
function rowsText({ type, direction, endsOnly }: AdjacencyQuery, one: string): string {
  const { relation } = edgePlace(type);
  const [key, other] = direction === 'out' ? ['jgOut', 'b'] : ['jgIn', 'a'];
  return `MATCH (a)-[r:${quoted(relation)}]->(b) WHERE r.${key} >= ${one}.gte AND r.${key} < ${one}.lt
    RETURN ${one}.i AS i, r.${key} AS key, ${endsOnly === true ? 'null' : 'r.jgValue'} AS value, ${other}.jgDeleted AS deleted
    ORDER BY r.${key} LIMIT $rows`;
}

function edgeKeyOf(
  keys: Neo4jKeys,
  { of, type, direction }: AdjacencyQuery,
  { far, key }: Neo4jCandidate,
): string {
  return direction === 'out'
    ? keys.edgeTombstone(type, of, far, key)
    : keys.edgeTombstone(type, far, of, key);
}

const noBytes = Buffer.alloc(0);

export async function timesBy(
  queries: Queries,
  text: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  const distinct = [...new Set(keys)];
  for (let at = 0; at < distinct.length; at += lookupKeysMax) {
    const found = await queries.run(text, { keys: distinct.slice(at, at + lookupKeysMax) });
    for (const row of found) times.set(textOf(row.get(0)), timeOf(row.get(1)));
  }
  return times;
}

function occurrencesAfter({ after: place }: AdjacencyQuery, start: string, { gte, lt }: KeyRange): KeyRange {
  if (place === null || place === undefined) return { gte, lt };
  const at = after(`${start}${rows.occurrencePlace(place).toString('latin1')}`);
  return at > gte ? { gte: at, lt } : { gte, lt };
}
