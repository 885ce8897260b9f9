import { unreachable } from '../foundation/index.ts';
import { canonical, extremeOf, inOrder, sumOf } from './arithmetic.ts';
import type { EdgeQuery, EdgeView, Fold, OccurrenceView } from './graph-store.ts';
import { compareTimePositions } from './merge.ts';
import { type PropertyValue, setElementsMax } from './model.ts';

/** Folds visible occurrences of one edge, in any order; null when there are none. */
export function foldEdge(
  occurrences: readonly OccurrenceView[],
  { key, folds }: Pick<EdgeQuery, 'key' | 'folds'>,
  truncated: boolean,
): EdgeView | null {
  const newestFirst = [...occurrences].sort((a, b) => compareTimePositions(b, a) || compareKeys(a, b));
  const newest = newestFirst[0];
  const oldest = newestFirst.at(-1);
  if (newest === undefined || oldest === undefined) return null;
  const values = new Map<string, PropertyValue[]>();
  for (const { properties } of newestFirst) {
    for (const [name, value] of properties) {
      const known = values.get(name);
      if (known === undefined) values.set(name, [value]);
      else known.push(value);
    }
  }
  const properties = [...values]
    .map(([name, all]) => [name, foldValues(all, folds.get(name) ?? 'last')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    type: newest.type,
    from: newest.from,
    to: newest.to,
    key,
    firstSeenMs: oldest.timeMs,
    lastSeenMs: newest.timeMs,
    count: newestFirst.length,
    properties,
    lineage: newest.lineage,
    truncated:
      truncated || properties.some(([, value]) => Array.isArray(value) && value.length >= setElementsMax),
  };
}

/** Newest first; there is one at least. */
function foldValues(values: readonly PropertyValue[], fold: Fold): PropertyValue | readonly PropertyValue[] {
  const known = values.filter((value) => value !== null);
  switch (fold) {
    case 'last':
      return values[0] ?? null;
    case 'first':
      return values.at(-1) ?? null;
    case 'min':
    case 'max':
      return known[extremeOf(known, fold)] ?? null;
    case 'sum':
      return known.length === 0 ? null : sumOf(known);
    case 'set':
      return inOrder([...new Set(known.map(canonical))]).slice(0, setElementsMax);
    default:
      return unreachable(fold);
  }
}

function compareKeys(a: OccurrenceView, b: OccurrenceView): number {
  const [left, right] = [a.key ?? '', b.key ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}
