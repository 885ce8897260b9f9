import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RefusedError, StopError } from '../foundation/index.ts';
import type { GraphSnapshot, SourceStatus } from './graph-store.ts';
import { HyperLogLog } from './hyperloglog.ts';
import { originKey } from './lineage.ts';
import type { Queries } from './neo4j-connection.ts';
import { type Estimates, Neo4jGroup } from './neo4j-group.ts';
import { writeGroup } from './neo4j-group-write.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { estimateRow, lockAllPositions, positionRow } from './neo4j-positions.ts';
import { allRows } from './neo4j-rows.ts';
import { integerOf, textOf } from './neo4j-values.ts';
import type { WriterParts } from './neo4j-writer.ts';
import { compareSources, positionKey, statusOf } from './position.ts';
import type { TimeToLive } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows written in one transaction while a graph is restored. */
const restoreRows = 2_000;
const originTag = originKey(0)[0];

/**
 * Neo4j has no view of a graph at one moment, so the rows are copied to a file while every position is locked; batches wait so long and then
 * go on. The caller deletes the file by disposing of the snapshot.
 */
export async function takeSnapshot(
  { connection, keys }: Pick<WriterParts, 'connection' | 'keys'>,
  timeToLive: TimeToLive,
): Promise<GraphSnapshot> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-snapshot-'));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'rows');
  try {
    const sources = await connection.write(async (queries) => {
      const positions = await lockAllPositions(queries, keys);
      await pipeline(Readable.from(framesOf(queries, keys)), createWriteStream(file));
      return positions.map(statusOf).sort(compareSources);
    }, null);
    return { sources, timeToLive, rows: () => rowsIn(file), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function* framesOf(queries: Queries, keys: Neo4jKeys): AsyncGenerator<Buffer> {
  for (const row of await queries.run(
    'MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt RETURN o.id, o.origin',
    { ...keys.all },
  )) {
    yield frameOf(originKey(integerOf(row.get(0))), Buffer.from(textOf(row.get(1))));
  }
  for await (const [key, value] of allRows(queries, keys)) yield frameOf(key, value);
}

function frameOf(key: Buffer, value: Buffer): Buffer {
  const lengths = Buffer.allocUnsafe(8);
  lengths.writeUInt32BE(key.length);
  lengths.writeUInt32BE(value.length, 4);
  return Buffer.concat([lengths, key, value]);
}

async function* rowsIn(file: string): AsyncGenerator<Row> {
  let rest = Buffer.alloc(0);
  const chunks: AsyncIterable<Buffer> = createReadStream(file);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 8) {
      const keyEnd = at + 8 + bytes.readUInt32BE(at);
      const end = keyEnd + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      yield [bytes.subarray(at + 8, keyEnd), bytes.subarray(keyEnd, end)];
      at = end;
    }
    rest = bytes.subarray(at);
  }
}

export function restoreIncomplete(namespace: string): StopError {
  return new StopError(
    'STORE_RESTORE_INCOMPLETE',
    `The graph in namespace "${namespace}" of Neo4j was being restored and is not complete; take another \`neo4j.namespace\`, or remove it as docs/neo4j.md says, then restore it again.`,
  );
}

/** Throws RefusedError STORE_NOT_EMPTY. Whatever else it throws, the graph counts as not restored from then on. */
export async function restoreRowsOf(
  parts: WriterParts,
  snapshot: Pick<GraphSnapshot, 'sources' | 'timeToLive' | 'rows'>,
  ensureEdgeType: (type: string) => Promise<void>,
  begun: () => void,
): Promise<void> {
  const { connection, keys, hash } = parts;
  await connection.write((queries) => beginRestore(queries, keys, connection.settings.namespace));
  begun();
  const estimates: Estimates = { nodes: new HyperLogLog(), edges: new HyperLogLog(), changed: false };
  let group = new Neo4jGroup(keys, hash);
  let origins: Row[] = [];
  let waiting = 0;
  const flush = async (): Promise<void> => {
    for (const type of group.edgeTypes) await ensureEdgeType(type);
    await connection.write((queries) => writeRows(queries, parts, group, origins));
    group = new Neo4jGroup(keys, hash);
    origins = [];
    waiting = 0;
  };
  for await (const [key, value] of snapshot.rows()) {
    if (key[0] === originTag) origins.push([key, value]);
    else group.addRow(key, value, estimates);
    waiting += 1;
    if (waiting >= restoreRows) await flush();
  }
  await flush();
  await connection.write(async (queries) => {
    await writeSources(queries, keys, snapshot.sources);
    await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s += $row REMOVE s.restoring', {
      key: keys.store,
      row: { ...estimateRow(estimates), timeToLive: JSON.stringify(snapshot.timeToLive) },
    });
  });
}

async function beginRestore(queries: Queries, keys: Neo4jKeys, namespace: string): Promise<void> {
  await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key: keys.store });
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
  await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.restoring = true', { key: keys.store });
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
