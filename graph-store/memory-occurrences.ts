import type { AdjacencyQuery, OccurrencePosition, OccurrenceView } from './graph-store.ts';
import { compareTimePositions } from './merge.ts';
import * as rows from './rows.ts';

/** Those behind the query's place. */
export function isAfter(query: AdjacencyQuery): (candidate: OccurrenceView) => boolean {
  const { after } = query;
  if (after === null || after === undefined) return () => true;
  const place = rows.occurrencePlace(after);
  return (candidate) => rows.occurrencePlace(placeOf(query, candidate)).compare(place) > 0;
}

export function placeOf({ direction }: AdjacencyQuery, view: OccurrenceView): OccurrencePosition {
  const { timeMs, occurrence, key } = view;
  return { timeMs, occurrence, far: direction === 'out' ? view.to : view.from, key };
}

/** Newest first; at one event, by the other end, so that every adapter answers in one order. */
export function compareOccurrences(way: 'out' | 'in', a: OccurrenceView, b: OccurrenceView): number {
  const other = way === 'out' ? 'to' : 'from';
  const endOf = (view: OccurrenceView): Buffer =>
    Buffer.concat([rows.nodeName(view[other]), Buffer.from(view.key ?? '')]);
  return compareTimePositions(b, a) || endOf(a).compare(endOf(b));
}
