import { eventRange } from './cassandra-adjacency.ts';
import { rangeOfBucket } from './cassandra-buckets.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { bytesOf, integerOf } from './cassandra-values.ts';
import type { DegreeQuery } from './graph-store.ts';
import * as rows from './rows.ts';

/** Buckets that an estimate looks at; a side with more is taken to go on as those do. */
const bucketsMax = 4_096;

/**
 * Rows at one side of a node, estimated from the marks that its buckets have: within some 12 % for a bucket of a thousand rows, less than 2 % for a million.
 * Of a bucket that reaches beyond the time asked for its share of it counts.
 */
export async function degreeBeyond(
  connection: CassandraConnection,
  { of, type, direction, sinceMs, untilMs }: DegreeQuery,
): Promise<number> {
  const range = eventRange(sinceMs, untilMs);
  if (range === null) return 0;
  const side = rows.adjacencyPrefix(of, direction, type);
  const buckets = connection.table('buckets');
  const { rows: found } = await connection.page(
    `SELECT bucket, rows FROM ${buckets} WHERE side = ? LIMIT ?`,
    [side, bucketsMax],
    bucketsMax,
    null,
  );
  let count = 0;
  for (const [bucket, estimate] of found) {
    if (estimate === null) continue;
    const { from, to } = rangeOfBucket(bytesOf(bucket));
    if (from.compare(range.lt) >= 0 || (to !== null && to.compare(range.gte) <= 0)) continue;
    count += integerOf(estimate);
  }
  return count;
}
