import { ByteReader } from './codec.ts';
import type { AdjacencyPage, AdjacencyQuery, OccurrencePosition, OccurrenceView } from './graph-store.ts';
import { type OriginRow, readLineage } from './lineage.ts';

export type OriginOf = (id: number) => OriginRow | null;

/** One row of an adjacency as a database has it, whether or not it will be shown. */
export interface Candidate extends OccurrencePosition {
  /** Empty where only ends are asked for. */
  readonly value: Buffer;
}

/** What was found, before its lineage is read. */
export interface OccurrencesFound {
  readonly query: AdjacencyQuery;
  readonly found: readonly Candidate[];
  readonly scanned: number;
  readonly truncated: boolean;
  /** The last row looked at. */
  readonly last: Candidate | null;
}

export function pageOf(
  { query, found, scanned, truncated, last }: OccurrencesFound,
  originOf: OriginOf,
): AdjacencyPage {
  return {
    occurrences: found.map((candidate) => occurrenceOf(query, candidate, originOf)),
    scanned,
    truncated,
    last: last === null ? null : placeOf(last),
  };
}

function placeOf({ timeMs, occurrence, far, key }: Candidate): OccurrencePosition {
  return { timeMs, occurrence, far, key };
}

function occurrenceOf(query: AdjacencyQuery, candidate: Candidate, originOf: OriginOf): OccurrenceView {
  const { timeMs, occurrence, far, key, value } = candidate;
  const out = query.direction === 'out';
  const reader = query.endsOnly === true ? null : new ByteReader(value);
  const lineage = reader === null ? null : readLineage(reader, originOf);
  return {
    type: query.type,
    from: out ? query.of : far,
    to: out ? far : query.of,
    key,
    timeMs,
    occurrence,
    properties: reader === null ? [] : reader.properties(),
    lineage,
  };
}
