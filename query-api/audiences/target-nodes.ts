import { RefusedError, unreachable } from '../../foundation/index.ts';
import { type GraphReader, type NodeRef, readsAtOnceMax } from '../../graph-store/index.ts';
import { holds } from '../where/predicate.ts';
import { type Did, propertiesIn, type Targets } from './condition.ts';
import type { Turns } from './turns.ts';

/** The nodes at the other end that count, by type; null for any node of the one type. */
export interface TargetNodes {
  readonly byType: ReadonlyMap<string, ReadonlySet<string> | null>;
  /** How many; 0 for any node. */
  readonly count: number;
}

export interface TargetLimits {
  readonly targetsMax: number;
  /** Nodes of a type that are looked at, and edges of what leads to them. */
  readonly rowsMax: number;
}

export const targetLimitsDefault: TargetLimits = { targetsMax: 10_000, rowsMax: 1_000_000 };

const endsPageRows = 4096;

/** Finds them as they are now. Throws RefusedError AUDIENCE_TARGETS_TOO_MANY beyond the limits: half of them would be another audience. */
export async function findTargets(
  reader: GraphReader,
  { to }: Did,
  limits: TargetLimits,
  turns: Turns,
): Promise<TargetNodes> {
  switch (to.kind) {
    case 'nodes':
      return byType(to.nodes);
    case 'any':
      return { byType: new Map([[to.type, null]]), count: 0 };
    case 'where':
      return await heldNodes(reader, to, limits, turns);
    case 'reached':
      return await reachedNodes(reader, to, limits, turns);
    default:
      return unreachable(to);
  }
}

function byType(nodes: readonly NodeRef[]): TargetNodes {
  const grouped = Map.groupBy(nodes, ({ type }) => type);
  const sets = [...grouped].map(([type, refs]) => [type, new Set(refs.map(({ id }) => id))] as const);
  return { byType: new Map(sets), count: sets.reduce((sum, [, ids]) => sum + ids.size, 0) };
}

async function heldNodes(
  reader: GraphReader,
  { type, where }: Extract<Targets, { kind: 'where' }>,
  limits: TargetLimits,
  turns: Turns,
): Promise<TargetNodes> {
  const names = propertiesIn(where);
  const found = new Set<string>();
  let looked = 0;
  for (let after: Uint8Array | null = null; ; ) {
    await turns.giveWay();
    const page = await reader.bulk.scan({ type, after, limit: readsAtOnceMax });
    const properties = await reader.bulk.properties({ type, ids: page.ids, names });
    looked += page.ids.length;
    for (const [i, id] of page.ids.entries()) {
      const values = properties[i];
      if (values == null) continue;
      if (holds(where, (name) => values.find((one) => one.name === name)?.value)) found.add(id);
    }
    checkCount(found.size, limits, type);
    if (page.next === null) return { byType: new Map([[type, found]]), count: found.size };
    if (looked > limits.rowsMax)
      throw tooMany(`There are more than ${limits.rowsMax} nodes of type ${type} to look at`);
    after = page.next;
  }
}

async function reachedNodes(
  reader: GraphReader,
  { from, edge, direction, type }: Extract<Targets, { kind: 'reached' }>,
  limits: TargetLimits,
  turns: Turns,
): Promise<TargetNodes> {
  const found = new Set<string>();
  let looked = 0;
  for (const of of from) {
    for (let after: Uint8Array | null = null; ; ) {
      await turns.giveWay();
      const page = await reader.bulk.farEnds({
        of,
        type: edge,
        direction,
        farType: type,
        sinceMs: 0,
        untilMs: Number.MAX_SAFE_INTEGER,
        after,
        scanMax: endsPageRows,
        keep: null,
      });
      looked += page.scanned;
      for (const id of page.ids) found.add(id);
      checkCount(found.size, limits, type);
      if (page.next === null) break;
      if (looked > limits.rowsMax)
        throw tooMany(`There are more than ${limits.rowsMax} edges ${edge} to look at`);
      after = page.next;
    }
  }
  return { byType: new Map([[type, found]]), count: found.size };
}

function checkCount(count: number, { targetsMax }: TargetLimits, type: string): void {
  if (count > targetsMax) throw tooMany(`More than ${targetsMax} nodes of type ${type} fit what \`to\` says`);
}

function tooMany(what: string): RefusedError {
  return new RefusedError(
    'AUDIENCE_TARGETS_TOO_MANY',
    `${what}; name fewer of them, by \`nodes\`, by an edge that joins them to a group, or by a narrower \`where\`.`,
  );
}
