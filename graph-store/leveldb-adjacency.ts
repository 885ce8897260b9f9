import { ByteReader } from './codec.ts';
import type { AdjacencyPage, AdjacencyQuery, EdgeQuery, OccurrenceView } from './graph-store.ts';
import type { Level } from './level.ts';
import type { Moment } from './leveldb-moment.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import { eventKeyBytes } from './packed-format.ts';
import * as rows from './rows.ts';

/** Rows asked for at once; and how many bytes one answer from LevelDB's thread may hold. */
export const chunkRowsMax = 1024;
export const chunkBytesMax = 256 * 1024;
/** After the first chunk did not do: hidden rows come in runs, and a second look costs as much as some tens of rows. */
const nextRowsMin = 64;

/** A row's key, and its value, a text where contents are not asked for. Node makes a buffer of its own for each, which is most of what a row costs. */
type Row = readonly [key: Buffer, value: Buffer | string];

interface RowIterator extends AsyncDisposable {
  nextv(size: number): Promise<readonly Row[]>;
}

export const noRows: AdjacencyPage = { occurrences: [], scanned: 0, truncated: false, last: null };

type OriginOf = (id: number) => OriginRow | null;

/**
 * The occurrences of one type at one side of a node, newest first; of one edge only where `edge` says so. Bounded by the query's `limit` and `scanMax`; in memory
 * are a chunk of rows and what was found.
 */
export async function readOccurrences(
  db: Level,
  moment: Moment,
  query: AdjacencyQuery,
  edge: EdgeQuery | null,
  originOf: OriginOf,
): Promise<AdjacencyPage> {
  const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
  const range = rangeOf(query, prefix, moment);
  if (range === null) return noRows;
  const wanted = edge === null ? null : rows.otherEndMatcher(edge);
  const found: OccurrenceView[] = [];
  let scanned = 0;
  let lastKey: Buffer | null = null;
  const page = (truncated: boolean): AdjacencyPage => {
    const last = lastKey === null ? null : rows.readOccurrencePlace(lastKey, prefix.length);
    return { occurrences: found, scanned, truncated, last };
  };
  await using iterator = iterate(db, moment, query, range);
  for (let size = Math.min(query.limit, query.scanMax + 1); ; ) {
    const entries = await iterator.nextv(Math.min(size, chunkRowsMax));
    if (entries.length === 0) return page(false);
    for (let at = 0; at < entries.length; ) {
      const candidates: OccurrenceView[] = [];
      // As many as there is room for: which row the page ends with depends on which of them are visible.
      for (; at < entries.length && candidates.length < query.limit - found.length; at += 1) {
        if (scanned >= query.scanMax) break;
        const row = entries[at] ?? neverEmpty();
        const [key, value] = row;
        const content = Buffer.isBuffer(value) ? value : null;
        scanned += 1;
        lastKey = key;
        if (wanted !== null && !wanted(key.subarray(prefix.length + eventKeyBytes))) continue;
        candidates.push(occurrenceOf(query, prefix.length, key, content, originOf));
      }
      if (candidates.length > 0) found.push(...(await moment.visible(candidates, query.direction)));
      if (found.length >= query.limit) return page(false);
      if (scanned >= query.scanMax && at < entries.length) return page(true);
    }
    size = Math.max(nextRowsMin, (query.limit - found.length) * 2);
    size = Math.min(size, query.scanMax - scanned + 1);
  }
}

function rangeOf(
  query: AdjacencyQuery,
  prefix: Buffer,
  moment: Moment,
): { readonly gte: Buffer; readonly lt: Buffer } | null {
  const range = rows.timeRange(prefix, sinceMsOf(query, moment), query.untilMs);
  return range === null ? null : rows.rangeAfter(range, prefix, query.after);
}

/** Neither what the own end's tombstone hides nor what is kept no longer. */
export function sinceMsOf({ of, type, sinceMs }: AdjacencyQuery, moment: Moment): number {
  return Math.max(sinceMs, Math.max(moment.hiddenMs(of), moment.expiry.ofEdge(type)) + 1);
}

function iterate(
  db: Level,
  { snapshot }: Moment,
  query: AdjacencyQuery,
  range: { readonly gte: Buffer; readonly lt: Buffer },
): RowIterator {
  const options = { ...range, snapshot, highWaterMarkBytes: chunkBytesMax } as const;
  return query.endsOnly === true ? db.keysAlone(options) : db.iterator(options);
}

function occurrenceOf(
  query: AdjacencyQuery,
  keyAt: number,
  key: Buffer,
  value: Buffer | null,
  originOf: OriginOf,
): OccurrenceView {
  const reader = new ByteReader(key, keyAt);
  const { timeMs, occurrence } = reader.eventKey();
  const other = reader.nodeName();
  const out = query.direction === 'out';
  const content = value === null ? null : new ByteReader(value);
  const lineage = content === null ? null : readLineage(content, originOf);
  return {
    type: query.type,
    from: out ? query.of : other,
    to: out ? other : query.of,
    key: reader.done ? null : key.toString('utf8', reader.at),
    timeMs,
    occurrence,
    properties: content === null ? [] : content.properties(),
    lineage,
  };
}

function neverEmpty(): never {
  throw new RangeError('a place within a list has an entry');
}
