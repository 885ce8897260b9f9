import type { AboutTable } from '../page-encoder.ts';
import type { AudienceRow } from './audience-rows.ts';

/** What goes into the metadata of a table of its members: the position that they hold at, as far as there is one. */
export function aboutAudience({ id, name, frozenAtMs, sources, sourcesAfter }: AudienceRow): AboutTable {
  return {
    'journey_graph.audience': JSON.stringify({ id, name }),
    'journey_graph.taken_at': new Date(frozenAtMs).toISOString(),
    'journey_graph.positions': JSON.stringify(sources),
    'journey_graph.positions_after': JSON.stringify(sourcesAfter),
  };
}
