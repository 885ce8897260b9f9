import type { NodeRef } from './model.ts';
import type { Queries } from './neo4j-connection.ts';
import { edgePlace, type Neo4jKeys, quoted, rangeBehind } from './neo4j-keys.ts';
import { occurrencesAt, scan, stepsText } from './neo4j-scan.ts';
import { edgeTypesOf, edgeTypesQuery } from './neo4j-schema.ts';
import { bytesOf, integerOf, type Parameter, textOf } from './neo4j-values.ts';
import type { Expiry } from './time-to-live.ts';

/** What a step or an occurrence says of when and by whom a node was mentioned. */
interface Touch {
  readonly timeMs: number;
  readonly value: Buffer;
}

/** Occurrences that time to live hides are passed over, as far as that; then the node counts as there until they are swept. */
const passedOverMax = 4_096;
/** Of a touch that was not found nobody says where it came from. */
const unknown = Buffer.of(0);

interface Side {
  readonly type: string;
  readonly direction: 'out' | 'in';
}

/** The newest step or occurrence at this node that is kept; null without any that is newer than `hiddenMs`. */
export async function newestTouch(
  queries: Queries,
  keys: Neo4jKeys,
  ref: NodeRef,
  hiddenMs: number,
  expiry: Expiry,
): Promise<Touch | null> {
  const nodeKey = keys.node(ref);
  let newest: Touch | null = null;
  for await (const row of scan(
    queries,
    stepsText('ascending'),
    rangeBehind(`${nodeKey}\0`),
    'ascending',
    1,
  )) {
    const { timeMs } = keys.stepOf(textOf(row.get(0)));
    if (timeMs > hiddenMs) newest = { timeMs, value: bytesOf(row.get(1)) };
    break;
  }
  const [store] = await queries.run(edgeTypesQuery, { key: keys.store });
  const types = store === undefined ? [] : edgeTypesOf(store.get(0));
  const sides = types.flatMap((type) => [
    { type, direction: 'out' } as const,
    { type, direction: 'in' } as const,
  ]);
  const passed = { left: passedOverMax };
  for (const side of await sidesWithin(queries, nodeKey, sides)) {
    const newerThanMs = Math.max(hiddenMs, newest?.timeMs ?? -1);
    const found = await newestOf(queries, nodeKey, side, newerThanMs, expiry, passed);
    if (passed.left < 0) return newest ?? found;
    if (found !== null) newest = found;
  }
  return newest;
}

/** Those that have any occurrence at all: one query for every type that the graph has, and one look into an index each. */
async function sidesWithin(
  queries: Queries,
  nodeKey: string,
  sides: readonly Side[],
): Promise<readonly Side[]> {
  if (sides.length === 0) return [];
  const parameters: Record<string, Parameter> = {};
  const texts = sides.map(({ type, direction }, i) => {
    const { relation, infix } = edgePlace(type);
    const key = direction === 'out' ? 'jgOut' : 'jgIn';
    const { gte, lt } = rangeBehind(`${nodeKey}\0${infix}`);
    Object.assign(parameters, { [`gte${i}`]: gte, [`lt${i}`]: lt });
    return `MATCH ()-[r:${quoted(relation)}]->() WHERE r.${key} >= $gte${i} AND r.${key} < $lt${i} RETURN ${i} AS side LIMIT 1`;
  });
  const found = await queries.run(texts.join('\nUNION ALL\n'), parameters);
  return found.flatMap((row) => sides[integerOf(row.get(0))] ?? []);
}

/** An edge to a type that is kept no longer mentions nobody any more: an older one of the same type may. */
async function newestOf(
  queries: Queries,
  nodeKey: string,
  side: Side,
  newerThanMs: number,
  expiry: Expiry,
  passed: { left: number },
): Promise<Touch | null> {
  const start = `${nodeKey}\0${edgePlace(side.type).infix}`;
  for await (const candidate of occurrencesAt(queries, side, rangeBehind(start), 1, start)) {
    const { timeMs, far } = candidate;
    if (timeMs <= Math.max(newerThanMs, expiry.ofEdge(side.type))) return null;
    if (timeMs > expiry.ofNode(far.type)) return candidate;
    passed.left -= 1;
    if (passed.left < 0) return { timeMs, value: unknown };
  }
  return null;
}
