import { must } from '../foundation/index.ts';
import type { Applied } from './graph-store.ts';
import type { Queries } from './neo4j-connection.ts';
import { mergeChanges, type Neo4jGroup, type OccurrenceRow, type TouchedNode } from './neo4j-group.ts';
import { type Neo4jKeys, nativeName, quoted } from './neo4j-keys.ts';
import {
  bytesOf,
  integerOf,
  type Parameter,
  plainProperties,
  signed,
  textOf,
  timeOf,
} from './neo4j-values.ts';
import { decodeNodeRow, type NodeRowMerger } from './node-row.ts';
import { propertiesOf } from './register.ts';

const setProperties = 'UNWIND $rows AS row MATCH (n) WHERE elementId(n) = row[0] SET n += row[1]';

interface StoredNode {
  readonly id: string;
  readonly row: string | undefined;
  readonly deletedMs: number;
}

/**
 * Writes a group, in this order: all nodes that it touches are locked in the order of their keys (two writers of one graph then wait for each
 * other instead of for a deadlock), rows that change are read and merged, then everything is written. Answers the counts of each batch.
 */
export async function writeGroup(
  queries: Queries,
  group: Neo4jGroup,
  batches: number,
  keys: Neo4jKeys,
  merger: NodeRowMerger,
): Promise<readonly Applied[]> {
  const applied = Array.from({ length: batches }, () => ({
    nodeWrites: 0,
    nodeWritesSuppressed: 0,
    nodeWritesCoalesced: 0,
  }));
  const ids = await lockNodes(queries, group.nodes, keys);
  const changing = [...group.nodes.values()].filter(isChanging);
  const occurrences = sorted(group.occurrences);
  const [stored, ...present] = await Promise.all([
    readNodes(queries, changing, ids),
    ...occurrences.map(([relation, found]) => presentOf(queries, relation, found)),
    writeSteps(queries, group.steps),
    writeEdgeTombstones(queries, group.edgeTombstones),
  ]);
  const writes: Parameter[] = [];
  for (const [i, node] of changing.entries()) {
    const before = must(stored[i], 'a locked node is found again');
    const row = node.row ?? mergeChanges(merger, before.row, node.changes, applied);
    if (row === null && node.deletedMs <= before.deletedMs) continue;
    writes.push([
      before.id,
      nodeProperties(before, row ?? before.row, Math.max(node.deletedMs, before.deletedMs)),
    ]);
  }
  await Promise.all([
    writes.length === 0 ? null : queries.run(setProperties, { rows: writes }),
    ...occurrences.map(([relation, found], i) =>
      writeOccurrences(queries, relation, found, present[i] ?? new Set(), ids),
    ),
  ]);
  return applied;
}

function isChanging({ changes, row, deletedMs }: TouchedNode): boolean {
  return changes.length > 0 || row !== null || deletedMs >= 0;
}

/** By key: their ids, which find them faster than keys do. Nodes that nobody has mentioned yet are made. */
async function lockNodes(
  queries: Queries,
  nodes: ReadonlyMap<string, TouchedNode>,
  keys: Neo4jKeys,
): Promise<Map<string, string>> {
  const byType = Map.groupBy([...nodes.values()], ({ ref }) => keys.typeStart(ref.type));
  const locking = sorted(byType).map(([start, group]) => {
    const native = nativeName(must(group[0], 'a group has a member').ref.type);
    const labels = native === null ? '' : `, n:${quoted(native)}`;
    return queries.run(
      `UNWIND $keys AS key
       MERGE (n:JgNode {jgKey: key}) ON CREATE SET n.jgId = substring(key, $start)${labels}
       SET n.jgLock = true
       RETURN key, elementId(n)`,
      { keys: group.map(({ key }) => key).sort(), start: BigInt(start.length) },
    );
  });
  const found = (await Promise.all(locking)).flat();
  return new Map(found.map((row) => [textOf(row.get(0)), textOf(row.get(1))]));
}

/**
 * In a query of its own behind the one that locks: within one, the planner may read properties before the lock is there, and a write that
 * was committed while waiting for it would be lost.
 */
