import type { EdgeView, OccurrenceView, TimePosition } from './graph-store.ts';
import type { PropertyValue } from './model.ts';

/** Oldest first: by event time, then by occurrence id. */
export function compareTimePositions(a: TimePosition, b: TimePosition): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  return a.occurrence < b.occurrence ? -1 : a.occurrence > b.occurrence ? 1 : 0;
}

/** The tombstones' times that bear on an occurrence; -1 where there is none. */
export interface Tombstones {
  readonly edgeMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A tombstone hides what is not newer than itself. */
export function visible(timeMs: number, tombstones: Tombstones): boolean {
  return timeMs > tombstones.edgeMs && timeMs > tombstones.fromMs && timeMs > tombstones.toMs;
}

/**
 * Folds visible occurrences of one edge, in any order; null when there are none. A property is that of the greatest
 * (event time, occurrence id) among the occurrences that have it.
 */
export function foldEdge(occurrences: readonly OccurrenceView[], truncated: boolean): EdgeView | null {
  const newestFirst = [...occurrences].sort((a, b) => compareTimePositions(b, a));
  const newest = newestFirst[0];
  const oldest = newestFirst.at(-1);
  if (newest === undefined || oldest === undefined) return null;
  const properties = new Map<string, PropertyValue>();
  for (const occurrence of newestFirst) {
    for (const [name, value] of occurrence.properties) {
      if (!properties.has(name)) properties.set(name, value);
    }
  }
  return {
    type: newest.type,
    from: newest.from,
    to: newest.to,
    firstSeenMs: oldest.timeMs,
    lastSeenMs: newest.timeMs,
    count: newestFirst.length,
    properties: [...properties].sort(([a], [b]) => (a < b ? -1 : 1)),
    truncated,
  };
}
