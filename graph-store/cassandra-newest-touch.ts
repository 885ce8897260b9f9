import { candidateOf } from './cassandra-adjacency.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import type { CassandraKnowledge, Side } from './cassandra-knowledge.ts';
import { type KeyRange, scanSide } from './cassandra-side-scan.ts';
import { sideTables } from './cassandra-tables.ts';
import { ByteReader } from './codec.ts';
import type { NodeRef } from './model.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** What a step or an occurrence says of when and by whom a node was mentioned. */
export interface Touch {
  readonly timeMs: number;
  readonly value: Buffer;
}

/** Edges that time to live hides are passed over, as far as that; then the node counts as there until they are swept. */
const passedOverMax = 4_096;
const first = { order: 'ascending', withValues: true, rowsWanted: 1 } as const;
const unknown = Buffer.of(0);

/** The newest step or occurrence at this node that is kept; null without any that is newer than `hiddenMs`. */
export async function newestTouch(
  connection: CassandraConnection,
  knowledge: CassandraKnowledge,
  ref: NodeRef,
  hiddenMs: number,
  expiry: Expiry,
): Promise<Touch | null> {
  const range = rows.timeRange(Buffer.alloc(0), hiddenMs + 1, Number.MAX_SAFE_INTEGER);
  if (range === null) return null;
  const touches = await Promise.all([
    newestStep(connection, ref, range),
    ...knowledge.sidesAt(ref.type).map((side) => newestOf(connection, ref, side, range, expiry)),
  ]);
  return touches.reduce(
    (newest, touch) => (touch !== null && touch.timeMs > (newest?.timeMs ?? -1) ? touch : newest),
    null,
  );
}

async function newestStep(
  connection: CassandraConnection,
  ref: NodeRef,
  range: KeyRange,
): Promise<Touch | null> {
  const side = { table: sideTables.steps, side: rows.stepsPrefix(ref) };
  for await (const { key, value } of scanSide(connection, { ...side, ...range, ...first })) {
    return { timeMs: new ByteReader(key).eventKey().timeMs, value };
  }
  return null;
}

/** An edge to a type that is kept no longer mentions nobody any more: an older one of the same type may. */
async function newestOf(
  connection: CassandraConnection,
  ref: NodeRef,
  { type, direction }: Side,
  range: KeyRange,
  expiry: Expiry,
): Promise<Touch | null> {
  const table = direction === 'out' ? sideTables.out : sideTables.in;
  const side = { table, side: rows.adjacencyPrefix(ref, direction, type) };
  let passedOver = 0;
  for await (const row of scanSide(connection, { ...side, ...range, ...first })) {
    const { timeMs, far, value } = candidateOf(row);
    if (timeMs > Math.max(expiry.ofEdge(type), expiry.ofNode(far.type))) return { timeMs, value };
    passedOver += 1;
    if (passedOver >= passedOverMax) return { timeMs, value: unknown };
  }
  return null;
}
