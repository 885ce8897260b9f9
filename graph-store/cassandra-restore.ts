import { RefusedError } from '../foundation/index.ts';
import { cellKey, cellOf } from './cassandra-cells.ts';
import { CassandraGroup } from './cassandra-group.ts';
import { addCells, addTombstone, writeRest } from './cassandra-group-write.ts';
import { restoreIncomplete } from './cassandra-knowledge.ts';
import type { CellWrite } from './cassandra-node-cache.ts';
import { PartitionedWrites } from './cassandra-partitioned-writes.ts';
import { allPositions, positionStatement } from './cassandra-positions.ts';
import type { CassandraWriter, WriterParts } from './cassandra-writer.ts';
import { Estimates } from './estimates.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { Restorable } from './graph-store.ts';
import { originKey } from './lineage.ts';
import { decodeNodeRow } from './node-row.ts';
import { isAsRestored, positionOf, statusOf } from './position.ts';
import * as rows from './rows.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows written together while a graph is restored; behind them an interrupted one goes on. */
export const restoreRows = 2_000;
const originTag = originKey(0)[0];
const graphTables = [
  'nodes',
  'steps',
  'edges_out',
  'edge_tombstones',
  'positions',
  'claims',
  'origins',
] as const;

/**
 * Does nothing where the same graph is already. Throws RefusedError STORE_NOT_EMPTY, or StopError STORE_RESTORE_INCOMPLETE where another graph was being
 * restored. Whatever else it throws, the graph counts as not restored from then on.
 */
export async function restoreRowsOf(
  parts: WriterParts,
  writer: CassandraWriter,
  snapshot: Restorable,
  begun: () => void,
): Promise<void> {
  const { connection, knowledge, origins } = parts;
  const { id = null } = snapshot;
  const kept = await beginRestore(parts, snapshot);
  if (kept === null) return;
  begun();
  const estimates = new Estimates();
  let some: Row[] = [];
  let rowsRead = 0;
  const flush = async (): Promise<void> => {
    const group = groupOf(parts, some, estimates);
    // Up to there they are durable already, and were counted just now. What is written again changes nothing.
    if (rowsRead > kept) {
      await writeRows(parts, writer, group, some);
      await knowledge.restored({ id, rows: rowsRead });
    }
    some = [];
  };
  for await (const [key, value] of snapshot.rows()) {
    rowsRead += 1;
    if (key[0] !== originTag) some.push([key, value]);
    else if (rowsRead > kept) await origins.put(key.readUInt32BE(1), value.toString());
    if (some.length >= restoreRows) await flush();
  }
  await flush();
  estimates.changed = true;
  for (const status of snapshot.sources) {
    await connection.write([positionStatement(connection, positionOf(status), estimates)]);
  }
  await knowledge.restoreRules(snapshot.timeToLive);
  await knowledge.endRestoring(id);
}

/** How many rows of it are there already; null when all is, as it was restored. */
async function beginRestore(parts: WriterParts, snapshot: Restorable): Promise<number | null> {
  const { connection, knowledge } = parts;
  const { id = null } = snapshot;
  await knowledge.refresh();
  const { restoring, restoredId } = knowledge;
  if (restoring === null) {
    const positions = await allPositions(connection);
    const now = positions.map(({ position }) => statusOf(position));
    if (isAsRestored(restoredId, now, snapshot)) return null;
    await assertEmpty(parts);
    await knowledge.beginRestoring(id);
    return 0;
  }
  if (id === null || restoring.id !== id) throw restoreIncomplete(connection.settings.keyspace);
  return restoring.rows;
}

async function assertEmpty({ connection }: WriterParts): Promise<void> {
  for (const table of graphTables) {
    const { rows: found } = await connection.page(
      `SELECT * FROM ${connection.table(table)} LIMIT 1`,
      [],
      1,
      null,
    );
    if (found.length === 0) continue;
    throw new RefusedError(
      'STORE_NOT_EMPTY',
      `There is a graph in keyspace ${connection.settings.keyspace} already; restore into another \`cassandra.keyspace\`.`,
    );
  }
}

function groupOf({ hash }: WriterParts, some: readonly Row[], estimates: Estimates): CassandraGroup {
  const group = new CassandraGroup(hash, { expiry: new Expiry(keptForEver, 0), life: 0 });
  for (const [key, value] of some) group.addRow(key, value, estimates);
  return group;
}

async function writeRows(
  { connection, placement }: WriterParts,
  writer: CassandraWriter,
  group: CassandraGroup,
  some: readonly Row[],
): Promise<void> {
  const writes = new PartitionedWrites();
  for (const [key, value] of some) {
    if (rows.rowKindOf(key) !== rows.rowKind.node) continue;
    for (const write of cellWritesOf(key, value)) addCells(writes, connection, write);
  }
  for (const changes of group.nodes.values()) addTombstone(writes, connection, changes);
  await writer.announce(group);
  await writeRest(connection, group, writes, placement);
}

/** A row's registers by the event times that they were written at. */
function cellWritesOf(key: Buffer, value: Buffer): CellWrite[] {
  const what = decodeGraphKey(key);
  const { mentionedMs, lineage, registers } = decodeNodeRow(value);
  const byTime = new Map<number, Map<Buffer, Buffer>>([[mentionedMs, new Map()]]);
  for (const register of registers) {
    const of = byTime.get(register.timeMs) ?? new Map<Buffer, Buffer>();
    byTime.set(register.timeMs, of.set(Buffer.from(cellKey(register), 'latin1'), cellOf(register).value));
  }
  const node = rows.nodePrefix(what.node);
  return [...byTime].map(([timeMs, cells]) => ({ node, life: 0, timeMs, lineage, cells }));
}
