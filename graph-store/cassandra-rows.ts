import { levelOf } from './cassandra-buckets.ts';
import type { CassandraConnection, CassandraRow } from './cassandra-connection.ts';
import { joinLives, nodeColumns, type StoredNode, storedOf } from './cassandra-nodes.ts';
import type { CassandraOrigins } from './cassandra-origins.ts';
import { scanSide } from './cassandra-side-scan.ts';
import { type SideTable, sideTables } from './cassandra-tables.ts';
import { bytesOf, optionalBytes, timeOf } from './cassandra-values.ts';
import { originKey } from './lineage.ts';
import { encodeNodeRow } from './node-row.ts';
import { eventKeyBytes } from './packed-format.ts';
import * as rows from './rows.ts';
import { type SpooledRows, spoolRows } from './spooled-rows.ts';

type Row = readonly [key: Buffer, value: Buffer];

const pageRows = 1_000;
const wholeSide = { gte: Buffer.alloc(1), lt: Buffer.alloc(eventKeyBytes + 1, 0xff) } as const;

/** The graph in rows of `rows.ts`, in no order; the reverse ones are left out, for they repeat the forward ones. */
export async function* allRows(connection: CassandraConnection): AsyncGenerator<Row> {
  yield* nodeRows(connection);
  yield* sideRows(connection, sideTables.steps);
  yield* sideRows(connection, sideTables.out);
  yield* edgeTombstoneRows(connection);
}

/**
 * All rows, behind the origins that their lineage names, which are read last. Read first, they would lack one that another process numbers meanwhile, and
 * writes rows of: where the snapshot is restored another origin would get that number.
 */
export async function spoolSnapshot(
  connection: CassandraConnection,
  origins: Pick<CassandraOrigins, 'all'>,
): Promise<SpooledRows> {
  const spooled = await spoolRows(allRows(connection));
  const dispose = async (): Promise<void> => await spooled[Symbol.asyncDispose]();
  try {
    const named = (await origins.all()).map(([id, text]): Row => [originKey(id), Buffer.from(text)]);
    async function* rowsInTurn(): AsyncGenerator<Row> {
      yield* named;
      yield* spooled.rows();
    }
    return { rows: rowsInTurn, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** All rows of a table, in the order of tokens: those of a partition come together. */
export async function* tableRows(
  connection: CassandraConnection,
  query: string,
): AsyncGenerator<CassandraRow> {
  let page = await connection.page(query, [], pageRows, null);
  yield* page.rows;
  while (page.next !== null) {
    page = await connection.page(query, [], pageRows, page.next);
    yield* page.rows;
  }
}

async function* nodeRows(connection: CassandraConnection): AsyncGenerator<Row> {
  let at: Buffer | null = null;
  let lives: StoredNode[] = [];
  for await (const row of tableRows(
    connection,
    `SELECT ${nodeColumns}, node FROM ${connection.table('nodes')}`,
  )) {
    const node = bytesOf(row[4]);
    if (at !== null && !at.equals(node)) {
      yield* rowsOfNode(at, joinLives(lives));
      lives = [];
    }
    at = node;
    lives.push(storedOf(row, 0));
  }
  if (at !== null) yield* rowsOfNode(at, joinLives(lives));
}

function* rowsOfNode(node: Buffer, stored: StoredNode): Generator<Row> {
  const { mentionedMs, deletedMs } = stored;
  if (mentionedMs >= 0) yield [Buffer.concat([node, Buffer.of(rows.rowKind.node)]), encodeNodeRow(stored)];
  if (deletedMs >= 0)
    yield [Buffer.concat([node, Buffer.of(rows.rowKind.tombstone)]), rows.timeBytes(deletedMs)];
}

/**
 * A side that has several buckets is read as one, for a row may lie in two of them. What its first row says goes for all of it: when another process divides it while it is read, no row
 * moves, and those that come to narrower buckets are behind the positions that were read before.
 */
async function* sideRows(connection: CassandraConnection, table: SideTable): AsyncGenerator<Row> {
  let at: Buffer | null = null;
  let isDivided = false;
  const query = `SELECT side, bucket, key, value, split FROM ${connection.table(table)}`;
  for await (const row of tableRows(connection, query)) {
    const side = bytesOf(row[0]);
    if (levelOf(bytesOf(row[1])) > 0) continue;
    if (at === null || !at.equals(side)) {
      at = side;
      isDivided = row[4] === true;
      if (isDivided) yield* wholeSideRows(connection, table, side);
    }
    if (isDivided) continue;
    const key = optionalBytes(row[2]);
    if (key !== null) yield [Buffer.concat([side, key]), bytesOf(row[3])];
  }
}

async function* wholeSideRows(
  connection: CassandraConnection,
  table: SideTable,
  side: Buffer,
): AsyncGenerator<Row> {
  const how = { order: 'ascending', withValues: true, rowsWanted: pageRows } as const;
  for await (const { key, value } of scanSide(connection, { table, side, ...wholeSide, ...how })) {
    yield [Buffer.concat([side, key]), value];
  }
}

async function* edgeTombstoneRows(connection: CassandraConnection): AsyncGenerator<Row> {
  let at: Buffer | null = null;
  let newest = -1;
  for await (const [edge, time] of tableRows(
    connection,
    `SELECT edge, time FROM ${connection.table('edge_tombstones')}`,
  )) {
    const key = bytesOf(edge);
    if (at !== null && !at.equals(key)) {
      yield [at, rows.timeBytes(newest)];
      newest = -1;
    }
    at = key;
    newest = Math.max(newest, timeOf(time));
  }
  if (at !== null) yield [at, rows.timeBytes(newest)];
}
