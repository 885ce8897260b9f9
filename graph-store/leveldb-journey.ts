import { ByteReader, decodeStepValue } from './codec.ts';
import type { JourneyPage, JourneyQuery, StepView, TimePosition } from './graph-store.ts';
import { chunkBytesMax, chunkRowsMax } from './leveldb-adjacency.ts';
import type { Level } from './leveldb-group.ts';
import type { Moment } from './leveldb-moment.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import * as rows from './rows.ts';
import { isWantedStep } from './wanted-step.ts';

type OriginOf = (id: number) => OriginRow | null;

/** Of a journey that is read. */
interface FoundSteps {
  readonly steps: StepView[];
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
): Promise<JourneyPage> {
  const prefix = rows.stepsPrefix(query.of);
  const sinceMs = Math.max(query.sinceMs, moment.hiddenMs(query.of) + 1);
  const range = rows.timeRange(prefix, sinceMs, query.untilMs);
  const found: FoundSteps = { steps: [], scanned: 0, bytes: 0, more: false, last: null };
  if (range !== null) {
    const { snapshot } = moment;
    const options = { ...journeyRange(query, prefix, range), snapshot, highWaterMarkBytes: chunkBytesMax };
    await using iterator = db.iterator(options);
    for (let size = Math.min(query.limit + 1, chunkRowsMax); !found.more; size = chunkRowsMax) {
      const entries = await iterator.nextv(size);
      if (entries.length === 0) break;
      takeSteps(query, entries, prefix.length, found, originOf);
    }
  }
  const { steps, scanned, more, last } = found;
  return {
    steps: await withoutHiddenLinks(steps, moment),
    scanned,
    more,
    truncated: more && steps.length < query.limit,
    last,
  };
}

function takeSteps(
  query: JourneyQuery,
  entries: readonly (readonly [key: Buffer, value: Buffer])[],
  keyAt: number,
  found: FoundSteps,
  originOf: OriginOf,
): void {
  const { of: owner, limit, scanMax, bytesMax } = query;
  const { steps } = found;
  for (const [key, value] of entries) {
    found.more = steps.length >= limit || found.scanned >= scanMax || found.bytes >= bytesMax;
    if (found.more) return;
    found.scanned += 1;
    const { timeMs, occurrence } = new ByteReader(key, keyAt).eventKey();
    found.last = { timeMs, occurrence };
    const reader = new ByteReader(value);
    const lineage = readLineage(reader, originOf);
    // Without the lineage: the same graph has the same pages.
    const bytes = value.length - reader.at;
    const step = decodeStepValue(reader);
    if (!isWantedStep(step, query)) continue;
    const { domain, action, links, properties } = step;
    steps.push({ owner, timeMs, occurrence, domain, action, links, properties, lineage });
    found.bytes += bytes;
  }
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

async function withoutHiddenLinks(steps: readonly StepView[], moment: Moment): Promise<readonly StepView[]> {
  if (moment.showsAllNodes) return steps;
  const ends = steps.flatMap(({ links }) => links.map(({ node }) => node));
  const hiddenMs = await moment.hiddenLinksMs(ends);
  let next = 0;
  return steps.map((step) => ({
    ...step,
    links: step.links.filter(() => step.timeMs > (hiddenMs[next++] ?? -1)),
  }));
}
