import { must, OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { Estimates } from './estimates.ts';
import type { GraphSnapshot, Restorable, SourceStatus } from './graph-store.ts';
import { originKey } from './lineage.ts';
import type { Queries } from './neo4j-connection.ts';
import { Neo4jGroup } from './neo4j-group.ts';
import { writeGroup } from './neo4j-group-write.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { estimateRow, lockAllPositions, positionRow, readPositions } from './neo4j-positions.ts';
import { allRows } from './neo4j-rows.ts';
import { lockRules } from './neo4j-rules.ts';
import { type RestoringGraph, restoringColumns, restoringOf } from './neo4j-schema.ts';
import { integerOf, textOf } from './neo4j-values.ts';
import type { WriterParts } from './neo4j-writer.ts';
import { compareSources, isAsRestored, positionKey, statusOf } from './position.ts';
import { type SpooledRows, spoolRows } from './spooled-rows.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows written in one transaction while a graph is restored, and bytes of their keys and values: a node's row may have hundreds of kilobytes. */
const restoreRows = 2_000;
const restoreBytes = 16 * 2 ** 20;
const originTag = originKey(0)[0];

/**
 * Neo4j has no view of a graph at one moment, so the rows are copied to a file while every position is locked; batches wait so long and then
 * go on. The caller deletes the file by disposing of the snapshot.
 */
export async function takeSnapshot({
  connection,
  keys,
}: Pick<WriterParts, 'connection' | 'keys'>): Promise<GraphSnapshot> {
  let spooled: SpooledRows | null = null;
  const dispose = async (): Promise<void> => await spooled?.[Symbol.asyncDispose]();
  try {
    const locked = await connection.write(async (queries) => {
      // Behind the lock of sweeps: a tombstone that one took away is missing in the rows, and only the rules say so.
      const timeToLive = await lockRules(queries, keys);
      const positions = await lockAllPositions(queries, keys);
      // Of an attempt before, whose transaction failed.
      await dispose();
      spooled = await spoolRows(snapshotRows(queries, keys));
      return { sources: positions.map(statusOf).sort(compareSources), timeToLive };
    }, null);
    const rows = (): ReturnType<SpooledRows['rows']> => must(spooled, 'it was copied').rows();
    return { ...locked, rows, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function* snapshotRows(queries: Queries, keys: Neo4jKeys): AsyncGenerator<Row> {
  for (const row of await queries.run(
    'MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt RETURN o.id, o.origin ORDER BY o.id',
    { ...keys.all },
  )) {
    yield [originKey(integerOf(row.get(0))), Buffer.from(textOf(row.get(1)))];
  }
  yield* allRows(queries, keys);
}

export function restoreIncomplete(namespace: string): StopError {
  return new StopError(
    'STORE_RESTORE_INCOMPLETE',
    `The graph in namespace "${namespace}" of Neo4j was being restored and is not complete; take another \`neo4j.namespace\`, or remove it as docs/neo4j.md says, then restore it again.`,
  );
}

/** To whoever would write meanwhile, and goes on when it has ended. */
export function beingRestored(namespace: string): OutageError {
  return new OutageError(
    'STORE_BEING_RESTORED',
    `The graph in namespace "${namespace}" of Neo4j is being restored by another process; its partitions are claimed once that has ended. If none runs, give its command again.`,
  );
}

/**
 * Does nothing where the same graph is already. Throws RefusedError STORE_NOT_EMPTY. Whatever else it throws, the graph counts as not restored from
 * then on.
 */
export async function restoreRowsOf(
  parts: WriterParts,
  snapshot: Restorable,
  ensureEdgeType: (type: string) => Promise<void>,
  begun: () => void,
): Promise<void> {
  const { connection, keys, hash } = parts;
  const { id = null } = snapshot;
  const kept = await connection.write((queries) =>
    beginRestore(queries, keys, connection.settings.namespace, snapshot),
  );
  if (kept === null) return;
  begun();
  const estimates = new Estimates();
  let group = new Neo4jGroup(keys, hash);
  let origins: Row[] = [];
  let waiting = 0;
  let waitingBytes = 0;
  let rows = 0;
  let written = kept;
  const begin = (): void => {
    group = new Neo4jGroup(keys, hash);
    origins = [];
    waiting = 0;
    waitingBytes = 0;
  };
  const { namespace } = connection.settings;
  const flush = async (): Promise<void> => {
    for (const type of group.edgeTypes) await ensureEdgeType(type);
    await connection.write(async (queries, mayBeDone) => {
      const { before } = await lockRestoring(queries, keys);
      if (mayBeDone && before?.id === id && before.rows === rows) return;
      if (before === null || before.id !== id || before.rows !== written) throw restoredElsewhere(namespace);
      await writeRows(queries, parts, group, origins);
      await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.restoringRows = $rows', {
        key: keys.store,
        rows: BigInt(rows),
      });
    });
    written = rows;
    begin();
  };
  for await (const [key, value] of snapshot.rows()) {
    rows += 1;
    if (key[0] === originTag) origins.push([key, value]);
    else group.addRow(key, value, estimates);
    waiting += 1;
    waitingBytes += key.length + value.length;
    const isFull = waiting >= restoreRows || waitingBytes >= restoreBytes;
    if (rows <= kept) {
      // They are there already, and were counted just now.
      if (rows === kept || isFull) begin();
      continue;
    }
    if (isFull) await flush();
  }
  await flush();
  await connection.write((queries, mayBeDone) =>
    endRestore(queries, parts, { snapshot, rows, estimates }, mayBeDone),
  );
}

async function endRestore(
  queries: Queries,
  { connection, keys }: WriterParts,
  {
    snapshot,
    rows,
    estimates,
  }: { readonly snapshot: Restorable; readonly rows: number; readonly estimates: Estimates },
  mayBeDone: boolean,
): Promise<void> {
  const { id = null } = snapshot;
  const { before, restoredId } = await lockRestoring(queries, keys);
  if (mayBeDone && before === null && restoredId === id) return;
  if (before === null || before.id !== id || before.rows !== rows)
    throw restoredElsewhere(connection.settings.namespace);
  await writeSources(queries, keys, snapshot.sources);
  const row = {
    ...estimateRow(estimates),
    timeToLive: JSON.stringify(snapshot.timeToLive),
    restoredId: id,
  };
  await queries.run(
    'MATCH (s:JgStore {jgKey: $key}) SET s += $row REMOVE s.restoring, s.restoringId, s.restoringRows',
    { key: keys.store, row },
  );
}

/** How many rows of it are there already; null when all is, as it was restored. */
async function beginRestore(
  queries: Queries,
  keys: Neo4jKeys,
  namespace: string,
  snapshot: Restorable,
): Promise<number | null> {
  const { id = null } = snapshot;
  const { before, restoredId } = await lockRestoring(queries, keys);
  if (before !== null) {
    if (id === null || before.id !== id) throw restoreIncomplete(namespace);
    return before.rows;
  }
  const positions = await readPositions(queries, keys);
  const now = positions.map(statusOf);
  if (isAsRestored(restoredId, now, snapshot)) return null;
  const found = await queries.run(
    `MATCH (n:JgNode|JgPosition|JgStep|JgEdgeTombstone|JgOrigin) WHERE n.jgKey >= $gte AND n.jgKey < $lt RETURN 1 LIMIT 1`,
    { ...keys.all },
  );
  if (found.length > 0) {
    throw new RefusedError(
      'STORE_NOT_EMPTY',
      `There is a graph in namespace "${namespace}" of Neo4j already; restore into another \`neo4j.namespace\`.`,
    );
  }
  await queries.run(
    'MATCH (s:JgStore {jgKey: $key}) SET s.restoring = true, s.restoringId = $id, s.restoringRows = 0',
    { key: keys.store, id },
  );
  return 0;
}

/** Whoever restores the same graph too, or goes on behind a pause of hours, must find that out before it writes over what is newer. Read behind the lock, see `readNodes`. */
async function lockRestoring(
  queries: Queries,
  keys: Neo4jKeys,
): Promise<{ readonly before: RestoringGraph | null; readonly restoredId: string | null }> {
  const key = keys.store;
  await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key });
  const text = `MATCH (s:JgStore {jgKey: $key}) RETURN ${restoringColumns}, s.restoredId`;
  const [row] = await queries.run(text, { key });
  const restoredId: unknown = row?.get(3);
  return {
    before: restoringOf(row?.get(0), row?.get(1), row?.get(2)),
    restoredId: typeof restoredId === 'string' ? restoredId : null,
  };
}

