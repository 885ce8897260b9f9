import type { Queries } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { textOf } from './neo4j-values.ts';
import { type HidingType, SweptHorizon } from './swept-horizon.ts';
import { keptForEver, type TimeToLive } from './time-to-live.ts';

export function rulesOf(stored: string | null): TimeToLive {
  return stored === null ? keptForEver : JSON.parse(stored);
}

/**
 * Keeps rules, null for those that are there, and tombstones that are being removed in the same transaction. What sweeps of other processes took away stays.
 * Answers the rules in force from then on.
 */
export async function keepRules(
  queries: Queries,
  keys: Neo4jKeys,
  rules: TimeToLive | null,
  removed: readonly (readonly [hiding: HidingType, timeMs: number])[],
): Promise<TimeToLive> {
  const key = keys.store;
  const [row] = await queries.run(
    'MATCH (s:JgStore {jgKey: $key}) SET s.format = s.format RETURN s.timeToLive',
    { key },
  );
  const text = row?.get(0) ?? null;
  const before = rulesOf(text === null ? null : textOf(text));
  const swept = new SweptHorizon(before.swept);
  for (const [hiding, timeMs] of removed) swept.removed(hiding, timeMs);
  const after = swept.with(rules ?? before);
  await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.timeToLive = $rules', {
    key,
    rules: JSON.stringify(after),
  });
  return after;
}
