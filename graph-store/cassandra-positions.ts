import { OutageError } from '../foundation/index.ts';
import type { CassandraConnection, CassandraRow, Statement } from './cassandra-connection.ts';
import { lastStamp } from './cassandra-stamps.ts';
import { integerOf, optionalBytes, textOf } from './cassandra-values.ts';
import { Estimates, storedSketch } from './estimates.ts';
import type { SourcePartition } from './graph-store.ts';
import { claimed, decodePosition, encodePosition, type Position, positionKey } from './position.ts';
import { newestEventOf } from './removal-moment.ts';

export interface StoredPosition {
  readonly position: Position;
  readonly estimates: Estimates;
}

/** Claims that race: each that loses tries again with the next epoch. */
const claimAttemptsMax = 20;

/**
 * Where the partition's epochs came to. Each epoch has a row of its own, which its owner alone writes: what a claimant that was fenced still writes lands in its own
 * row, where nobody looks any more. So only a claim needs a lightweight transaction.
 */
export async function claimPosition(
  connection: CassandraConnection,
  source: SourcePartition,
): Promise<StoredPosition> {
  const key = positionKey(source);
  for (let attempt = 0; attempt < claimAttemptsMax; attempt += 1) {
    const before = await epochOf(connection, key);
    const stored = await positionOf(connection, key);
    const epoch = Math.max(before ?? 0, stored?.position.epoch ?? 0) + 1;
    if (!(await moveEpoch(connection, key, before, epoch))) continue;
    // Read again: behind the fence, what the owner before said last is what counts.
    const last = await positionOf(connection, key);
    const position = { ...claimed(source, last?.position), epoch };
    const estimates = last?.estimates ?? new Estimates();
    const { nodes, edges } = estimates;
    await connection.write([
      positionStatement(connection, position, { nodes, edges, changed: true }),
      {
        query: `DELETE FROM ${connection.table('positions')} USING TIMESTAMP ? WHERE source = ? AND epoch < ?`,
        parameters: [lastStamp, key, epoch - 1],
      },
    ]);
    return { position, estimates };
  }
  throw new OutageError(
    'STORE_WRITE_FAILED',
    `Partition ${source.partition} of topic ${source.topic} was claimed by others ${claimAttemptsMax} times in a row; claim it again.`,
  );
}

export async function epochOf(connection: CassandraConnection, key: string): Promise<number | null> {
  const [row] = await connection.rows(`SELECT epoch FROM ${connection.table('claims')} WHERE source = ?`, [
    key,
  ]);
  return row === undefined ? null : integerOf(row[0]);
}

async function moveEpoch(
  connection: CassandraConnection,
  key: string,
  before: number | null,
  epoch: number,
): Promise<boolean> {
  const claims = connection.table('claims');
  return before === null
    ? await connection.conditionally(`INSERT INTO ${claims} (source, epoch) VALUES (?, ?) IF NOT EXISTS`, [
        key,
        epoch,
      ])
    : await connection.conditionally(`UPDATE ${claims} SET epoch = ? WHERE source = ? IF epoch = ?`, [
        epoch,
        key,
        before,
      ]);
}

async function positionOf(connection: CassandraConnection, key: string): Promise<StoredPosition | null> {
  const [row] = await connection.rows(
    `SELECT source, epoch, position, nodes, edges FROM ${connection.table('positions')} WHERE source = ? ORDER BY epoch DESC LIMIT 1`,
    [key],
  );
  return row === undefined ? null : storedOf(row);
}

/** Of every partition, what its greatest epoch wrote last. */
export async function allPositions(connection: CassandraConnection): Promise<readonly StoredPosition[]> {
  return (await newestRows(connection, ', nodes, edges')).map(storedOf);
}

/** Without sketches, which are eight kilobytes a row: each process asks every few seconds, of all partitions there are. */
export async function allPositionsAlone(connection: CassandraConnection): Promise<readonly Position[]> {
  return (await newestRows(connection, '')).map(([, , position]) => positionOfRow(position));
}

async function newestRows(
  connection: CassandraConnection,
  further: '' | ', nodes, edges',
): Promise<readonly CassandraRow[]> {
  const rows = await connection.rows(
    `SELECT source, epoch, position${further} FROM ${connection.table('positions')}`,
  );
  const newest = new Map<string, { readonly epoch: number; readonly row: CassandraRow }>();
  for (const row of rows) {
    const [source, epoch] = [textOf(row[0]), integerOf(row[1])];
    if (epoch > (newest.get(source)?.epoch ?? -1)) newest.set(source, { epoch, row });
  }
  return [...newest.values()].map(({ row }) => row);
}

/** Of all epochs: what a fenced owner applied last is there as well. */
export async function newestEventMs(connection: CassandraConnection): Promise<number> {
  const rows = await connection.rows(`SELECT position FROM ${connection.table('positions')}`);
  return newestEventOf(rows.map(([position]) => positionOfRow(position)));
}

/** Its stamp grows with the position, so that an older write that comes late changes nothing. */
export function positionStatement(
  connection: CassandraConnection,
  position: Position,
  { nodes, edges, changed }: Pick<Estimates, 'nodes' | 'edges' | 'changed'>,
): Statement {
  const stamp = (position.next ?? -1n) + 2n;
  const row = [positionKey(position.source), position.epoch, encodePosition(position).toString()];
  const positions = connection.table('positions');
  if (!changed) {
    return {
      query: `INSERT INTO ${positions} (source, epoch, position) VALUES (?, ?, ?) USING TIMESTAMP ?`,
      parameters: [...row, stamp],
    };
  }
  return {
    query: `INSERT INTO ${positions} (source, epoch, position, nodes, edges) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
    parameters: [...row, Buffer.from(nodes.registers), Buffer.from(edges.registers), stamp],
  };
}

function storedOf([, , position, nodes, edges]: CassandraRow): StoredPosition {
  return {
    position: positionOfRow(position),
    estimates: new Estimates(storedSketch(optionalBytes(nodes)), storedSketch(optionalBytes(edges))),
  };
}

function positionOfRow(column: CassandraRow[number]): Position {
  return decodePosition(Buffer.from(textOf(column)));
}