async function readNodes(
  queries: Queries,
  nodes: readonly TouchedNode[],
  ids: ReadonlyMap<string, string>,
): Promise<(StoredNode | undefined)[]> {
  if (nodes.length === 0) return [];
  const found = new Array<StoredNode | undefined>(nodes.length);
  const rows = await queries.run(
    `UNWIND range(0, size($ids) - 1) AS i MATCH (n) WHERE elementId(n) = $ids[i]
     RETURN i, elementId(n), n.jgRow, n.jgDeleted`,
    { ids: nodes.map(({ key }) => ids.get(key) ?? '') },
  );
  for (const row of rows) {
    const bytes = row.get(2);
    found[integerOf(row.get(0))] = {
      id: textOf(row.get(1)),
      row: bytes === null ? undefined : bytesOf(bytes).toString('latin1'),
      deletedMs: timeOf(row.get(3)),
    };
  }
  return found;
}

/** What is to be set, nulls for what is to go: the row, and its visible properties for people. */
function nodeProperties(
  before: StoredNode,
  row: string | undefined,
  deletedMs: number,
): Record<string, Parameter> {
  const properties: Record<string, Parameter> = Object.create(null);
  if (before.row !== undefined) {
    for (const name of Object.keys(plainOf(before.row, before.deletedMs))) properties[name] = null;
  }
  if (row !== undefined) {
    const bytes = Buffer.from(row, 'latin1');
    const ours = { jgMentioned: BigInt(decodeNodeRow(bytes).mentionedMs), jgRow: signed(bytes) };
    Object.assign(properties, plainOf(row, deletedMs), ours);
  }
  return deletedMs < 0 ? properties : { ...properties, jgDeleted: BigInt(deletedMs) };
}

function plainOf(row: string, hiddenMs: number): Record<string, Parameter> {
  return plainProperties(propertiesOf(decodeNodeRow(Buffer.from(row, 'latin1')).registers, hiddenMs));
}

async function writeSteps(queries: Queries, steps: ReadonlyMap<string, readonly Parameter[]>): Promise<void> {
  if (steps.size === 0) return;
  await queries.run(
    `UNWIND $rows AS row MERGE (s:JgStep {jgKey: row[0]})
     SET s.jgTime = row[1], s.jgDomain = row[2], s.jgAction = row[3], s.jgValue = row[4]`,
    { rows: sorted(steps).map(([, columns]) => columns) },
  );
}

async function writeEdgeTombstones(queries: Queries, tombstones: ReadonlyMap<string, number>): Promise<void> {
  if (tombstones.size === 0) return;
  await queries.run(
    `UNWIND $rows AS row MERGE (x:JgEdgeTombstone {jgKey: row[0]})
     SET x.jgTime = CASE WHEN x.jgTime > row[1] THEN x.jgTime ELSE row[1] END`,
    { rows: sorted(tombstones).map(([key, timeMs]) => [key, BigInt(timeMs)]) },
  );
}

async function presentOf(
  queries: Queries,
  relation: string,
  occurrences: ReadonlyMap<string, OccurrenceRow>,
): Promise<ReadonlySet<string>> {
  const found = await queries.run(
    `UNWIND $keys AS key MATCH ()-[r:${quoted(relation)} {jgOut: key}]->() RETURN key`,
    { keys: [...occurrences.keys()].sort() },
  );
  return new Set(found.map((row) => textOf(row.get(0))));
}

/**
 * Occurrences that are present already get the newer lineage; the others are made. MERGE would look through all relationships between the
 * two nodes instead of into the index.
 */
async function writeOccurrences(
  queries: Queries,
  relation: string,
  occurrences: ReadonlyMap<string, OccurrenceRow>,
  present: ReadonlySet<string>,
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const all = sorted(occurrences);
  const again = all.filter(([key]) => present.has(key)).map(([, { columns }]) => columns);
  const missing = all
    .filter(([key]) => !present.has(key))
    .map(([, { from, to, columns }]) => [...columns, ids.get(from.key) ?? '', ids.get(to.key) ?? '']);
  const name = quoted(relation);
  await Promise.all([
    again.length === 0
      ? null
      : queries.run(
          `UNWIND $rows AS row MATCH ()-[r:${name} {jgOut: row[0]}]->()
           SET r = row[4] SET r += {jgOut: row[0], jgIn: row[1], jgTime: row[2], jgValue: row[3]}`,
          {
            rows: again,
          },
        ),
    missing.length === 0
      ? null
      : queries.run(
          `UNWIND $rows AS row
           MATCH (a) WHERE elementId(a) = row[5] MATCH (b) WHERE elementId(b) = row[6]
           CREATE (a)-[r:${name} {jgOut: row[0], jgIn: row[1], jgTime: row[2], jgValue: row[3]}]->(b)
           SET r += row[4]`,
          { rows: missing },
        ),
  ]);
}

/** By the text of their keys: any order does, as long as all writers keep to one. */
function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
