import type { CassandraConnection, CassandraRow, Statement } from './cassandra-connection.ts';
import type { RemovedTombstone } from './cassandra-knowledge.ts';
import { PartitionedWrites } from './cassandra-partitioned-writes.ts';
import { stampUpTo } from './cassandra-stamps.ts';
import { sideTables } from './cassandra-tables.ts';
import { bytesOf, integerOf, optionalBytes, timeOf } from './cassandra-values.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { Swept } from './graph-store.ts';
import * as rows from './rows.ts';
import { hidingTypeOf } from './swept-horizon.ts';
import type { Expiry } from './time-to-live.ts';

const swept = ['nodes', sideTables.steps, sideTables.out, sideTables.in, 'edge_tombstones'] as const;
type SweptTable = (typeof swept)[number];

/** Where a sweep goes on. */
interface Cursor {
  readonly table: SweptTable;
  readonly page: string | null;
}

/** What a page has to be looked at for. */
interface Look {
  readonly connection: CassandraConnection;
  readonly expiry: Expiry;
  /** Rows of this life and later ones stay. */
  readonly life: bigint;
  readonly writes: PartitionedWrites;
  readonly tombstones: RemovedTombstone[];
}

const columns: Readonly<Record<SweptTable, string>> = {
  nodes: 'node, life, mentioned, deleted',
  [sideTables.steps]: 'side, bucket, key, WRITETIME(value)',
  [sideTables.out]: 'side, bucket, key, WRITETIME(value)',
  [sideTables.in]: 'side, bucket, key, WRITETIME(value)',
  edge_tombstones: 'edge, life, time',
};

/**
 * One page of rows that time to live hides is removed. Every delete carries the version that it removes: a row that was written anew meanwhile, or whose node is newer than
 * what is hidden, outlives it, whatever anybody's clock says. What is delivered again after it was hidden is of a later life, which this pass leaves alone.
 */
export async function sweepPage(
  connection: CassandraConnection,
  expiry: Expiry,
  life: number,
  after: Uint8Array | null,
  rowsMax: number,
  tombstonesGo: (removed: readonly RemovedTombstone[]) => Promise<void>,
): Promise<Swept & { readonly removedNodes: boolean }> {
  const writes = new PartitionedWrites();
  const look: Look = { connection, expiry, life: BigInt(life), writes, tombstones: [] };
  let cursor: Cursor | null =
    after === null ? { table: 'nodes', page: null } : JSON.parse(Buffer.from(after).toString());
  let [scanned, removed, removedNodes] = [0, 0, false];
  while (cursor !== null && scanned < rowsMax) {
    const { table }: Cursor = cursor;
    const page = await connection.page(
      `SELECT ${columns[table]} FROM ${connection.table(table)}`,
      [],
      rowsMax - scanned,
      cursor.page,
    );
    scanned += page.rows.length;
    for (const row of page.rows) {
      const count = removalsOf(look, table, row);
      removed += count;
      removedNodes ||= count > 0 && table === 'nodes';
    }
    const nextTable = swept[swept.indexOf(table) + 1];
    if (page.next !== null) cursor = { table, page: page.next };
    else cursor = nextTable === undefined ? null : { table: nextTable, page: null };
  }
  if (look.tombstones.length > 0) await tombstonesGo(look.tombstones);
  await writes.write(connection);
  const next = cursor === null ? null : Buffer.from(JSON.stringify(cursor));
  return { scanned, removed, next, removedNodes };
}

function removalsOf(look: Look, table: SweptTable, row: CassandraRow): number {
  if (table === 'nodes') return nodeRemovals(look, row);
  return table === 'edge_tombstones' ? edgeTombstoneRemovals(look, row) : rowRemovals(look, table, row);
}

function nodeRemovals(look: Look, row: CassandraRow): number {
  const { connection, expiry, life, writes } = look;
  const [node, of] = [bytesOf(row[0]), integerOf(row[1])];
  if (BigInt(of) >= life) return 0;
  const nodes = connection.table('nodes');
  const remove = (what: string, kind: number, time: unknown): number => {
    const timeMs = timeOf(time);
    if (timeMs < 0) return 0;
    const key = Buffer.concat([node, Buffer.of(kind)]);
    const hiddenMs = rows.expiredAt(key, rows.timeBytes(timeMs), expiry);
    if (hiddenMs === null) return 0;
    const isTombstone = kind === rows.rowKind.tombstone;
    if (isTombstone) noteTombstone(look, key, timeMs);
    writes.add('nodes', node, {
      query: `DELETE ${what} FROM ${nodes} USING TIMESTAMP ? WHERE node = ? AND life = ?`,
      parameters: [stampUpTo(isTombstone ? timeMs : hiddenMs), node, of],
    });
    return 1;
  };
  return (
    remove('mentioned, lineage, registers', rows.rowKind.node, row[2]) +
    remove('deleted', rows.rowKind.tombstone, row[3])
  );
}

function edgeTombstoneRemovals(look: Look, row: CassandraRow): number {
  const { connection, expiry, life, writes } = look;
  const [edge, of, timeMs] = [bytesOf(row[0]), integerOf(row[1]), timeOf(row[2])];
  const hiddenMs = BigInt(of) >= life ? null : rows.expiredAt(edge, rows.timeBytes(timeMs), expiry);
  if (hiddenMs === null) return 0;
  noteTombstone(look, edge, timeMs);
  writes.add('edge_tombstones', edge, {
    query: `DELETE time FROM ${connection.table('edge_tombstones')} USING TIMESTAMP ? WHERE edge = ? AND life = ?`,
    parameters: [stampUpTo(timeMs), edge, of],
  });
  return 1;
}

/** It goes with the time that it had: a later delete is not to be taken away unseen. */
function noteTombstone({ expiry, tombstones }: Look, key: Buffer, timeMs: number): void {
  const hiding = hidingTypeOf(decodeGraphKey(key), expiry);
  if (hiding !== null) tombstones.push([hiding, timeMs]);
}

function rowRemovals(
  { connection, expiry, life, writes }: Look,
  table: SweptTable,
  row: CassandraRow,
): number {
  const [side, bucket, key, stamp] = [bytesOf(row[0]), bytesOf(row[1]), optionalBytes(row[2]), row[3]];
  // A partition whose rows are gone may still say that it was divided.
  if (key === null || typeof stamp !== 'bigint') return 0;
  if (stamp % 1_000n >= life) return 0;
  if (rows.expiredAt(Buffer.concat([side, key]), Buffer.alloc(0), expiry) === null) return 0;
  const statement: Statement = {
    query: `DELETE FROM ${connection.table(table)} USING TIMESTAMP ? WHERE side = ? AND bucket = ? AND key = ?`,
    parameters: [stamp, side, bucket, key],
  };
  writes.add(table, [side, bucket], statement);
  return 1;
}
