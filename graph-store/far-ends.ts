import type { FarEndsPage, FarEndsQuery } from './bulk-reads.ts';
import type { AdjacencyPage, AdjacencyQuery } from './graph-store.ts';
import * as rows from './rows.ts';

/** `farEnds` of a store whose rows come from a server anyway: what `adjacency` shows, ids alone. */
export async function farEndsOf(
  { keep, after, scanMax, farType, ...query }: FarEndsQuery,
  adjacency: (query: AdjacencyQuery) => Promise<AdjacencyPage>,
): Promise<FarEndsPage> {
  const page = await adjacency({
    ...query,
    scanMax,
    limit: Number.POSITIVE_INFINITY,
    endsOnly: keep === null,
    after: after === null ? null : rows.readOccurrencePlace(Buffer.from(after), 0),
  });
  const ids: string[] = [];
  for (const { from, to, properties } of page.occurrences) {
    const far = query.direction === 'out' ? to : from;
    if (far.type === farType && (keep?.(properties) ?? true)) ids.push(far.id);
  }
  const next = page.truncated && page.last !== null ? rows.occurrencePlace(page.last) : null;
  return { ids, scanned: page.scanned, next };
}
