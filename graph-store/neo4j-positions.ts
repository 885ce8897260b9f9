import { Estimates, storedSketch } from './estimates.ts';
import type { Advance, SourcePartition } from './graph-store.ts';
import type { Queries } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { bytesOf, type Parameter, signed, textOf } from './neo4j-values.ts';
import { claimed, decodePosition, encodePosition, type Position, positionKey } from './position.ts';

/** Locks the partitions' positions, in the order of their keys, and reads them: behind the lock, see `readNodes`. */
export async function lockPositions(
  queries: Queries,
  keys: readonly string[],
): Promise<Map<string, Position>> {
  const sorted = [...keys].sort();
  const [, found] = await Promise.all([
    queries.run('UNWIND $keys AS key MATCH (p:JgPosition {jgKey: key}) SET p.jgLock = true', {
      keys: sorted,
    }),
    queries.run('UNWIND $keys AS key MATCH (p:JgPosition {jgKey: key}) RETURN key, p.position', {
      keys: sorted,
    }),
  ]);
  return new Map(found.map((row) => [textOf(row.get(0)), decodePosition(Buffer.from(textOf(row.get(1))))]));
}

/** Every position of the graph, locked: nobody can apply anything to it until the transaction ends, for claims wait as well. */
export async function lockAllPositions(queries: Queries, keys: Neo4jKeys): Promise<readonly Position[]> {
  const [, found] = await Promise.all([
    queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key: keys.store }),
    queries.run('MATCH (p:JgPosition) WHERE p.jgKey >= $gte AND p.jgKey < $lt RETURN p.jgKey', {
      ...keys.all,
    }),
  ]);
  return [
    ...(
      await lockPositions(
        queries,
        found.map((row) => textOf(row.get(0))),
      )
    ).values(),
  ];
}

export async function readPositions(queries: Queries, keys: Neo4jKeys): Promise<readonly Position[]> {
  const found = await queries.run(
    'MATCH (p:JgPosition) WHERE p.jgKey >= $gte AND p.jgKey < $lt RETURN p.position',
    { ...keys.all },
  );
  return found.map((row) => decodePosition(Buffer.from(textOf(row.get(0)))));
}

/** One epoch further; of a graph that is being restored nothing, and the transaction is not to be committed. The graph's row is locked first, so that whoever holds all positions holds those to come as well. */
export async function claimPosition(
  queries: Queries,
  keys: Neo4jKeys,
  source: SourcePartition,
): Promise<{ readonly position: Position; readonly estimates: Estimates } | 'restoring'> {
  const key = keys.position(positionKey(source));
  const [, , [row], [store]] = await Promise.all([
    queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key: keys.store }),
    queries.run('MERGE (p:JgPosition {jgKey: $key}) SET p.jgLock = true', { key }),
    queries.run('MATCH (p:JgPosition {jgKey: $key}) RETURN p.position, p.nodes, p.edges', { key }),
    queries.run('MATCH (s:JgStore {jgKey: $key}) RETURN s.restoring', { key: keys.store }),
  ]);
  if (store?.get(0) === true) return 'restoring';
  const stored = row?.get(0) ?? null;
  const before = stored === null ? undefined : decodePosition(Buffer.from(textOf(stored)));
  const position = claimed(source, before);
  await writePositions(queries, [[key, positionRow(position)]]);
  return { position, estimates: estimatesOf(row?.get(1) ?? null, row?.get(2) ?? null) };
}

export async function writePositions(
  queries: Queries,
  rows: readonly (readonly [key: string, row: Record<string, Parameter>])[],
): Promise<void> {
  await queries.run('UNWIND $rows AS row MATCH (p:JgPosition {jgKey: row[0]}) SET p += row[1]', { rows });
}

/** What is stored, and what of it people read in Cypher. */
export function positionRow(position: Position): Record<string, Parameter> {
  const { source, epoch, next } = position;
  return {
    position: encodePosition(position).toString(),
    topic: source.topic,
    partition: BigInt(source.partition),
    epoch: BigInt(epoch),
    next: next === null ? null : BigInt.asIntN(64, next),
  };
}

export function estimateRow({ nodes, edges }: Estimates): Record<string, Parameter> {
  return { nodes: signed(Buffer.from(nodes.registers)), edges: signed(Buffer.from(edges.registers)) };
}

function estimatesOf(nodes: unknown, edges: unknown): Estimates {
  const stored = (registers: unknown): Buffer | null => (registers === null ? null : bytesOf(registers));
  return new Estimates(storedSketch(stored(nodes)), storedSketch(stored(edges)));
}

/** Positions as the group will leave them; equal to what is stored once its commit has come through. */
export function isSame(a: Position | undefined, b: Position | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return encodePosition(a).equals(encodePosition(b));
}

export function partitionKey(keys: Neo4jKeys, { source }: Pick<Advance, 'source'>): string {
  return keys.position(positionKey(source));
}