function restoredElsewhere(namespace: string): RefusedError {
  return new RefusedError(
    'STORE_NOT_EMPTY',
    `The graph in namespace "${namespace}" of Neo4j is restored by another process too, or was meanwhile; this one has written nothing since.`,
  );
}

async function writeRows(
  queries: Queries,
  { keys, merger }: WriterParts,
  group: Neo4jGroup,
  origins: readonly Row[],
): Promise<void> {
  if (origins.length > 0) {
    const rows = origins.map(([key, value]) => {
      const id = key.readUInt32BE(1);
      return { jgKey: keys.origin(id), id: BigInt(id), origin: value.toString() };
    });
    await queries.run('UNWIND $rows AS row MERGE (o:JgOrigin {jgKey: row.jgKey}) SET o = row', { rows });
  }
  await writeGroup(queries, group, 0, keys, merger);
}

async function writeSources(
  queries: Queries,
  keys: Neo4jKeys,
  sources: readonly SourceStatus[],
): Promise<void> {
  const rows = sources.map((status) => {
    // Nothing of it was ever applied, as a position says with null and a status with 0.
    const next = status.next === 0n && status.fates.consumed === 0 ? null : status.next;
    return { jgKey: keys.position(positionKey(status.source)), ...positionRow({ ...status, next }) };
  });
  await queries.run('UNWIND $rows AS row MERGE (p:JgPosition {jgKey: row.jgKey}) SET p = row', { rows });
}
