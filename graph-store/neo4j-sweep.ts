import { must } from '../foundation/index.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { Queries } from './neo4j-connection.ts';
import { type Neo4jKeys, quoted } from './neo4j-keys.ts';
import { type Part, partsOf, relationOf, storedRows } from './neo4j-rows.ts';
import { integerOf } from './neo4j-values.ts';
import * as rows from './rows.ts';
import { type HidingType, hidingTypeOf } from './swept-horizon.ts';
import type { Expiry } from './time-to-live.ts';

/** Where a sweep goes on: the last key that it looked at. */
interface Cursor {
  readonly part: Part;
  readonly after: string;
}

/** What was hidden when it was looked at, up to which event time, by the label or relationship type that has it. */
export interface Expired {
  readonly nodes: (readonly [key: string, hiddenMs: bigint])[];
  /** Tombstones go with the time that they had: a later delete is not to be taken away unseen. */
  readonly nodeTombstones: (readonly [key: string, timeMs: bigint])[];
  /** Nodes without a row and without a tombstone: there for their edges alone. */
  readonly bare: string[];
  readonly steps: string[];
  readonly edgeTombstones: (readonly [key: string, timeMs: bigint])[];
  readonly occurrences: Map<string, string[]>;
  /** What hides the tombstones of both kinds. */
  readonly deleted: (readonly [hiding: HidingType, timeMs: number])[];
}

export interface Look {
  readonly expired: Expired;
  readonly scanned: number;
  readonly next: Uint8Array | null;
}

export async function lookForExpired(
  queries: Queries,
  keys: Neo4jKeys,
  expiry: Expiry,
  after: Uint8Array | null,
  rowsMax: number,
): Promise<Look> {
  const expired: Expired = {
    nodes: [],
    nodeTombstones: [],
    bare: [],
    steps: [],
    edgeTombstones: [],
    occurrences: new Map(),
    deleted: [],
  };
  const cursor: Cursor | null = after === null ? null : JSON.parse(Buffer.from(after).toString());
  const parts = await partsOf(queries, keys);
  let scanned = 0;
  for (const part of parts.slice(cursor === null ? 0 : Math.max(0, parts.indexOf(cursor.part)))) {
    const from = part === cursor?.part ? cursor.after : null;
    for await (const stored of storedRows(queries, keys, part, from)) {
      scanned += 1;
      if (part === 'nodes' && stored.rows.length === 0) expired.bare.push(stored.key);
      for (const [key, value] of stored.rows) {
        const hiddenMs = rows.expiredAt(key, value, expiry);
        if (hiddenMs === null) continue;
        const kind = rows.rowKindOf(key);
        const isTombstone = kind === rows.rowKind.tombstone || kind === rows.rowKind.edgeTombstone;
        const untilMs = isTombstone ? rows.decodeTime(value) : Math.floor(hiddenMs);
        const hiding = isTombstone ? hidingTypeOf(decodeGraphKey(key), expiry) : null;
        if (hiding !== null) expired.deleted.push([hiding, untilMs]);
        note(expired, part, stored.key, kind, BigInt(untilMs));
      }
      if (scanned >= rowsMax) {
        return {
          expired,
          scanned,
          next: Buffer.from(JSON.stringify({ part, after: stored.key } satisfies Cursor)),
        };
      }
    }
  }
  return { expired, scanned, next: null };
}

function note(expired: Expired, part: Part, key: string, kind: number, untilMs: bigint): void {
  const relation = relationOf(part);
  if (relation !== null) {
    const found = expired.occurrences.get(relation) ?? [];
    expired.occurrences.set(relation, found);
    found.push(key);
  } else if (part === 'steps') {
    expired.steps.push(key);
  } else if (part === 'tombstones') {
    expired.edgeTombstones.push([key, untilMs]);
  } else if (kind === rows.rowKind.node) {
    expired.nodes.push([key, untilMs]);
    expired.bare.push(key);
  } else {
    expired.nodeTombstones.push([key, untilMs]);
    expired.bare.push(key);
  }
}

/** What may have changed since it was looked at is looked at again behind its lock. An occurrence counts as two rows, one for each end. */
export async function removeExpired(queries: Queries, expired: Expired): Promise<number> {
  const count = async (
    text: string,
    list: readonly unknown[],
    parameters: Parameters<Queries['run']>[1],
  ): Promise<number> => {
    if (list.length === 0) return 0;
    const [row] = await queries.run(text, parameters);
    return integerOf(must(row, 'a count is one row').get(0));
  };
  const touched = [
    ...new Set([...expired.nodes, ...expired.nodeTombstones].map(([key]) => key).concat(expired.bare)),
  ].sort();
  await queries.run('UNWIND $keys AS key MATCH (n:JgNode {jgKey: key}) SET n.jgLock = true', {
    keys: touched,
  });
  let removed = await count(
    `UNWIND $rows AS row MATCH (n:JgNode {jgKey: row[0]}) WHERE n.jgMentioned <= row[1]
     SET n = {jgKey: n.jgKey, jgId: n.jgId, jgDeleted: n.jgDeleted} RETURN count(n)`,
    expired.nodes,
    { rows: expired.nodes },
  );
  removed += await count(
    `UNWIND $rows AS row MATCH (n:JgNode {jgKey: row[0]}) WHERE n.jgDeleted <= row[1]
     REMOVE n.jgDeleted RETURN count(n)`,
    expired.nodeTombstones,
    { rows: expired.nodeTombstones },
  );
  removed += await count(
    'UNWIND $keys AS key MATCH (s:JgStep {jgKey: key}) DELETE s RETURN count(key)',
    expired.steps,
    { keys: expired.steps },
  );
  // As nodes are: whoever waits for a lock within the query that looks at the time deletes what was another one's when it looked.
  await queries.run('UNWIND $keys AS key MATCH (x:JgEdgeTombstone {jgKey: key}) SET x.jgLock = true', {
    keys: expired.edgeTombstones.map(([key]) => key).sort(),
  });
  removed += await count(
    `UNWIND $rows AS row MATCH (x:JgEdgeTombstone {jgKey: row[0]}) WHERE x.jgTime <= row[1]
     DELETE x RETURN count(row)`,
    expired.edgeTombstones,
    { rows: expired.edgeTombstones },
  );
  for (const [relation, found] of expired.occurrences) {
    const text = `UNWIND $keys AS key MATCH ()-[r:${quoted(relation)} {jgOut: key}]->() DELETE r RETURN count(key)`;
    removed += 2 * (await count(text, found, { keys: found }));
  }
  if (expired.bare.length > 0) {
    await queries.run(
      `UNWIND $keys AS key MATCH (n:JgNode {jgKey: key})
       WHERE n.jgRow IS NULL AND n.jgDeleted IS NULL AND NOT (n)--() DELETE n`,
      { keys: expired.bare },
    );
  }
  return removed;
}
