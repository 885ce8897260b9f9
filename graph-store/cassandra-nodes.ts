import { registersIn } from './cassandra-cells.ts';
import type { CassandraConnection, CassandraRow } from './cassandra-connection.ts';
import { mapOf, optionalBytes, timeOf } from './cassandra-values.ts';
import type { NodeRef } from './model.ts';
import { mergeRegisters, type Register } from './register.ts';
import * as rows from './rows.ts';

export interface StoredNode {
  /** -1 when no node mutation mentioned it. */
  readonly mentionedMs: number;
  /** Without its length. */
  readonly lineage: Buffer;
  readonly registers: readonly Register[];
  /** -1 when nobody deleted it. */
  readonly deletedMs: number;
}

export const nothingStored: StoredNode = {
  mentionedMs: -1,
  lineage: Buffer.alloc(0),
  registers: [],
  deletedMs: -1,
};

/** What stands behind a node's key, in this order: mentioned, lineage, deleted, registers. */
export const nodeColumns = 'mentioned, lineage, deleted, registers';

export async function readNode(connection: CassandraConnection, ref: NodeRef): Promise<StoredNode> {
  const found = await connection.rows(
    `SELECT ${nodeColumns} FROM ${connection.table('nodes')} WHERE node = ?`,
    [rows.nodePrefix(ref)],
  );
  return joinLives(found.map((row) => storedOf(row, 0)));
}

/** -1 when nobody deleted it. */
export async function readDeleted(connection: CassandraConnection, node: Buffer): Promise<number> {
  const found = await connection.rows(`SELECT deleted FROM ${connection.table('nodes')} WHERE node = ?`, [
    node,
  ]);
  return found.reduce((newest, [deleted]) => Math.max(newest, timeOf(deleted)), -1);
}

export async function readEdgeDeleted(connection: CassandraConnection, edge: Buffer): Promise<number> {
  const found = await connection.rows(
    `SELECT time FROM ${connection.table('edge_tombstones')} WHERE edge = ?`,
    [edge],
  );
  return found.reduce((newest, [time]) => Math.max(newest, timeOf(time)), -1);
}

export function storedOf(row: CassandraRow, at: number): StoredNode {
  return {
    mentionedMs: timeOf(row[at]),
    lineage: optionalBytes(row[at + 1]) ?? nothingStored.lineage,
    deletedMs: timeOf(row[at + 2]),
    registers: registersIn(mapOf(row[at + 3])),
  };
}

/** A row may lie in several lives, when it was delivered again after it was hidden: together they are the row. */
export function joinLives(lives: readonly StoredNode[]): StoredNode {
  return lives.reduce((a, b) => {
    const [older, newer] = a.mentionedMs > b.mentionedMs ? [b, a] : [a, b];
    return {
      mentionedMs: newer.mentionedMs,
      lineage: newer.lineage,
      registers:
        older.registers.length === 0 ? newer.registers : mergeRegisters(older.registers, newer.registers),
      deletedMs: Math.max(a.deletedMs, b.deletedMs),
    };
  }, nothingStored);
}
