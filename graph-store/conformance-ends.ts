import { expect } from 'vitest';
import type { AdjacencyQuery, EndsPage, GraphReader } from './graph-store.ts';
import type { NodeRef } from './model.ts';

/** What `ends` answers is what `adjacencies` does, row by row; nothing where the engine has none of its own. */
export async function expectEnds(
  store: Pick<GraphReader, 'adjacencies' | 'ends'>,
  queries: readonly AdjacencyQuery[],
): Promise<void> {
  const asked = queries.map((query) => ({ ...query, endsOnly: true }));
  if (store.ends === undefined) return;
  const pages = await store.ends(asked);
  expect(pages.map(toldBy)).toEqual(await store.adjacencies(asked));
  for (const [index, { direction }] of asked.entries()) {
    const page = pages[index];
    if (page !== undefined) expectSameRows(page, direction);
  }
}

function toldBy(page: EndsPage): unknown {
  const occurrences = Array.from({ length: page.count }, (_, at) => page.view(at));
  return { occurrences, scanned: page.scanned, truncated: page.truncated, last: page.last() };
}

function expectSameRows(page: EndsPage, direction: 'out' | 'in'): void {
  const rows = Array.from({ length: page.count }, (_, at) => [page.timeMs(at), page.farName(at)]);
  const views = rows.map((_, at) => page.view(at));
  expect(rows).toEqual(
    views.map(({ timeMs, from, to }) => [timeMs, nameOf(direction === 'out' ? to : from)]),
  );
  expect(page.lastMs).toBe(page.last()?.timeMs ?? null);
}

function nameOf({ type, id }: NodeRef): string {
  return `${type}\0${id}`;
}
