import { ByteReader } from './codec.ts';
import type { JourneyQuery, JourneyRows, TimePosition } from './graph-store.ts';
import { withoutHiddenLinks } from './hidden-links.ts';
import type { Level } from './level.ts';
import { chunkBytesMax, chunkRowsMax } from './leveldb-adjacency.ts';
import type { Moment } from './leveldb-moment.ts';
import { type OriginRow, skipLineage } from './lineage.ts';
import * as rows from './rows.ts';
import { PackedJourney, type StepRowsOf, StoredStep } from './step-rows.ts';
import { isWantedStep } from './wanted-step.ts';

type OriginOf = (id: number) => OriginRow | null;

/** Of a journey that is read. */
interface FoundSteps {
  readonly rows: StoredStep[];
  scanned: number;
  /** Of the steps. */
  bytes: number;
  /** There are rows behind `last`. */
  more: boolean;
  last: TimePosition | null;
}

/** One page, at one moment. */
export async function readJourney(
  db: Level,
  moment: Moment,
  query: JourneyQuery,
  originOf: OriginOf,
): Promise<JourneyRows> {
  const prefix = rows.stepsPrefix(query.of);
  const sinceMs = Math.max(query.sinceMs, moment.hiddenMs(query.of) + 1);
  const range = rows.timeRange(prefix, sinceMs, query.untilMs);
  const page: StepRowsOf = { owner: query.of, keyAt: prefix.length, originOf };
  const found: FoundSteps = { rows: [], scanned: 0, bytes: 0, more: false, last: null };
  if (range !== null) {
    const { snapshot } = moment;
    const options = { ...journeyRange(query, prefix, range), snapshot, highWaterMarkBytes: chunkBytesMax };
    await using iterator = db.iterator(options);
    for (let size = Math.min(query.limit + 1, chunkRowsMax); !found.more; size = chunkRowsMax) {
      const entries = await iterator.nextv(size);
      if (entries.length === 0) break;
      takeSteps(query, entries, found, page);
    }
  }
  const { scanned, more, last } = found;
  const about = { scanned, more, truncated: more && found.rows.length < query.limit, last };
  const shown = moment.showsAllNodes ? found.rows : await withoutHiddenLinks(found.rows, moment);
  return new PackedJourney(shown, about);
}

function takeSteps(
  query: JourneyQuery,
  entries: readonly (readonly [key: Buffer, value: Buffer])[],
  found: FoundSteps,
  page: StepRowsOf,
): void {
  const { limit, scanMax, bytesMax, domains, edgeTypes = null } = query;
  const takesAll = domains === null && edgeTypes === null;
  let lastKey: Buffer | null = null;
  for (const [key, value] of entries) {
    found.more = found.rows.length >= limit || found.scanned >= scanMax || found.bytes >= bytesMax;
    if (found.more) break;
    found.scanned += 1;
    lastKey = key;
    // Asked for now, and remembered, also that there is none: what is decoded later must not need the store.
    const at = skipLineage(value, page.originOf);
    const row = new StoredStep(key, value, at, page);
    if (!takesAll && !isWantedStep(row.decoded(), query)) continue;
    found.rows.push(row);
    // Without the lineage: the same graph has the same pages.
    found.bytes += value.length - at;
  }
  if (lastKey !== null) found.last = new ByteReader(lastKey, page.keyAt).eventKey();
}

function journeyRange(
  query: JourneyQuery,
  prefix: Buffer,
  range: { gte: Buffer; lt: Buffer },
): { gte: Buffer; lt: Buffer; reverse: boolean } {
  const reverse = query.order === 'oldest-first';
  if (query.after === null) return { ...range, reverse };
  const after = Buffer.concat([prefix, rows.eventKey(query.after)]);
  if (reverse) return { gte: range.gte, lt: after.compare(range.lt) < 0 ? after : range.lt, reverse };
  const next = Buffer.concat([after, Buffer.of(0)]);
  return { gte: next.compare(range.gte) > 0 ? next : range.gte, lt: range.lt, reverse };
}
