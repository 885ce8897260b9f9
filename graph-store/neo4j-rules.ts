import type { Queries } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { textOf } from './neo4j-values.ts';
import { type HidingType, SweptHorizon } from './swept-horizon.ts';
import { keptForEver, type NextTimeToLive, type TimeToLive, timeToLiveAfter } from './time-to-live.ts';

export function rulesOf(stored: string | null): TimeToLive {
  return stored === null ? keptForEver : JSON.parse(stored);
}

/** With its lock, until the transaction ends: rules change behind it. */
export async function lockRules(queries: Queries, keys: Neo4jKeys): Promise<TimeToLive> {
  const [row] = await queries.run(
    'MATCH (s:JgStore {jgKey: $key}) SET s.format = s.format RETURN s.timeToLive',
    { key: keys.store },
  );
  const text: unknown = row?.get(0) ?? null;
  return rulesOf(text === null ? null : textOf(text));
}

/**
 * Keeps rules, and tombstones that are being removed in the same transaction. What sweeps of other processes took away stays.
 * Answers the rules in force from then on.
 */
export async function keepRules(
  queries: Queries,
  keys: Neo4jKeys,
  next: NextTimeToLive,
  removed: readonly (readonly [hiding: HidingType, timeMs: number])[],
): Promise<TimeToLive> {
  const before = await lockRules(queries, keys);
  const swept = new SweptHorizon(before.swept);
  for (const [hiding, timeMs] of removed) swept.removed(hiding, timeMs);
  const after = swept.with(timeToLiveAfter(before, next));
  await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.timeToLive = $rules', {
    key: keys.store,
    rules: JSON.stringify(after),
  });
  return after;
}
