import { rootBucket } from './cassandra-buckets.ts';
import type { CassandraConnection, Statement } from './cassandra-connection.ts';
import type { CassandraGroup, EdgeTombstone, NodeChanges } from './cassandra-group.ts';
import type { CassandraNodeCache, CellWrite } from './cassandra-node-cache.ts';
import { PartitionedWrites } from './cassandra-partitioned-writes.ts';
import type { CassandraPlacement } from './cassandra-placement.ts';
import { nodesToPrune, pruneSets } from './cassandra-set-pruning.ts';
import { stampOf } from './cassandra-stamps.ts';
import type { Applied } from './graph-store.ts';

/** A group as the statements that write it. */
export interface PreparedGroup {
  /** Of each batch. */
  readonly applied: readonly Applied[];
  readonly writes: PartitionedWrites;
  readonly marked: Marks;
  /** Nodes whose sets are looked at behind it. */
  readonly looks: readonly Buffer[];
}

type Marks = Parameters<CassandraPlacement['beside']>[2];

/** From here on the node cache takes it as written. */
export function prepareGroup(
  connection: CassandraConnection,
  group: CassandraGroup,
  batches: number,
  cache: CassandraNodeCache,
  placement: CassandraPlacement,
  hash: (bytes: Uint8Array) => number,
): PreparedGroup {
  const applied = Array.from({ length: batches }, () => ({
    nodeWrites: 0,
    nodeWritesSuppressed: 0,
    nodeWritesCoalesced: 0,
  }));
  const writes = new PartitionedWrites();
  const looks: Buffer[] = [];
  for (const changes of group.nodes.values()) {
    const cells = cache.merge(changes, applied);
    for (const write of cells) addCells(writes, connection, write);
    looks.push(...nodesToPrune(cells, hash));
    addTombstone(writes, connection, changes);
  }
  return { applied, writes, marked: addRest(connection, group, writes, placement), looks };
}

/** Writes every row for itself. Behind it all of the group is durable. */
export async function writeGroup(
  connection: CassandraConnection,
  { writes, marked, looks }: PreparedGroup,
  placement: CassandraPlacement,
): Promise<void> {
  await writeMarked(connection, writes, marked, placement);
  await Promise.all(looks.map((node) => pruneSets(connection, node)));
}

/** Rows and tombstones, with the places and marks that go with them. */
export async function writeRest(
  connection: CassandraConnection,
  group: CassandraGroup,
  writes: PartitionedWrites,
  placement: CassandraPlacement,
): Promise<void> {
  await writeMarked(connection, writes, addRest(connection, group, writes, placement), placement);
}

function addRest(
  connection: CassandraConnection,
  group: CassandraGroup,
  writes: PartitionedWrites,
  placement: CassandraPlacement,
): Marks {
  for (const tombstone of group.edgeTombstones.values()) addEdgeTombstone(writes, connection, tombstone);
  const marked: Marks = new Map();
  const insert = (table: string): string =>
    `INSERT INTO ${connection.table(table)} (side, bucket, key, value) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`;
  const queries = { steps: insert('steps'), edges_out: insert('edges_out'), edges_in: insert('edges_in') };
  for (const row of group.rows.values()) {
    const { table, side, sideText, key, value, stamp } = row;
    const bucket = placement.bucketOf(row);
    for (const statement of placement.beside(row, bucket, marked)) writes.add('beside', side, statement);
    const statement = { query: queries[table], parameters: [side, bucket, key, value, stamp] };
    const name = bucket === rootBucket ? sideText : `${sideText}\0${bucket.toString('latin1')}`;
    writes.add(table, [side, bucket], statement, name);
  }
  return marked;
}

async function writeMarked(
  connection: CassandraConnection,
  writes: PartitionedWrites,
  marked: Marks,
  placement: CassandraPlacement,
): Promise<void> {
  try {
    await writes.write(connection);
  } catch (error) {
    placement.forgetListed();
    throw error;
  }
  await placement.look(marked.values());
}

export function addCells(
  writes: PartitionedWrites,
  connection: CassandraConnection,
  { node, life, timeMs, lineage, cells }: CellWrite,
): void {
  const stamp = stampOf(timeMs);
  const nodes = connection.table('nodes');
  const time = BigInt(timeMs);
  const statement: Statement =
    cells.size === 0
      ? {
          query: `UPDATE ${nodes} USING TIMESTAMP ? SET mentioned = ?, lineage = ? WHERE node = ? AND life = ?`,
          parameters: [stamp, time, lineage, node, life],
        }
      : {
          query: `UPDATE ${nodes} USING TIMESTAMP ? SET mentioned = ?, lineage = ?, registers = registers + ? WHERE node = ? AND life = ?`,
          parameters: [stamp, time, lineage, cells, node, life],
        };
  writes.add('nodes', node, statement);
}

export function addTombstone(
  writes: PartitionedWrites,
  connection: CassandraConnection,
  { node, life, deletedMs }: NodeChanges,
): void {
  if (deletedMs < 0) return;
  writes.add('nodes', node, {
    query: `UPDATE ${connection.table('nodes')} USING TIMESTAMP ? SET deleted = ? WHERE node = ? AND life = ?`,
    parameters: [stampOf(deletedMs), BigInt(deletedMs), node, life],
  });
}

function addEdgeTombstone(
  writes: PartitionedWrites,
  connection: CassandraConnection,
  { edge, life, timeMs }: EdgeTombstone,
): void {
  writes.add('edge_tombstones', edge, {
    query: `UPDATE ${connection.table('edge_tombstones')} USING TIMESTAMP ? SET time = ? WHERE edge = ? AND life = ?`,
    parameters: [stampOf(timeMs), BigInt(timeMs), edge, life],
  });
}
