import type { Record as Row } from 'neo4j-driver';
import type { AdjacencyQuery } from './graph-store.ts';
import type { Queries } from './neo4j-connection.ts';
import {
  after,
  edgePlace,
  type KeyRange,
  type OccurrenceKey,
  occurrenceKeyOf,
  quoted,
} from './neo4j-keys.ts';
import { bytesOf, textOf, timeOf } from './neo4j-values.ts';
import type { Candidate } from './occurrence-page.ts';

/** Rows asked for at once. */
const chunkRowsMax = 256;

export type Order = 'ascending' | 'descending';

/**
 * The rows of a key range in order, a chunk a query: `text` has `$gte` and `$lt` for the range, `$rows` for its limit, and the key in its first column. Neo4j walks the
 * index that the key has and stops at the limit, so a range costs what is read of it and not what is in it.
 */
export async function* scan(
  queries: Queries,
  text: string,
  range: KeyRange,
  order: Order,
  rowsWanted: number,
): AsyncGenerator<Row> {
  let { gte, lt } = range;
  for (let size = Math.max(1, Math.min(rowsWanted, chunkRowsMax)); ; size = chunkRowsMax) {
    const found = await queries.run(text, { gte, lt, rows: BigInt(size) });
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < size) return;
    if (order === 'ascending') gte = after(textOf(last.get(0)));
    else lt = textOf(last.get(0));
  }
}

/** With what an index has beside it. */
export interface Neo4jCandidate extends Candidate, OccurrenceKey {
  /** -1 when nobody deleted the far end. */
  readonly farDeletedMs: number;
}

/** The occurrences of one type at one node, newest first. */
export async function* occurrencesAt(
  queries: Queries,
  { type, direction }: Pick<AdjacencyQuery, 'type' | 'direction'>,
  range: KeyRange,
  rowsWanted: number,
  start: string,
): AsyncGenerator<Neo4jCandidate> {
  const { relation } = edgePlace(type);
  const [key, other] = direction === 'out' ? ['jgOut', 'b'] : ['jgIn', 'a'];
  const text = `MATCH (a)-[r:${quoted(relation)}]->(b) WHERE r.${key} >= $gte AND r.${key} < $lt
    RETURN r.${key}, r.jgValue, ${other}.jgDeleted ORDER BY r.${key} LIMIT $rows`;
  for await (const row of scan(queries, text, range, 'ascending', rowsWanted)) {
    yield {
      ...occurrenceKeyOf(textOf(row.get(0)).slice(start.length)),
      value: bytesOf(row.get(1)),
      farDeletedMs: timeOf(row.get(2)),
    };
  }
}

export const stepsText = (order: Order): string => `MATCH (s:JgStep) WHERE s.jgKey >= $gte AND s.jgKey < $lt
  RETURN s.jgKey, s.jgValue ORDER BY s.jgKey ${order === 'ascending' ? 'ASC' : 'DESC'} LIMIT $rows`;
