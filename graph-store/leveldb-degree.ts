import { ByteReader } from './codec.ts';
import type { DegreeQuery, DegreeView } from './graph-store.ts';
import type { Level } from './level.ts';
import { estimateByBytes } from './leveldb-degree-bytes.ts';
import { estimateByPieces } from './leveldb-degree-pieces.ts';
import { KeyAxis, readKeys } from './leveldb-key-axis.ts';
import type { Moment, Occurrence } from './leveldb-moment.ts';
import * as rows from './rows.ts';

const chunkRowsMax = 256;

/**
 * Counts exactly where `scanMax` rows are all there are; estimates the rest otherwise. Reads keys alone.
 *
 * Neither of two measures is enough alone. What LevelDB knows of the bytes between two keys is true of its files only: rows of the last
 * minutes lie in its memory tables and count nothing. How close rows lie together at one place is true of all of them, but says
 * little of another place: a premiere has more in an hour than the year after it. So what has files is counted by their bytes, and by
 * closeness what has none: nearly always the newest end, or everything soon after a start.
 */
export async function scanDegree(db: Level, moment: Moment, query: DegreeQuery): Promise<DegreeView> {
  const { snapshot } = moment;
  const prefix = rows.adjacencyPrefix(query.of, query.direction, query.type);
  const hiddenMs = Math.max(moment.hiddenMs(query.of), moment.expiry.ofEdge(query.type));
  const range = rows.timeRange(prefix, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
  if (range === null) return { count: 0, exact: true };
  const keys = await readKeys(db, snapshot, range, query.scanMax + 1);
  if (keys.length <= query.scanMax)
    return { count: await countVisible(keys, prefix, moment, query), exact: true };
  const axis = new KeyAxis(db, snapshot, prefix);
  // The last of them only told that there are more.
  const seen = keys.slice(0, -1);
  const from = axis.placeOf(seen.at(-1) ?? range.gte) + 1n;
  const to = axis.placeOf(range.lt);
  const known = await estimateByBytes(axis, seen, to);
  const behind =
    known === null
      ? await estimateByPieces(axis, from, to)
      : known.rows + (known.from > from ? await estimateByPieces(axis, from, known.from) : 0);
  return { count: Math.round(query.scanMax + behind), exact: false };
}

async function countVisible(
  keys: readonly Buffer[],
  prefix: Buffer,
  moment: Moment,
  query: DegreeQuery,
): Promise<number> {
  let count = 0;
  for (let at = 0; at < keys.length; at += chunkRowsMax) {
    const chunk = keys.slice(at, at + chunkRowsMax);
    const occurrences = chunk.map((key) => occurrenceOf(query, prefix.length, key));
    count += (await moment.visible(occurrences, query.direction)).length;
  }
  return count;
}

function occurrenceOf(query: DegreeQuery, keyAt: number, key: Buffer): Occurrence {
  const reader = new ByteReader(key, keyAt);
  const { timeMs } = reader.eventKey();
  const other = reader.nodeName();
  const edgeKey = key.toString('utf8', reader.at);
  const [from, to] = query.direction === 'out' ? [query.of, other] : [other, query.of];
  return { type: query.type, from, to, key: edgeKey === '' ? null : edgeKey, timeMs };
}
