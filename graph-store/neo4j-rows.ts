import type { Queries } from './neo4j-connection.ts';
import { edgePlace, type Neo4jKeys, quoted } from './neo4j-keys.ts';
import { scan, stepsText } from './neo4j-scan.ts';
import { edgeTypesOf, edgeTypesQuery } from './neo4j-schema.ts';
import { bytesOf, integerOf, textOf, timeOf } from './neo4j-values.ts';
import * as rows from './rows.ts';

/** What is read in one go when all of a graph is. */
const chunkRows = 256;

/** A part of a graph that is read by its own index: a label of ours, or a relationship type. */
export type Part = 'nodes' | 'steps' | 'tombstones' | `>${string}`;

/** What stands under one key: up to two rows for a node, its tombstone being the other. */
export interface Stored {
  readonly key: string;
  readonly rows: readonly (readonly [key: Buffer, value: Buffer])[];
}

export async function partsOf(queries: Queries, keys: Neo4jKeys): Promise<Part[]> {
  const [store] = await queries.run(edgeTypesQuery, { key: keys.store });
  const types = store === undefined ? [] : edgeTypesOf(store.get(0));
  const relations = new Set(types.map((type) => edgePlace(type).relation));
  return ['nodes', 'steps', 'tombstones', ...[...relations].sort().map((name) => `>${name}` as const)];
}

/** Behind a key, in order. Rows have the keys and values of `rows.ts`; the reverse rows are left out, for they repeat the forward ones. */
export async function* storedRows(
  queries: Queries,
  keys: Neo4jKeys,
  part: Part,
  afterKey: string | null,
): AsyncGenerator<Stored> {
  const range = { ...keys.all, ...(afterKey === null ? {} : { gte: `${afterKey}\0` }) };
  for await (const row of scan(queries, textOfPart(part), range, 'ascending', chunkRows)) {
    const key = textOf(row.get(0));
    yield { key, rows: rowsOf(keys, part, key, row.get(1), row.get(2)) };
  }
}

export async function* allRows(
  queries: Queries,
  keys: Neo4jKeys,
): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
  for (const part of await partsOf(queries, keys)) {
    for await (const stored of storedRows(queries, keys, part, null)) yield* stored.rows;
  }
}

export function relationOf(part: Part): string | null {
  return part.startsWith('>') ? part.slice(1) : null;
}

function textOfPart(part: Part): string {
  const relation = relationOf(part);
  if (relation !== null) {
    return `MATCH ()-[r:${quoted(relation)}]->() WHERE r.jgOut >= $gte AND r.jgOut < $lt
      RETURN r.jgOut, r.jgValue, null ORDER BY r.jgOut LIMIT $rows`;
  }
  if (part === 'steps') return stepsText('ascending').replace('s.jgValue', 's.jgValue, null');
  if (part === 'nodes') {
    return `MATCH (n:JgNode) WHERE n.jgKey >= $gte AND n.jgKey < $lt
      RETURN n.jgKey, n.jgRow, n.jgDeleted ORDER BY n.jgKey LIMIT $rows`;
  }
  return `MATCH (x:JgEdgeTombstone) WHERE x.jgKey >= $gte AND x.jgKey < $lt
    RETURN x.jgKey, x.jgTime, null ORDER BY x.jgKey LIMIT $rows`;
}

function rowsOf(keys: Neo4jKeys, part: Part, key: string, value: unknown, deleted: unknown): Stored['rows'] {
  const relation = relationOf(part);
  if (relation !== null) return [[keys.occurrenceRow(relation, key), bytesOf(value)]];
  if (part === 'tombstones') return [[keys.edgeTombstoneRow(key), rows.timeBytes(integerOf(value))]];
  if (part === 'steps') {
    const step = keys.stepOf(key);
    return [[Buffer.concat([rows.stepsPrefix(step.owner), rows.eventKey(step)]), bytesOf(value)]];
  }
  const ref = keys.nodeOf(key);
  const found: (readonly [Buffer, Buffer])[] = [];
  if (value !== null) found.push([rows.nodeKey(ref), bytesOf(value)]);
  if (timeOf(deleted) >= 0) found.push([rows.tombstoneKey(ref), rows.timeBytes(timeOf(deleted))]);
  return found;
}
