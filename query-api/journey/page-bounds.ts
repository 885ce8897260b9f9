import type { JourneyPage, JourneyQuery } from '../../graph-store/index.ts';

/** Where steps may lie that a page does not hold. Milliseconds since the Unix epoch. */
export interface PageBounds {
  /** The greatest time that an earlier one may have; -1 when there can be none. */
  readonly earlierMs: number;
  /** The least time that a later one may have. Never beyond now: whatever happens next is later. */
  readonly laterMs: number;
}

export function boundsOf(
  query: JourneyQuery,
  page: Pick<JourneyPage, 'more' | 'last'>,
  nowMs: number,
): PageBounds {
  const behind = page.more ? (page.last ?? query.after) : null;
  const [earlier, later] =
    query.order === 'oldest-first' ? [query.after, behind] : ([behind, query.after] as const);
  return {
    earlierMs: Math.max(query.sinceMs - 1, earlier?.timeMs ?? -1),
    laterMs: Math.min(query.untilMs, nowMs, later?.timeMs ?? Number.POSITIVE_INFINITY),
  };
}
