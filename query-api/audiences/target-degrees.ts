import type { GraphReader } from '../../graph-store/index.ts';
import { type Definition, type Did, didsOf } from './condition.ts';
import type { TargetNodes } from './target-nodes.ts';

/** Nodes whose degrees are looked up before a plan is made; of more targets the rest are taken to be alike. */
const degreesMax = 16;
const degreeScanMax = 1000;

/** Rows that reading what leads to the targets of each would look at. Degrees cost reads, so they are looked up only where there is a choice. */
export async function rowsOfTargets(
  reader: GraphReader,
  { where }: Definition,
  targets: ReadonlyMap<Did, TargetNodes>,
  isChoice = didsOf(where).length > 1,
): Promise<(did: Did) => number> {
  const rows = new Map<Did, number>();
  for (const did of didsOf(where)) {
    const found = targets.get(did);
    const any = did.to.kind === 'any';
    rows.set(
      did,
      any || found === undefined
        ? Number.POSITIVE_INFINITY
        : isChoice
          ? await degreeOf(reader, did, found)
          : 1,
    );
  }
  return (did) => rows.get(did) ?? Number.POSITIVE_INFINITY;
}

async function degreeOf(reader: GraphReader, did: Did, { byType, count }: TargetNodes): Promise<number> {
  const refs = [...byType].flatMap(([type, ids]) =>
    [...(ids ?? [])].slice(0, degreesMax).map((id) => ({ type, id })),
  );
  const asked = refs.slice(0, degreesMax);
  let sum = 0;
  for (const of of asked) {
    const { edge: type, sinceMs, untilMs } = did;
    const direction = did.direction === 'out' ? 'in' : 'out';
    sum += (await reader.degree({ of, type, direction, sinceMs, untilMs, scanMax: degreeScanMax })).count;
  }
  return asked.length === 0 ? 0 : (sum / asked.length) * count;
}
